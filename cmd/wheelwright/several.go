package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"wheelwright/builder"
	"wheelwright/fault"
)

// job is the work on one profile of a command.
type job struct {
	*builder.Builder
	named bool  // on the command line; not by --all alone
	lane  *lane // nil: its talk goes straight to the screen
}

// failures are the errors of several profiles, in the order of the command
// line; their kind is the first one's, and each is printed.
type failures []error

func (f failures) Error() string {
	var text []string
	for _, err := range f {
		text = append(text, err.Error())
	}
	return strings.Join(text, "; ")
}

func (f failures) Unwrap() []error { return f }

// each runs do for each profile asked for, one after the other. One that
// fails does not keep the next from being tried; an interrupt does.
func (a *app) each(r *resolveFlags, do func(*builder.Builder) error) error {
	jobs, end, err := a.jobs(r, false)
	if err != nil {
		return err
	}
	defer end()
	all := ending{a: a, jobs: len(jobs)}
	for _, j := range jobs {
		err := do(j.Builder)
		if fault.KindOf(err) == fault.Interrupted {
			return err
		}
		all.add(j, err)
	}
	return all.err()
}

// sideBySide runs work for the profiles asked for, as many at a time as there
// are cores. What it reports, and the telling that it returns, comes in the
// order of the command line.
func (a *app) sideBySide(r *resolveFlags, work func(*builder.Builder) (tell func() error, err error)) error {
	jobs, end, err := a.jobs(r, true)
	if err != nil {
		return err
	}
	defer end()
	type result struct {
		tell func() error
		err  error
	}
	results := make([]chan result, len(jobs))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	go func() {
		for i, j := range jobs {
			free <- struct{}{}
			go func() {
				tell, err := work(j.Builder)
				<-free
				results[i] <- result{tell, err}
			}()
		}
	}()
	all := ending{a: a, jobs: len(jobs)}
	var interrupted error
	for i, j := range jobs {
		j.lane.show()
		r := <-results[i]
		if r.err == nil && interrupted == nil {
			r.err = r.tell()
		}
		if fault.KindOf(r.err) == fault.Interrupted {
			interrupted = r.err // the others end by themselves, and are waited for
			continue
		}
		all.add(j, r.err)
	}
	if interrupted != nil {
		return interrupted
	}
	return all.err()
}

// ending gathers how the work on several profiles ends.
type ending struct {
	a       *app
	jobs    int
	leftOut int
	failed  failures
}

// add takes how a job ended; the failure of one of several names its profile.
// That a profile has no answer is no failure where nobody named it.
func (e *ending) add(j job, err error) {
	if err == nil {
		return
	}
	if _, unsolved := errors.AsType[*builder.Unsolved](err); unsolved && !j.named {
		e.leftOut++
		e.a.leaveOut(j.Profile.Name, err)
		return
	}
	e.a.document(builder.Failure(j.Profile.Name, err))
	if name := "profile " + j.Profile.Name; e.jobs > 1 && !strings.HasPrefix(err.Error(), name+":") && !strings.HasPrefix(err.Error(), name+" ") {
		err = fmt.Errorf("%s: %w", name, err)
	}
	e.failed = append(e.failed, err)
}

// err is how the command ends.
func (e *ending) err() error {
	switch {
	case len(e.failed) == 1:
		return e.failed[0]
	case len(e.failed) > 1:
		return e.failed
	case e.leftOut > 0 && e.leftOut == e.jobs:
		return fault.New(fault.Unsatisfiable, "no profile can be solved").Try("name one to see why in full: --profile NAME")
	}
	return nil
}

// jobs makes a builder for every profile asked for, all of them before any
// work: a misspelt name is told before an hour's build. apart says that they
// will run at once. end is called when the work is done.
func (a *app) jobs(r *resolveFlags, apart bool) (jobs []job, end func(), err error) {
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	names := slices.Clone(r.profiles)
	if r.all {
		for _, name := range builder.ProfileNames() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	replace, err := r.replaced(names)
	if err != nil {
		return nil, nil, err
	}
	trace, closeTrace, err := a.openTrace(r.trace)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			closeTrace()
		}
	}()
	home, _ := os.UserHomeDir() // none: no per-user files are read
	session := &builder.Session{}
	owners := map[string]string{}
	for i, name := range names {
		j := job{named: i < len(r.profiles)}
		o := r.options
		o.Profile, o.CacheDir, o.Trace, o.Session = name, a.cache(), trace, session
		o.Env, o.Home, o.Report = os.Getenv, home, a.screen.report
		if apart && len(names) > 1 {
			j.lane = a.screen.lane()
			o.Report = j.lane.report
		}
		o.ReplaceIndex = replace[i]
		if j.Builder, err = builder.New(o); err != nil {
			return nil, nil, err
		}
		if !j.named {
			if refusal := j.Refusal(); refusal != nil {
				a.leaveOut(j.Profile.Name, refusal)
				continue
			}
		}
		if owner, twice := owners[j.LockPath]; twice {
			return nil, nil, fault.New(fault.Input, "profiles %s and %s have one lock, %s", owner, name, shown(j.LockPath)).
				Try("give the profiles different names, or run twice with --output")
		}
		owners[j.LockPath] = name
		jobs = append(jobs, j)
	}
	return jobs, closeTrace, nil
}

// leaveOut tells in a line why a profile that nobody named is passed over; the
// reasons in full are for who names it, and for programs.
func (a *app) leaveOut(name string, why error) {
	r := builder.Refused(name, why)
	text := "left out: " + r.Refused.What
	if r.Refused.Next != "" {
		text += "; " + r.Refused.Next
	}
	a.screen.report(builder.Event{Step: builder.StepResolve, Kind: builder.Note, Text: text})
	a.document(r)
}

// openTrace is where --trace writes, and what to call afterwards.
func (a *app) openTrace(path string) (io.Writer, func(), error) {
	switch path {
	case "":
		return nil, func() {}, nil
	case "-":
		return a.stderr, func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, fault.New(fault.Input, "--trace").Wrap(err)
	}
	return f, func() { f.Close() }, nil
}

// document adds v to what --json prints.
func (a *app) document(v any) {
	if a.json {
		a.documents = append(a.documents, v)
	}
}

// finish prints the documents where --json asks for them, a failed profile's
// among them, and passes err on.
func (a *app) finish(err error) error {
	if len(a.documents) == 0 {
		return err
	}
	if failed := a.printJSON(a.documents); failed != nil && err == nil {
		err = failed
	}
	return err
}
