package builder

import (
	"context"
	"sync"
	"time"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// facts is where answers to the solver's questions come from;
// *index.Client is one. It remembers what it read.
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

// search is one solver being driven: what it asks for is fetched from facts,
// each key once, side by side.
type search struct {
	*solver.Solver
	problem solver.Problem
	from    facts
	session *Session
	undated map[string]bool // names of the indexes whose files need no date
	read    *readings
	atHand  bool          // answers are read from disk: quicker than handing the work over
	given   func(n int64) // told how many facts were given so far; may be nil

	ctx     context.Context
	cancel  context.CancelFunc
	direct  map[pep508.Name]pep508.Requirement
	asked   map[solver.Key]bool
	pages   map[pep508.Name]*solver.Page
	failed  map[solver.Key]error
	pending int
	count   int64
	answers chan answer
	running sync.WaitGroup
}

// newSearch prepares a search for an answer to p. End it.
func newSearch(ctx context.Context, p solver.Problem, from facts, session *Session, undated map[string]bool) (*search, error) {
	s, err := solver.New(p)
	if err != nil {
		return nil, err
	}
	read, err := session.readings(p)
	if err != nil {
		return nil, err
	}
	x := &search{
		Solver: s, problem: p, from: from, session: session, undated: undated, read: read,
		direct:  map[pep508.Name]pep508.Requirement{},
		asked:   map[solver.Key]bool{},
		pages:   map[pep508.Name]*solver.Page{},
		failed:  map[solver.Key]error{},
		answers: make(chan answer, 256),
	}
	x.ctx, x.cancel = context.WithCancel(ctx)
	for _, r := range p.Requires {
		if r.URL != "" {
			x.direct[r.Name] = r
		}
	}
	return x, nil
}

// inPlace says whether answers are read from disk: then each is fetched where
// it is asked for, and none ahead.
func (x *search) inPlace(yes bool) {
	x.atHand = yes
	x.AskAhead(!yes)
}

// end waits for what was asked ahead in vain.
func (x *search) end() {
	x.cancel()
	x.running.Wait()
}

// drive calls step until it needs nothing more: it fetches what step asks
// for, likeliest first and ahead of need, and gives it back as it arrives. A
// failure to fetch counts only once step cannot go on without that key, so
// what is asked ahead never decides the result.
func (x *search) drive(step func() solver.Outcome) (solver.Outcome, error) {
	for {
		if err := x.ctx.Err(); err != nil {
			return solver.Outcome{}, err
		}
		out := step()
		if out.State != solver.NeedFacts {
			return out, nil
		}
		if len(out.Need) == 0 {
			return out, fault.New(fault.Input, "the solver neither ended nor asked for anything (a defect of wheelwright)")
		}
		for _, k := range out.Need {
			x.ask(k)
		}
		for _, k := range out.Need[:out.Blocking] {
			if err := x.failed[k]; err != nil {
				return out, err
			}
		}
		if err := x.collect(out.Need[:out.Blocking]); err != nil {
			return out, err
		}
		if x.given != nil {
			x.given(x.count)
		}
	}
}

// ask starts the fetch of k unless it was asked before.
func (x *search) ask(k solver.Key) {
	if x.asked[k] {
		return
	}
	x.asked[k] = true
	x.pending++
	file := x.file(k)
	fetch := func() {
		a := answer{key: k}
		switch r, direct := x.direct[k.Name]; {
		case k.IsPage() && direct:
			var p solver.Page
			p, a.err = x.from.Direct(x.ctx, r)
			p.Undated = true // the user names the very file
			a.fact = solver.Fact{Page: &p}
		case k.IsPage():
			a.fact, a.err = x.from.Page(x.ctx, k.Name)
			if p := a.fact.Page; p != nil && x.undated[p.Index] {
				admitted := *p // facts may hand the same page to others
				admitted.Undated = true
				a.fact.Page = &admitted
			}
		default:
			a.fact, a.err = x.from.Metadata(x.ctx, k.Name, file)
		}
		if a.err == nil {
			a.fact = x.read.of(a.fact)
		}
		select {
		case x.answers <- a:
		case <-x.ctx.Done():
		}
	}
	if x.atHand && len(x.answers) < cap(x.answers)/2 {
		fetch()
		return
	}
	x.running.Go(fetch)
}

// file is what the page lists for a key that asks for METADATA.
func (x *search) file(k solver.Key) solver.File {
	if p := x.pages[k.Name]; p != nil && !k.IsPage() {
		for i := range p.Files {
			if p.Files[i].Name == k.File {
				return p.Files[i]
			}
		}
	}
	return solver.File{}
}

// A step costs more than an answer from a cache, and cannot go on without what
// blocks it. So answers are gathered until all of that is there and none has
// come for quiet; but where the network is slow, only for patience, since a
// step that knows more asks further ahead.
const (
	quiet    = 200 * time.Microsecond
	patience = 5 * time.Millisecond
)

// collect waits for answers, those to blocking above all, and gives them to
// the solver.
func (x *search) collect(blocking []solver.Key) error {
	if x.pending == 0 {
		return fault.New(fault.Input, "the solver waits for facts it was given (a defect of wheelwright)")
	}
	waits := map[solver.Key]bool{}
	for _, k := range blocking {
		waits[k] = true
	}
	var pause <-chan time.Time // nil until one answer is there
	for x.pending > 0 {
		var a answer
		select {
		case a = <-x.answers:
		case <-x.ctx.Done():
			return x.ctx.Err()
		case <-pause:
			return nil
		}
		if err := x.take(a); err != nil {
			return err
		}
		delete(waits, a.key)
		switch {
		case len(waits) == 0:
			pause = time.After(quiet)
		case pause == nil:
			pause = time.After(patience)
		}
	}
	return nil
}

// take gives one answer to the solver.
func (x *search) take(a answer) error {
	x.pending--
	if a.err != nil {
		x.failed[a.key] = a.err
		return nil
	}
	if a.fact.Page != nil {
		x.pages[a.key.Name] = a.fact.Page
	}
	x.count++
	return x.Give(a.key, a.fact)
}
