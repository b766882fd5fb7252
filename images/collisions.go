package images

import (
	"context"
	"path/filepath"

	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// collisions lists the paths that several wheels of the image write with
// different content. The wheels of each stand in the order in which the image
// lays them over one another: what the last one writes is what is seen. It is
// kept in the cache, for it depends on the wheels and the scheme alone.
func (b *build) collisions(ctx context.Context, groups []Group) ([]spread.Collision, error) {
	var wheels []Wheel
	for _, g := range groups {
		wheels = append(wheels, g.Wheels...)
	}
	parts := []string{b.Scheme.Prefix, b.Scheme.Python}
	for _, w := range wheels {
		parts = append(parts, w.SHA256, w.File)
	}
	kept := filepath.Join(b.CacheDir, "collisions", string(layer.NewKey("collisions", parts...))+".json")
	return remembered(kept, func() ([]spread.Collision, error) { return b.compare(ctx, wheels) })
}

// compare opens the wheels and compares what they write.
func (b *build) compare(ctx context.Context, wheels []Wheel) ([]spread.Collision, error) {
	named := make([]spread.NamedEntries, len(wheels))
	for i, w := range wheels {
		if err := b.ready(ctx, []string{w.SHA256}); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		wheel, closer, err := openWheel(w)
		if err != nil {
			return nil, err
		}
		entries, err := spread.Spread(wheel, b.Scheme)
		closer.Close() // entries name members, which are not opened
		if err != nil {
			return nil, err
		}
		named[i] = spread.NamedEntries{Name: w.File, Entries: entries}
	}
	return spread.Collisions(named), nil
}
