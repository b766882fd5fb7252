package images

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"wheelwright/images/layer"
)

var errNoBlob = errors.New("image has no such layer")

// Build finds out the digests of every layer and gives the image. A layer is
// begun when Spec.Ready says that its files lie where BaseOptions.Path and Wheel.Path
// say, and goes to Spec.Writers as soon as its digest is known. What is known
// already, from the cache or by Spec.Believe, is not made.
func Build(ctx context.Context, s Spec) (*Image, error) {
	b, err := newBuild(&s)
	if err != nil {
		return nil, err
	}
	base := make([]*blob, s.Base.count())
	own := b.own()
	groups := Plan(s.Wheels, len(base)+own)
	b.total = len(base) + len(groups) + own
	if err := checkCount(b.total, s.Base.Ref); err != nil {
		return nil, err
	}
	var environment, files *blob
	var who Account
	wheels := make([]*blob, len(groups))
	group, gctx := errgroup.WithContext(ctx)
	b.group = group
	group.Go(func() error {
		made, err := b.base(gctx)
		if err != nil {
			return err
		}
		copy(base, made)
		on := b.onGround(made)
		if environment, who, err = b.environment(gctx, on); err == nil && len(s.Files) > 0 {
			files, err = b.files(gctx, on)
		}
		return err
	})
	for i, g := range groups {
		group.Go(func() (err error) {
			wheels[i], err = b.wheels(gctx, g)
			return err
		})
	}
	var decided *decision
	var waived, lock *blob
	group.Go(func() (err error) {
		decided, waived, err = b.collided(gctx, groups)
		return err
	})
	group.Go(func() (err error) {
		lock, err = b.lock(gctx)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	blobs := slices.Concat(base, []*blob{environment}, wheels, []*blob{waived, lock, files})
	blobs = slices.DeleteFunc(blobs, func(l *blob) bool { return l == nil })
	config, err := configure(&s, who, blobs)
	if err != nil {
		return nil, err
	}
	image, err := assemble(config, annotations(&s), blobs)
	if err == nil {
		image.Collisions, image.IdleWaivers, image.Account = decided.Collisions, decided.Idle, who
	}
	return image, err
}

// build is one Build under way.
type build struct {
	*Spec
	cache    *layer.Cache
	tmp      string
	parallel int
	slots    slots           // one for each layer in the making
	group    *errgroup.Group // the work on all layers and the writing of each

	lists   bool       // what the image shows is asked for, not its layers
	unpacks sync.Mutex // held while a remembered base's layers are made

	mu          sync.Mutex
	done, total int
}

func newBuild(s *Spec) (*build, error) {
	cache, err := layer.OpenCache(s.CacheDir)
	if err != nil {
		return nil, err
	}
	tmp := s.TempDir
	if tmp == "" {
		tmp = filepath.Join(s.CacheDir, "tmp")
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, err
	}
	b := &build{Spec: s, cache: cache, tmp: tmp, parallel: s.Parallel}
	if b.parallel <= 0 {
		b.parallel = runtime.GOMAXPROCS(0)
	}
	b.slots.free = b.parallel
	return b, nil
}

// own is the number of layers that are neither the base's nor wheels'.
func (b *build) own() int {
	if len(b.Files) > 0 {
		return 3
	}
	return 2
}

// more counts a layer that was not foreseen.
func (b *build) more() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total++
}

// ready waits for the files with these sha256.
func (b *build) ready(ctx context.Context, sums []string) error {
	if b.Ready == nil {
		return nil
	}
	for _, sum := range sums {
		if err := b.Ready(ctx, sum); err != nil {
			return err
		}
	}
	return nil
}

// believed is what Known says of the layer with these members, where it is
// believed.
func (b *build) believed(members []string) (layer.Sum, bool) {
	if !b.Believe {
		return layer.Sum{}, false
	}
	for _, l := range b.Known {
		if slices.Equal(l.Members, members) {
			return l.Sum, true
		}
	}
	return layer.Sum{}, false
}

// finished makes a layer of the image a blob, and passes it on.
func (b *build) finished(ctx context.Context, l *layer.Layer, members []string, how layer.Compression, made bool) (*blob, error) {
	out, err := newBlob(l, members, how)
	if err == nil {
		b.pass(ctx, out, made)
	}
	return out, err
}

// pass reports a layer and hands it to the writers, which work beside the
// making of the next.
func (b *build) pass(ctx context.Context, l *blob, made bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	if b.Progress != nil {
		b.Progress(Progress{Layer: l.layer(), Made: made, Done: b.done, Total: b.total})
	}
	for _, w := range b.Writers {
		b.group.Go(func() error { return w.w.layer(ctx, l) })
	}
}

// base gives the base's layers.
func (b *build) base(ctx context.Context) (made []*blob, err error) {
	if b.Base.remembered {
		made := b.Base.known(b)
		for _, l := range made {
			b.pass(ctx, l, false)
		}
		return made, nil
	}
	var sums []string
	for _, a := range b.Base.Artifacts() {
		sums = append(sums, a.SHA256)
	}
	if err := b.ready(ctx, sums); err != nil {
		return nil, err
	}
	err = b.slots.run(ctx, math.MaxInt64, func() error { // what stands on it waits for it
		made, err = b.Base.blobs(ctx, b)
		return err
	})
	return made, err
}
