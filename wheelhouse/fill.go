package wheelhouse

import (
	"cmp"
	"context"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
)

// DefaultParallel is how many files Fill fetches at a time.
const DefaultParallel = 8

// FillOptions say how Fill works. Open is required.
type FillOptions struct {
	Open     OpenFunc
	Parallel int                                 // files at a time; 0: DefaultParallel
	Tries    int                                 // fruitless rounds over the sources of a file; 0: five
	Stall    time.Duration                       // a source that sends nothing for so long is cut; 0: a minute
	Backoff  time.Duration                       // wait after the first fruitless round, then doubled up to 8 s; 0: half a second
	Check    func(a Artifact, path string) error // looks at a file whose sha256 is right, before it enters the store
	Progress func(Progress)                      // called from one goroutine at a time; may be nil
}

// Fill brings every artifact into the store: what is missing is fetched,
// largest first, several files at a time, hashed while it streams. A cut
// transfer leaves a partial file, from which this or a later Fill goes on. A
// file that another process is fetching is waited for, not fetched twice.
//
// An artifact without SHA256 or Size gets it, in place; without SHA256 it is
// always fetched, from the beginning.
//
// Check also sees files that are in the store already: there its error fails
// Fill and the file, which has the right sha256, stays.
//
// Errors are *fault.Error: Integrity for a wrong sha256 or size (the file is
// kept out of the store), Temporary for a full disk, too little room and for
// sources that stay silent, Interrupted when ctx is cancelled, Input for a
// malformed list; else what the sources said.
func (h *House) Fill(ctx context.Context, artifacts []Artifact, o FillOptions) error {
	if err := checkList(artifacts); err != nil {
		return err
	}
	o.Parallel = cmp.Or(o.Parallel, DefaultParallel)
	o.Tries = cmp.Or(o.Tries, 5)
	o.Stall = cmp.Or(o.Stall, time.Minute)
	o.Backoff = cmp.Or(o.Backoff, 500*time.Millisecond)
	if err := h.room(h.Need(artifacts)); err != nil {
		return err
	}
	if err := h.Mend(ctx, artifacts); err != nil {
		return err
	}
	f := &fill{h: h, o: o, list: artifacts}
	all := f.plan()
	f.rep = newReporter(o.Progress, f.totals(all))
	defer f.rep.close()

	missing := make([]*job, 0, len(all))
	for _, j := range all {
		if j.planned {
			missing = append(missing, j)
		} else if err := f.adopt(j); err != nil {
			return err
		}
	}
	slices.SortStableFunc(missing, func(a, b *job) int {
		if (a.a.Size == 0) != (b.a.Size == 0) {
			return cmp.Compare(a.a.Size, b.a.Size) // unknown may be the largest
		}
		return cmp.Compare(b.a.Size, a.a.Size)
	})
	// What another process is fetching is left for last.
	for wait := false; len(missing) > 0; wait = true {
		if err := f.pass(ctx, missing, wait); err != nil {
			return err
		}
		missing, f.busy = f.busy, nil
	}
	return nil
}

// job is one file to bring in; several artifacts may ask for it.
type job struct {
	a       Artifact // with every source of those that ask
	index   []int    // of those artifacts in the list
	planned bool     // not in the store when Fill began
	got     atomic.Int64
}

type fill struct {
	h    *House
	o    FillOptions
	list []Artifact
	rep  *reporter
	bufs sync.Pool

	mu   sync.Mutex
	busy []*job
}

const bufSize = 256 << 10

func (f *fill) plan() []*job {
	var jobs []*job
	byHash := map[string]*job{}
	for i, a := range f.list {
		if j := byHash[a.SHA256]; j != nil {
			j.index = append(j.index, i)
			for _, s := range a.Sources {
				if !slices.Contains(j.a.Sources, s) {
					j.a.Sources = append(j.a.Sources, s)
				}
			}
			continue
		}
		a.Sources = slices.Clone(a.Sources)
		j := &job{a: a, index: []int{i}, planned: !f.h.Has(a.SHA256)}
		if a.SHA256 != "" {
			byHash[a.SHA256] = j
		}
		jobs = append(jobs, j)
	}
	f.bufs.New = func() any { b := make([]byte, bufSize); return &b }
	return jobs
}

func (f *fill) totals(jobs []*job) Totals {
	t := Totals{Files: len(jobs)}
	for _, j := range jobs {
		if j.planned {
			t.Bytes += j.a.Size
		}
	}
	return t
}

func (f *fill) pass(ctx context.Context, jobs []*job, wait bool) error {
	g, one := errgroup.WithContext(ctx)
	g.SetLimit(f.o.Parallel)
	for _, j := range jobs {
		if one.Err() != nil {
			break
		}
		g.Go(func() error { return f.bring(one, j, wait) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return interrupted(ctx)
}

// bring puts one file into the store, or on the busy list when another
// process is at it and wait is false.
func (f *fill) bring(ctx context.Context, j *job, wait bool) error {
	if err := interrupted(ctx); err != nil {
		return err
	}
	if j.a.SHA256 == "" {
		p, err := newPartial(f.h.join(partialDir))
		if err != nil {
			return diskFault("fetch "+j.a.String(), err)
		}
		return f.fetch(ctx, j, p)
	}
	for told := false; ; told = true {
		p, err := openPartial(f.h.partialPath(j.a.SHA256))
		switch {
		case err != nil:
			return diskFault("fetch "+j.a.String(), err)
		case p != nil && f.h.Has(j.a.SHA256):
			p.remove()
			return f.adopt(j)
		case p != nil:
			return f.fetch(ctx, j, p)
		case !wait:
			f.mu.Lock()
			f.busy = append(f.busy, j)
			f.mu.Unlock()
			return nil
		case !told:
			f.rep.event(Waiting, j, j.a, "")
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// adopt takes a file that the store has.
func (f *fill) adopt(j *job) error {
	path := f.h.Path(j.a.SHA256)
	st, err := os.Stat(path)
	if err != nil {
		return diskFault("read "+j.a.String()+" in the store", err)
	}
	if err := f.accept(j, path, j.a.SHA256, st.Size()); err != nil {
		return err
	}
	j.got.Store(st.Size())
	f.rep.event(Cached, j, f.list[j.index[0]], "")
	return nil
}

// accept looks at a file whose sha256 is right with the eyes of everyone who
// asked for it, and tells them what was not known.
func (f *fill) accept(j *job, path, sha256 string, size int64) error {
	for _, i := range j.index {
		a := &f.list[i]
		if a.Size != 0 && a.Size != size {
			return wrongSize(*a, size, "")
		}
		a.SHA256, a.Size = sha256, size
		if f.o.Check == nil {
			continue
		}
		if err := f.o.Check(*a, path); err != nil {
			return err
		}
	}
	return nil
}

// Mend removes files of the store that are not as long as listed, unless their
// bytes are right and the list is wrong. It reads none that has its length.
func (h *House) Mend(ctx context.Context, artifacts []Artifact) error {
	var suspect []Artifact
	for _, a := range artifacts {
		if st, ok := h.stat(a.SHA256); ok && a.Size > 0 && st.Size() != a.Size {
			suspect = append(suspect, a)
		}
	}
	_, err := h.Recheck(ctx, suspect)
	return err
}

func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fault.New(fault.Interrupted, "filling the store was interrupted").Wrap(context.Cause(ctx)).
		Try("run the same command again: it goes on from what has arrived")
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return interrupted(ctx)
	case <-t.C:
		return nil
	}
}
