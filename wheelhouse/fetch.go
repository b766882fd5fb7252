package wheelhouse

import (
	"context"
	"fmt"
	"io"
	"time"

	"wheelwright/fault"
)

// verdict says what a failed attempt means for its source.
type verdict int

const (
	again verdict = iota // may work later
	never                // will not work: the source is dropped
	stop                 // no source will: disk, interruption
)

// A retry that brought less than this counts as fruitless.
const fruit = 64 << 10

// maxUnknown bounds a file whose size nobody told.
const maxUnknown = 32 << 30

// fetch reads the file from its sources in turn into p and puts it into the
// store. p is closed or removed when it returns.
func (f *fill) fetch(ctx context.Context, j *job, p *partial) error {
	defer p.close()
	buf := f.bufs.Get().(*[]byte)
	defer f.bufs.Put(buf)
	if err := p.load(ctx, j.a.Size, *buf); err != nil {
		if ctx.Err() != nil {
			return interrupted(ctx)
		}
		return diskFault("read the partial file of "+j.a.String(), err)
	}
	j.got.Store(p.size)
	f.rep.event(Started, j, j.a, "")
	t := &transfer{f: f, j: j, p: p, buf: *buf, live: j.a.Sources, failed: map[string]error{}}
	err := t.run(ctx)
	if err == nil {
		err = f.keep(j, p)
	}
	if err != nil && (p.size == 0 || j.a.SHA256 == "" || fault.KindOf(err) == fault.Integrity) {
		p.remove() // nothing to go on from
	}
	return err
}

// keep moves a finished file into the store.
func (f *fill) keep(j *job, p *partial) error {
	sum := p.sha256()
	if err := f.accept(j, p.path, sum, p.size); err != nil {
		p.remove()
		return err
	}
	if j.a.SHA256 == "" && f.h.Has(sum) {
		p.remove()
	} else if err := p.commit(f.h.Path(sum)); err != nil {
		return diskFault("keep "+j.a.String(), err)
	}
	f.rep.event(Done, j, f.list[j.index[0]], "")
	return nil
}

// transfer is the fetching of one file.
type transfer struct {
	f      *fill
	j      *job
	p      *partial
	buf    []byte
	live   []string         // sources not dropped
	failed map[string]error // the last failure of each
	whole  bool             // a file put together from pieces was wrong: this is the second, from the beginning
}

func (t *transfer) run(ctx context.Context) error {
	if t.complete() {
		if t.right() {
			return nil
		}
		t.whole = true
		if err := t.p.reset(); err != nil {
			return diskFault("fetch "+t.j.a.String(), err)
		}
	}
	for fruitless := 0; ; {
		fruitless++
		for _, source := range t.live {
			before := t.p.size
			v, err := t.attempt(ctx, source)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil:
				return interrupted(ctx)
			case v == stop:
				return err
			}
			t.failed[source] = err
			if v == never {
				t.drop(source)
			}
			if t.p.size-before >= fruit {
				fruitless = 0
			}
			if last := len(t.live) == 0 || fruitless >= t.f.o.Tries && source == t.live[len(t.live)-1]; !last {
				t.f.rep.event(Retry, t.j, t.j.a, address(source)+": "+err.Error())
			}
		}
		if len(t.live) == 0 || fruitless >= t.f.o.Tries {
			return t.give()
		}
		if err := sleep(ctx, backoff(t.f.o.Backoff, max(fruitless-1, 0))); err != nil {
			return err
		}
	}
}

func (t *transfer) drop(source string) {
	kept := make([]string, 0, len(t.live))
	for _, s := range t.live {
		if s != source {
			kept = append(kept, s)
		}
	}
	t.live = kept
}

func (t *transfer) complete() bool { return t.j.a.Size > 0 && t.p.size == t.j.a.Size }

func (t *transfer) right() bool {
	return t.j.a.SHA256 == "" || t.p.sha256() == t.j.a.SHA256
}

// attempt reads from one source until the file is whole and right.
func (t *transfer) attempt(ctx context.Context, source string) (verdict, error) {
	a, p := t.j.a, t.p
	if a.SHA256 == "" && p.size > 0 { // nothing says that the pieces belong together
		if err := p.reset(); err != nil {
			return stop, diskFault("fetch "+a.String(), err)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, start, total, err := t.f.o.Open(ctx, a, source, p.size)
	if err != nil && p.size > 0 && judge(err) == never {
		// A server may refuse the range and still have the file.
		body, start, total, err = t.f.o.Open(ctx, a, source, 0)
	}
	if err != nil {
		return judge(err), err
	}
	defer body.Close()
	switch {
	case a.Size > 0 && total > 0 && a.Size != total:
		return never, wrongSize(a, total, source)
	case start == 0 && p.size > 0:
		if err := p.reset(); err != nil {
			return stop, diskFault("fetch "+a.String(), err)
		}
	case start != p.size:
		return never, fault.New(fault.Input, "asked from byte %d, the answer begins at byte %d", p.size, start)
	}
	p.old = p.size
	want := max(a.Size, total)
	t.j.got.Store(p.size)
	if v, err := t.copy(ctx, cancel, body, want, source); err != nil {
		return v, err
	}
	if t.right() {
		return 0, nil
	}
	got := p.sha256()
	pieces := p.old > 0
	if err := p.reset(); err != nil {
		return stop, diskFault("fetch "+a.String(), err)
	}
	if pieces && !t.whole {
		t.whole = true
		return again, fmt.Errorf("put together from pieces, its sha256 is %s: once more from the beginning", got)
	}
	return never, fault.New(fault.Integrity, "%s: sha256 is %s, expected %s", a, got, a.SHA256).
		Because("so it came from %s; it is kept out of the store", address(source)).
		Try("if the publisher replaced the file, lock again; if not, do not trust this source")
}

// copy appends the body to the partial file; want is the size of the whole
// file, not above 0 when unknown.
func (t *transfer) copy(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader, want int64, source string) (verdict, error) {
	a, p := t.j.a, t.p
	stall := t.f.o.Stall
	silent := fmt.Errorf("no byte came for %v", stall)
	timer := time.AfterFunc(stall, func() { cancel(silent) })
	defer timer.Stop()
	limit := want
	if want <= 0 {
		limit = maxUnknown
	}
	for {
		n, err := fullRead(body, t.buf, func(n int) {
			timer.Reset(stall)
			t.j.got.Add(int64(n))
			t.f.rep.fetched.Add(int64(n))
		})
		if p.size+int64(n) > limit {
			if want <= 0 {
				return never, fault.New(fault.Input, "%s: more than %s came and its size is not known", a, gib(maxUnknown))
			}
			size := p.size + int64(n)
			if rerr := p.reset(); rerr != nil {
				return stop, diskFault("fetch "+a.String(), rerr)
			}
			return never, wrongSize(a, size, source)
		}
		if _, werr := p.Write(t.buf[:n]); werr != nil {
			return stop, diskFault("fetch "+a.String(), werr)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return again, context.Cause(ctx)
		case err != io.EOF:
			return again, fmt.Errorf("cut after %d bytes: %w", p.size, err)
		case want > 0 && p.size < want:
			return again, fmt.Errorf("cut after %d of %d bytes", p.size, want)
		default:
			return 0, nil
		}
	}
}

// fullRead fills b as far as r goes; unlike io.ReadFull it tells a cut from
// an end.
func fullRead(r io.Reader, b []byte, came func(int)) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		if m > 0 {
			came(m)
		}
		n += m
	}
	return n, err
}
