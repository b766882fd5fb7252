package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

var errNoBlob = errors.New("image has no such layer")

// Build makes every layer that is not cached and gives the image. A layer is
// begun when Spec.Ready says that its files lie where Base.Have and Wheel.Path
// say.
func Build(ctx context.Context, s Spec) (*Image, error) {
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
	b := &build{Spec: &s, cache: cache, tmp: tmp, parallel: s.Parallel}
	if b.parallel <= 0 {
		b.parallel = runtime.GOMAXPROCS(0)
	}
	b.slots = make(chan struct{}, b.parallel)
	baseCount := s.Base.count()
	groups := Plan(s.Wheels, baseCount+1)
	b.total = baseCount + len(groups) + 1
	if err := checkCount(b.total, s.Base.Ref); err != nil {
		return nil, err
	}
	blobs := make([]*blob, b.total)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		var sums []string
		for _, a := range s.Base.Artifacts() {
			sums = append(sums, a.SHA256)
		}
		return b.whenReady(gctx, sums, func() error {
			made, err := s.Base.blobs(gctx, b)
			if err != nil {
				return err
			}
			copy(blobs, made)
			b.home, err = s.Base.survey(gctx, s.Scheme, s.CacheDir)
			return err
		})
	})
	for i, g := range groups {
		group.Go(func() error {
			return b.whenReady(gctx, g.sums(), func() (err error) {
				blobs[baseCount+i], err = b.wheels(gctx, g)
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if blobs[b.total-1], err = b.environment(ctx); err != nil {
		return nil, err
	}
	collisions, err := b.collisions(ctx, groups)
	if err != nil {
		return nil, err
	}
	config, err := configure(&s, blobs)
	if err != nil {
		return nil, err
	}
	image, err := assemble(config, annotations(&s), blobs)
	if err == nil {
		image.Collisions = collisions
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
	slots    chan struct{} // one for each layer in the making

	mu          sync.Mutex
	done, total int
}

// whenReady waits for the files with these sha256, then for a free slot, and
// runs do.
func (b *build) whenReady(ctx context.Context, sums []string, do func() error) error {
	if b.Ready != nil {
		for _, sum := range sums {
			if err := b.Ready(ctx, sum); err != nil {
				return err
			}
		}
	}
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-b.slots }()
	return do()
}

// finished reports a layer and makes it a blob.
func (b *build) finished(l *layer.Layer, members []string, made bool) (*blob, error) {
	out, err := newBlob(l, members)
	if err == nil {
		b.report(out, made)
	}
	return out, err
}

func (b *build) report(l *blob, made bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	if b.Progress != nil {
		b.Progress(Progress{Layer: l.layer(), Made: made, Done: b.done, Total: b.total})
	}
}

// wheels makes the layer of one group.
func (b *build) wheels(ctx context.Context, g Group) (*blob, error) {
	var open []io.Closer
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	l, made, err := b.cache.Make(ctx, layer.WheelKey(g.sums(), b.Scheme.Prefix, b.Scheme.Python), func() ([]layer.Entry, error) {
		byPath := map[string]layer.Entry{}
		for _, w := range g.Wheels {
			wheel, closer, err := openWheel(w)
			if err != nil {
				return nil, err
			}
			open = append(open, closer)
			if err := w.verify(ctx); err != nil {
				return nil, err
			}
			entries, err := spread.Spread(wheel, b.Scheme)
			if err != nil {
				return nil, err
			}
			// Of two wheels with one path the later by name wins, as between
			// layers the upper one; whether that is right is asked before.
			for _, e := range layer.FromSpread(wheel, entries) {
				byPath[e.Path] = e
			}
		}
		out := make([]layer.Entry, 0, len(byPath))
		for _, e := range byPath {
			out = append(out, e)
		}
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	return b.finished(l, g.members(), made)
}

// verify hashes the wheel's file: it was right when it was stored, and what
// happened to it since would stay in the layer, whose key is that sha256.
func (w Wheel) verify(ctx context.Context) error {
	f, err := os.Open(w.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != w.SHA256 {
		return fault.New(fault.Integrity, "wheel %s: the stored file has sha256 %s, expected %s", w.File, got, w.SHA256).
			Because("%s has changed since it was stored", w.Path).Try("remove that file and run again")
	}
	return nil
}

func openWheel(w Wheel) (*whl.Wheel, io.Closer, error) {
	wheel, closer, err := whl.OpenFile(w.Path, w.File)
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.New(fault.Temporary, "wheel %s", w.File).Wrap(err).Try("fill the wheelhouse again")
	}
	return wheel, closer, err
}

// environment makes the last layer: the virtual environment's own files and
// the lock.
func (b *build) environment(ctx context.Context) (*blob, error) {
	entries := append(spread.Venv(b.Scheme, b.home, b.Base.pythonVersion(b.Scheme.Python)),
		spread.Entry{Path: b.Scheme.Prefix[1:] + "/" + LockName, Mode: 0o644, Literal: b.Lock})
	var parts []string
	for _, e := range entries {
		parts = append(parts, e.Path, e.Mode.String(), e.Link, string(e.Literal))
	}
	l, made, err := b.cache.Make(ctx, layer.NewKey("environment", parts...), func() ([]layer.Entry, error) {
		return layer.FromSpread(nil, entries), nil
	})
	if err != nil {
		return nil, err
	}
	return b.finished(l, []string{"environment at " + b.Scheme.Prefix, "lock"}, made)
}
