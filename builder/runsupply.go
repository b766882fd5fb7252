package builder

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"wheelwright/images"
	"wheelwright/images/rootfs"
	"wheelwright/wheelhouse"
)

// supplies brings the files of an image into the House once one of them is
// asked for: a root that stands needs none.
type supplies struct {
	b      *Builder
	locked *Locked
	base   *images.Base
	ctx    context.Context
	cancel context.CancelCauseFunc

	wheels, debs supply // debs: the base's files, whatever they are
	filling      sync.WaitGroup
}

// supply is a list of files that are brought together.
type supply struct {
	once    sync.Once
	list    []wheelhouse.Artifact
	arrived *arrivals
}

func (b *Builder) supplies(ctx context.Context, l *Locked, base *images.Base) *supplies {
	s := &supplies{b: b, locked: l, base: base}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.debs.list = base.Artifacts()
	return s
}

// root lays out what an image shows.
func (s *supplies) root(spec images.Spec) (*images.Contents, *rootfs.Root, error) {
	spec.Ready = s.ready
	c, err := images.ContentsOf(s.ctx, spec)
	if err != nil {
		return nil, nil, err
	}
	root, err := rootfs.Lay(s.ctx, c, rootfs.Options{
		CacheDir: s.b.CacheDir, Ready: s.ready,
		Progress: func(done, total int64) {
			kind := Progressed
			if total == 0 {
				kind = Began
			}
			s.b.report(Event{Step: StepRootfs, Kind: kind, Unit: Bytes, Done: done, Total: total})
		},
	})
	if err != nil {
		return nil, nil, err
	}
	if root.Made {
		s.b.report(Event{Step: StepRootfs, Kind: Ended, Text: fmt.Sprintf("%d files and folders laid out", root.Files)})
	}
	return c, root, nil
}

// ready begins to bring what the file with this sha256 is of, and waits for it.
func (s *supplies) ready(ctx context.Context, sha256 string) error {
	of := &s.wheels
	if slices.ContainsFunc(s.debs.list, func(a wheelhouse.Artifact) bool { return a.SHA256 == sha256 }) {
		of = &s.debs
	}
	of.once.Do(func() { s.begin(of) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return of.arrived.wait(ctx, sha256)
}

func (s *supplies) begin(of *supply) {
	fill := func() error {
		if s.b.house.Need(of.list).Files > 0 {
			return s.b.fillBase(s.ctx, s.base, of.list, of.arrived.note)
		}
		for _, a := range of.list { // all lie there: nothing to tell of
			of.arrived.note(a.SHA256, false)
		}
		return nil
	}
	if of == &s.wheels {
		var err error
		if of.list, err = s.b.wheels(s.ctx, s.locked.Lock.Files(), s.locked.Lock); err != nil {
			s.cancel(err)
		}
		check := s.b.checkWheels(s.locked.Solution)
		fill = func() error { return s.b.fill(s.ctx, StepWheelhouse, of.list, s.b.openWheel, check, of.arrived.note) }
	}
	of.arrived = newArrivals(of.list)
	s.filling.Go(func() {
		if err := fill(); err != nil {
			s.cancel(err)
		}
	})
}

// end waits for what was begun; the error is what went wrong first.
func (s *supplies) end(err error) error {
	if err != nil {
		s.cancel(err)
	}
	s.filling.Wait()
	if cause := context.Cause(s.ctx); cause != nil {
		err = cause
	}
	s.cancel(nil)
	return err
}

func (s *supplies) artifacts() []wheelhouse.Artifact {
	return slices.Concat(s.wheels.list, s.debs.list)
}
