package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

var errNoBlob = errors.New("image has no such layer")

// Build finds out the digests of every layer and gives the image. A layer is
// begun when Spec.Ready says that its files lie where Base.Have and Wheel.Path
// say, and goes to Spec.Writers as soon as its digest is known. What is known
// already, from the cache or by Spec.Believe, is not made.
func Build(ctx context.Context, s Spec) (*Image, error) {
	b, err := newBuild(&s)
	if err != nil {
		return nil, err
	}
	base := make([]*blob, s.Base.count())
	groups := Plan(s.Wheels, len(base)+b.own())
	b.total = len(base) + len(groups) + b.own()
	if err := checkCount(b.total, s.Base.Ref); err != nil {
		return nil, err
	}
	var above, last []*blob
	wheels := make([]*blob, len(groups))
	group, gctx := errgroup.WithContext(ctx)
	b.group = group
	group.Go(func() error {
		made, err := b.base(gctx)
		if err != nil {
			return err
		}
		copy(base, made)
		environment, err := b.environment(gctx)
		above = []*blob{environment}
		return err
	})
	for i, g := range groups {
		group.Go(func() (err error) {
			wheels[i], err = b.wheels(gctx, g)
			return err
		})
	}
	var found []spread.Collision
	group.Go(func() (err error) {
		found, err = b.collided(gctx, groups)
		return err
	})
	group.Go(func() (err error) {
		last, err = b.last(gctx)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	blobs := slices.Concat(base, above, wheels, last)
	config, err := configure(&s, blobs)
	if err != nil {
		return nil, err
	}
	image, err := assemble(config, annotations(&s), blobs)
	if err == nil {
		image.Collisions = found
	}
	return image, err
}

// build is one Build under way.
type build struct {
	*Spec
	cache    *layer.Cache
	tmp      string
	home     string // folder of the base's Python, known once the base is there
	parallel int
	slots    chan struct{}   // one for each layer in the making
	group    *errgroup.Group // the work on all layers and the writing of each

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
	b.slots = make(chan struct{}, b.parallel)
	return b, nil
}

// collided lists the wheels that write over one another, once all are there. A
// set that is believed was looked through when it was built.
func (b *build) collided(ctx context.Context, groups []Group) ([]spread.Collision, error) {
	if b.Believe {
		return nil, nil
	}
	for _, g := range groups {
		if err := b.ready(ctx, g.sums()); err != nil {
			return nil, err
		}
	}
	return b.collisions(ctx, groups)
}

// own is the number of layers that are neither the base's nor wheels'.
func (b *build) own() int { return 2 }

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

// slot waits for a free slot and runs do.
func (b *build) slot(ctx context.Context, do func() error) error {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-b.slots }()
	return do()
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

// base gives the base's layers and looks through them.
func (b *build) base(ctx context.Context) (made []*blob, err error) {
	if b.Believe {
		if made, ok := b.Base.known(b); ok {
			for _, l := range made {
				b.pass(ctx, l, false)
			}
			return made, nil
		}
	}
	var sums []string
	for _, a := range b.Base.Artifacts() {
		sums = append(sums, a.SHA256)
	}
	if err := b.ready(ctx, sums); err != nil {
		return nil, err
	}
	err = b.slot(ctx, func() error {
		if made, err = b.Base.blobs(ctx, b); err != nil {
			return err
		}
		b.home, err = b.Base.survey(ctx, b.Scheme, b.CacheDir)
		return err
	})
	return made, err
}

// environmentAt begins the one member of the layer above the base's.
const environmentAt = "environment at "

// environment makes the layer of the virtual environment's own files.
func (b *build) environment(ctx context.Context) (*blob, error) {
	members := []string{environmentAt + b.Scheme.Prefix}
	recipe := func(context.Context) (*layer.Recipe, error) {
		return layer.NewRecipe(layer.FromSpread(nil, spread.Venv(b.Scheme, b.home, b.Base.pythonVersion(b.Scheme.Python))))
	}
	if sum, ok := b.believed(members); ok {
		return b.finished(ctx, layer.Made(members[0], sum, layer.Gzip, recipe), members, layer.Gzip, false)
	}
	return b.small(ctx, members, recipe)
}

// last makes the layers above the wheels': the lock.
func (b *build) last(ctx context.Context) ([]*blob, error) {
	lock, err := b.small(ctx, []string{"lock"}, func(context.Context) (*layer.Recipe, error) {
		return layer.NewRecipe([]layer.Entry{layer.Literal(strings.TrimPrefix(b.Scheme.Prefix, "/")+"/"+LockName, 0o644, b.Lock)})
	})
	return []*blob{lock}, err
}

// small makes a layer that takes no time, and so is made anew each time.
func (b *build) small(ctx context.Context, members []string, recipe func(context.Context) (*layer.Recipe, error)) (*blob, error) {
	r, err := recipe(ctx)
	if err != nil {
		return nil, err
	}
	sum, err := r.Sum(ctx, layer.Gzip, nil)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	return b.finished(ctx, layer.Made(strings.Join(members, ", "), sum, layer.Gzip, recipe), members, layer.Gzip, false)
}
