package builder

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/lock"
	"wheelwright/solver/pep508"
	"wheelwright/wheelhouse"
	"wheelwright/wheelhouse/index"
	"wheelwright/wheelhouse/whl"
)

// wheels are the artifacts of files of a lock, with the addresses to try: the index in
// force by name and sha256 first, the lock's own address last.
func (b *Builder) wheels(ctx context.Context, files []lock.File, l lock.Lock) ([]wheelhouse.Artifact, error) {
	out := make([]wheelhouse.Artifact, len(files))
	for i, f := range files {
		out[i] = wheelhouse.Artifact{Kind: wheelhouse.Wheel, Name: f.Name, SHA256: f.SHA256, Size: f.Size}
	}
	if err := b.house.Mend(ctx, out); err != nil {
		return nil, err
	}
	if err := b.adopt(ctx, StepWheelhouse, out); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(index.DefaultParallel)
	for i, f := range files {
		if b.house.Has(f.SHA256) {
			continue
		}
		p, _ := l.Package(f.Package)
		group.Go(func() (err error) {
			out[i].Sources, err = b.addresses(ctx, f, p.Direct)
			return err
		})
	}
	return out, group.Wait()
}

// addresses are where to try a locked wheel. Where the index in force does
// not answer, the lock's own address stands alone; the sha256 decides anyway.
func (b *Builder) addresses(ctx context.Context, f lock.File, direct bool) (found []string, err error) {
	hint := b.hint(f.Wheel)
	if !direct && f.Path == "" {
		found, err = b.client.Locate(ctx, f.Package, f.Name, f.SHA256)
		if err != nil && (hint == "" || fault.KindOf(err) != fault.Temporary) {
			return nil, err
		}
	}
	if hint != "" && !slices.Contains(found, hint) {
		found = append(found, hint)
	}
	return found, nil
}

// hint is the address that the lock itself gives for w.
func (b *Builder) hint(w lock.Wheel) string {
	if w.Path != "" {
		return filepath.Join(filepath.Dir(b.LockPath), filepath.FromSlash(w.Path))
	}
	return w.URL
}

// fill brings every artifact into the House. done is called for each as it
// comes to lie there, and may be nil.
func (b *Builder) fill(ctx context.Context, step Step, artifacts []wheelhouse.Artifact, open wheelhouse.OpenFunc, check func(wheelhouse.Artifact, string) error, done func(sha256 string, fetched bool)) error {
	if err := b.adopt(ctx, step, artifacts); err != nil {
		return err
	}
	if err := b.offlineDebs(artifacts); err != nil {
		return err
	}
	var total int64
	for _, a := range artifacts {
		total += a.Size
	}
	b.report(Event{Step: step, Kind: Began, Unit: Bytes, Text: need(b.house.Need(artifacts))})
	var last wheelhouse.Totals
	err := b.house.Fill(ctx, artifacts, wheelhouse.FillOptions{
		Open:  open,
		Tries: b.tries(),
		Check: check,
		Progress: func(p wheelhouse.Progress) {
			last = p.Totals
			switch p.Event {
			case wheelhouse.Done, wheelhouse.Cached:
				if done != nil {
					done(p.Artifact.SHA256, p.Event == wheelhouse.Done)
				}
			case wheelhouse.Retry:
				b.note(step, p.Artifact.Name+": "+p.Note)
			}
			b.report(Event{Step: step, Kind: Progressed, Unit: Bytes, Done: p.Totals.Got, Total: p.Totals.Bytes})
		},
	})
	if err != nil {
		return err
	}
	b.report(Event{Step: step, Kind: Ended, Text: fmt.Sprintf("%d files, %d bytes: %d fetched, %d in the cache", len(artifacts), total, last.Done-last.Cached, last.Cached)})
	return nil
}

// tries is how often sources are asked: offline, once; 0 is the House's own
// number.
func (b *Builder) tries() int {
	if b.Offline {
		return 1
	}
	return 0
}

// openWheel opens a wheel's address for the House.
func (b *Builder) openWheel(ctx context.Context, _ wheelhouse.Artifact, source string, offset int64) (io.ReadCloser, int64, int64, error) {
	return b.client.Open(ctx, source, offset)
}

// checkWheels compares METADATA inside each wheel with what the solver read;
// a difference is an integrity error and keeps the wheel out of the House.
func (b *Builder) checkWheels(solution *solver.Solution) func(wheelhouse.Artifact, string) error {
	read := map[string]solver.Package{}
	if solution != nil {
		for _, p := range solution.Packages {
			read[p.File.Name] = p
		}
	}
	return func(a wheelhouse.Artifact, path string) error {
		w, closer, err := whl.OpenFile(path, a.Name)
		if err != nil {
			return err
		}
		defer closer.Close()
		_, m, err := w.Metadata()
		if err != nil {
			return err
		}
		p, ok := read[a.Name]
		if !ok {
			if pep508.Normalize(m.Name) != w.Name() {
				return fault.New(fault.Integrity, "wheel %s: its METADATA names %s", a.Name, m.Name)
			}
			return nil
		}
		if reflect.DeepEqual(m, p.Metadata) {
			return nil
		}
		b.client.Forget(p.File)
		return fault.New(fault.Integrity, "wheel %s: its METADATA is not what the index served", a.Name).
			Because("%s", differs(p.Metadata, m)).
			Try("try again, the served METADATA is forgotten; if it stays so, tell whoever runs the index")
	}
}

// differs names the first field in which two metadata disagree.
func differs(served, inside solver.Metadata) string {
	s, i := reflect.ValueOf(served), reflect.ValueOf(inside)
	for n := range s.NumField() {
		if a, b := s.Field(n).Interface(), i.Field(n).Interface(); !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("%s: the index says %q, the wheel says %q", s.Type().Field(n).Name, a, b)
		}
	}
	return "they are equal"
}

// completeHashes gives every chosen file without a listed sha256 one, by
// fetching the file: a lock without a hash would be no lock.
func (b *Builder) completeHashes(ctx context.Context, s *solver.Solution) error {
	for i := range s.Packages {
		f := &s.Packages[i].File
		if f.SHA256 != "" {
			continue
		}
		b.note(StepResolve, fmt.Sprintf("%s: the index lists no sha256; the file is downloaded and hashed", f.Name))
		done, err := b.client.Hash(ctx, *f)
		if err != nil {
			return err
		}
		*f = done
	}
	return nil
}
