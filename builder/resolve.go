package builder

import (
	"context"
	"sync"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// facts is where answers to the solver's questions come from;
// *index.Client is one.
type facts interface {
	Page(context.Context, pep508.Name) (solver.Fact, error)
	Metadata(context.Context, pep508.Name, solver.File) (solver.Fact, error)
	Direct(context.Context, pep508.Requirement) (solver.Page, error)
}

// answer is what came back for one key.
type answer struct {
	key  solver.Key
	fact solver.Fact
	err  error
}

// fetcher answers the solver's keys from facts, each once, side by side.
type fetcher struct {
	ctx     context.Context
	from    facts
	direct  map[pep508.Name]pep508.Requirement
	asked   map[solver.Key]bool
	pages   map[pep508.Name]*solver.Page
	failed  map[solver.Key]error
	pending int
	answers chan answer
	running sync.WaitGroup
}

// resolve drives s to its end: it fetches what Step asks for, likeliest
// first and ahead of need, and gives it back as it arrives. A failure to
// fetch counts only once Step cannot go on without that key, so what is
// asked ahead never decides the result.
func (b *Builder) resolve(ctx context.Context, s *solver.Solver, requires []pep508.Requirement, from facts) (*solver.Solution, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &fetcher{
		ctx: ctx, from: from,
		direct:  map[pep508.Name]pep508.Requirement{},
		asked:   map[solver.Key]bool{},
		pages:   map[pep508.Name]*solver.Page{},
		failed:  map[solver.Key]error{},
		answers: make(chan answer, 256),
	}
	defer func() { // what was asked ahead in vain ends before resolve does
		cancel()
		f.running.Wait()
	}()
	for _, r := range requires {
		if r.URL != "" {
			f.direct[r.Name] = r
		}
	}
	given := int64(0)
	for {
		out := s.Step()
		switch out.State {
		case solver.Done:
			return out.Solution, nil
		case solver.Failed:
			return nil, b.conflictError(out.Conflict)
		}
		if len(out.Need) == 0 {
			return nil, fault.New(fault.Input, "the solver neither ended nor asked for anything (a defect of wheelwright)")
		}
		for _, k := range out.Need {
			f.ask(k)
		}
		for _, k := range out.Need[:out.Blocking] {
			if err := f.failed[k]; err != nil {
				return nil, err
			}
		}
		n, err := f.collect(s)
		if err != nil {
			return nil, err
		}
		given += int64(n)
		b.report(Event{Step: StepResolve, Kind: Progressed, Done: given, Unit: Items})
	}
}

// ask starts the fetch of k unless it was asked before.
func (f *fetcher) ask(k solver.Key) {
	if f.asked[k] {
		return
	}
	f.asked[k] = true
	f.pending++
	file := f.file(k)
	f.running.Go(func() {
		a := answer{key: k}
		switch r, direct := f.direct[k.Name]; {
		case k.IsPage() && direct:
			var p solver.Page
			p, a.err = f.from.Direct(f.ctx, r)
			a.fact = solver.Fact{Page: &p}
		case k.IsPage():
			a.fact, a.err = f.from.Page(f.ctx, k.Name)
		default:
			a.fact, a.err = f.from.Metadata(f.ctx, k.Name, file)
		}
		select {
		case f.answers <- a:
		case <-f.ctx.Done():
		}
	})
}

// file is what the page lists for a key that asks for METADATA.
func (f *fetcher) file(k solver.Key) solver.File {
	if p := f.pages[k.Name]; p != nil && !k.IsPage() {
		for _, file := range p.Files {
			if file.Name == k.File {
				return file
			}
		}
	}
	return solver.File{}
}

// collect waits for one answer, takes what else is ready, and gives all of
// it to s. It reports how many facts were given.
func (f *fetcher) collect(s *solver.Solver) (int, error) {
	n := 0
	for f.pending > 0 {
		var a answer
		if n == 0 {
			select {
			case a = <-f.answers:
			case <-f.ctx.Done():
				return n, f.ctx.Err()
			}
		} else {
			select {
			case a = <-f.answers:
			default:
				return n, nil
			}
		}
		f.pending--
		n++
		if a.err != nil {
			f.failed[a.key] = a.err
			continue
		}
		if a.fact.Page != nil {
			f.pages[a.key.Name] = a.fact.Page
		}
		if err := s.Give(a.key, a.fact); err != nil {
			return n, err
		}
	}
	if n == 0 {
		return 0, fault.New(fault.Input, "the solver waits for facts it was given (a defect of wheelwright)")
	}
	return n, nil
}

// conflictError is a conflict as an error of three parts.
func (b *Builder) conflictError(c *solver.Conflict) error {
	e := fault.New(fault.Unsatisfiable, "profile %s: %s", b.Profile.Name, c.What)
	e.Why = c.Explain()
	e.Next = c.Next
	return e
}
