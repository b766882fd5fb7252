package rootfs

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/wheelhouse/tree"
)

// Bounds on a layer, which may be foreign bytes.
const (
	maxItems = 1 << 20
	maxBytes = 64 << 30 // of its tar
	maxPath  = 3 << 10  // bytes of a path: with the cache folder's own it must stay below Linux' PATH_MAX
	maxName  = 255
	maxLink  = 4095

	maxSparse = 1 << 30 // bytes of a layer's sparse files, which no bytes of the tar stand for
)

// layers are the unpacked layers of a cache, by the digest of their tar:
//
//	CACHE/unpacked/layer/HEX/0…N    files, read-only
//	CACHE/unpacked/layer/HEX/index  what they are, and the folders, links and whiteouts
type layers struct{ shelf tree.Shelf }

func openLayers(cacheDir string) layers {
	return layers{tree.Layers(cacheDir)}
}

// name is what a layer is kept under; a digest that is none is refused.
func name(diffID string) (string, error) {
	hexed, ok := strings.CutPrefix(diffID, "sha256:")
	if raw, err := hex.DecodeString(hexed); !ok || err != nil || len(raw) != sha256.Size || hexed != strings.ToLower(hexed) {
		return "", fault.New(fault.Integrity, "base layer with diffID %q", diffID).Because("a diffID is sha256: and 64 lower-case hexadecimal digits")
	}
	return hexed, nil
}

// unpack unpacks those of the layers that are not, side by side.
func (ls layers) unpack(ctx context.Context, all []images.BaseLayer, parallel int) error {
	todo := map[string]images.BaseLayer{}
	for _, l := range all {
		hexed, err := name(l.DiffID)
		if err != nil {
			return err
		}
		if !ls.shelf.Has(hexed) {
			todo[hexed] = l
		}
	}
	if len(todo) == 0 {
		return nil
	}
	return ls.shelf.Fill(ctx, func(f *tree.Filling) error {
		var need int64 // compressed: what is sure
		for hexed, l := range todo {
			if ls.shelf.Has(hexed) { // by another process meanwhile
				delete(todo, hexed)
				continue
			}
			need += l.Size
		}
		if err := tree.Room(ls.shelf.Dir(), "unpack the base", need); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		for hexed, l := range todo {
			group.Go(func() error {
				dir, err := f.Begin(hexed)
				if err == nil {
					err = unpackLayer(ctx, l, dir)
				}
				if err == nil {
					f.Whole(hexed)
				}
				return err
			})
		}
		return group.Wait()
	})
}

// unpackLayer puts the files of a layer and its index into dir.
func unpackLayer(ctx context.Context, l images.BaseLayer, dir string) error {
	r, err := l.Open(ctx)
	if err != nil {
		return err
	}
	err = unpackTar(ctx, r, l.DiffID, dir)
	err = errors.Join(err, r.Close())
	if _, told := errors.AsType[*fault.Error](err); err == nil || told || ours(err) || ctx.Err() != nil {
		return err
	}
	return fault.New(fault.Integrity, "base layer %s", l.DiffID).Wrap(err).Try("copy the base image anew, or take another")
}

// ours says whether err is about this machine's files and not about the layer.
func ours(err error) bool {
	var at *os.PathError
	var call *os.SyscallError
	return errors.As(err, &at) || errors.As(err, &call)
}

func unpackTar(ctx context.Context, r io.Reader, diffID, dir string) error {
	h := sha256.New()
	whole := &io.LimitedReader{R: io.TeeReader(r, h), N: maxBytes}
	in := tar.NewReader(whole)
	var items []item
	var sparse int64
	for files := 0; ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		head, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		it, keep, err := read(head)
		if err != nil {
			return err
		}
		if !keep {
			continue
		}
		if len(items) == maxItems {
			return fmt.Errorf("more than %d entries", maxItems)
		}
		if it.Kind == file {
			if isSparse(head) {
				if sparse += it.Size; sparse > maxSparse {
					return fmt.Errorf("%q: over %d bytes of sparse files", it.Path, int64(maxSparse))
				}
			}
			it.File = files
			if err := writeFile(ctx, in, it, dir); err != nil {
				return err
			}
			files++
		}
		items = append(items, it)
	}
	if _, err := io.Copy(io.Discard, whole); err != nil { // what follows the tar's end
		return err
	}
	if whole.N <= 0 {
		return fmt.Errorf("its tar is over %d bytes", int64(maxBytes))
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != diffID {
		return fmt.Errorf("its tar is %s, the configuration says %s", got, diffID)
	}
	return writeIndex(filepath.Join(dir, indexFile), items)
}

// writeFile writes the file that in stands at.
func writeFile(ctx context.Context, in io.Reader, it item, dir string) error {
	if it.Size > maxBytes {
		return fmt.Errorf("%q has %d bytes", it.Path, it.Size)
	}
	if it.Size > 16<<20 {
		if err := tree.Room(dir, "unpack "+strconv.Quote(it.Path), it.Size); err != nil {
			return err
		}
	}
	mode := os.FileMode(0o444)
	if it.Exec {
		mode = 0o555
	}
	return tree.WriteNew(ctx, filepath.Join(dir, strconv.Itoa(it.File)), mode, in)
}
