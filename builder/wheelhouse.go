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
	var total int64
	for _, a := range artifacts {
		total += a.Size
	}
	b.report(Event{Step: step, Kind: Began, Unit: Bytes, Text: need(b.house.Need(artifacts))})
	var last wheelhouse.Totals
	tries := 0 // the House's own number
	if b.Offline {
		tries = 1
	}
	err := b.house.Fill(ctx, artifacts, wheelhouse.FillOptions{
		Open:  open,
		Tries: tries,
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

// link lays the wheels out in dir by file name; an empty dir is none.
func (b *Builder) link(ctx context.Context, dir string, wheels []wheelhouse.Artifact) error {
	if dir == "" {
		return nil
	}
	linked, err := b.house.Link(ctx, dir, wheels)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d wheels in %s", linked.Files, dir)
	if linked.Copied > 0 {
		text += fmt.Sprintf(", %d of them copied: the cache is on another file system", linked.Copied)
	}
	b.note(StepWheelhouse, text)
	if len(linked.Stale) > 0 {
		b.note(StepWheelhouse, fmt.Sprintf("%s also holds %d wheels that the lock does not name, %s first", dir, len(linked.Stale), linked.Stale[0]))
	}
	return nil
}

// Filled is the result of Fill.
type Filled struct {
	Locked    *Locked
	Dir       string
	Artifacts []wheelhouse.Artifact
}

// Fill resolves the profile, or keeps its lock, and lays out its wheels in dir.
func (b *Builder) Fill(ctx context.Context, dir string) (*Filled, error) {
	l, err := b.Lock(ctx)
	if err != nil {
		return nil, b.explained(ctx, err, nil)
	}
	r := &Filled{Locked: l, Dir: dir}
	if r.Artifacts, err = b.wheels(ctx, l.Lock.Files(), l.Lock); err != nil {
		return r, err
	}
	if err := b.fill(ctx, StepWheelhouse, r.Artifacts, b.openWheel, b.checkWheels(l.Solution), nil); err != nil {
		return r, b.explained(ctx, err, r.Artifacts)
	}
	return r, b.explained(ctx, b.link(ctx, dir, r.Artifacts), r.Artifacts)
}

// Verify compares the files of dir with the lock that stands at LockPath.
func (b *Builder) Verify(ctx context.Context, dir string) (VerifyReport, error) {
	l, _, err := readLock(b.LockPath)
	if err != nil {
		return VerifyReport{}, err
	}
	if l == nil {
		return VerifyReport{}, noLock(b.LockPath, b.again)
	}
	var list []wheelhouse.Artifact
	for _, f := range l.Files() {
		list = append(list, wheelhouse.Artifact{Kind: wheelhouse.Wheel, Name: f.Name, SHA256: f.SHA256, Size: f.Size})
	}
	report, err := wheelhouse.Verify(ctx, dir, list)
	return VerifyReport{b.Profile.Name, report}, err
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
