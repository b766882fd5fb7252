package rootfs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"

	"wheelwright/images"
	"wheelwright/images/layer"
)

// format numbers what a root is made of the same contents: raised when it
// changes.
const format = 1

// keyOf names a root by all that it is made of: layers by their digests, wheels
// by theirs and where they are spread, everything else by its content.
func keyOf(ctx context.Context, c *images.Contents) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%q %q\n%q\n", format, c.Scheme.Prefix, c.Scheme.Python, mountPoints)
	for _, l := range c.Base {
		fmt.Fprintf(h, "layer %q\n", l.DiffID)
	}
	if err := hashEntries(ctx, h, c.Environment); err != nil {
		return "", err
	}
	for _, w := range c.Wheels {
		fmt.Fprintf(h, "wheel %q %q\n", w.SHA256, w.File)
	}
	for _, w := range c.Waived {
		fmt.Fprintf(h, "waived %q %q %q\n", w.Wheel.SHA256, w.Wheel.File, slices.Sorted(maps.Keys(w.Paths)))
	}
	if err := hashEntries(ctx, h, c.Above); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hashEntries hashes a small layer, in the order that it has.
func hashEntries(ctx context.Context, h hash.Hash, entries []layer.Entry) error {
	fmt.Fprintf(h, "%d entries\n", len(entries))
	for _, e := range entries {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		fmt.Fprintf(h, "%q %o %q %d\n", e.Path, uint32(e.Mode), e.Link, e.Size)
		if e.Open == nil {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return err
		}
		n, err := io.Copy(h, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		if n != e.Size {
			return fmt.Errorf("%s is %d bytes, expected %d", e.Path, n, e.Size)
		}
	}
	return nil
}
