package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/atomicfile"
	"wheelwright/fault"
)

const layoutVersion = `{"imageLayoutVersion":"1.0.0"}`

// layoutWriter writes to an OCI layout in a folder.
type layoutWriter struct {
	dir  string
	tags []string
}

func newLayoutWriter(_ context.Context, dir string, tags []string) (*layoutWriter, error) {
	return &layoutWriter{dir, tags}, nil
}

func (w *layoutWriter) layer(context.Context, *blob) error { return nil }
func (w *layoutWriter) close() error                       { return nil }

func (w *layoutWriter) finish(ctx context.Context, i *Image) error {
	for _, tag := range w.tags {
		if _, err := WriteLayout(ctx, w.dir, tag, i); err != nil {
			return err
		}
	}
	return nil
}

// WriteLayout adds the image to the OCI layout in dir under tag, making the
// folder where it is missing; the image that had the tag loses it, others
// stay. Blobs are put first, each under a temporary name until it is whole, a
// hard link to the cached layer where the file system allows one; index.json
// comes last. A folder with other content is refused.
func WriteLayout(ctx context.Context, dir, tag string, i *Image) (digest string, err error) {
	what := "layout " + dir
	if err := prepareLayout(dir); err != nil {
		return "", err
	}
	unlock, err := lockFolder(ctx, dir)
	if err != nil {
		return "", writeFault(what, err)
	}
	defer unlock()
	blobs := filepath.Join(dir, "blobs", "sha256")
	for _, b := range i.core.blobs {
		if err := putFile(ctx, blobs, b); err != nil {
			return "", writeFault(what, err)
		}
	}
	for _, data := range [][]byte{i.core.config, i.core.manifest} {
		sum := sha256.Sum256(data)
		if err := atomicfile.Write(filepath.Join(blobs, hex.EncodeToString(sum[:])), data); err != nil {
			return "", writeFault(what, err)
		}
	}
	if err := i.putIndex(dir, tag); err != nil {
		return "", writeFault(what, err)
	}
	return i.Digest(), nil
}

// prepareLayout makes or recognises a layout folder.
func prepareLayout(dir string) error {
	marker := filepath.Join(dir, "oci-layout")
	raw, err := os.ReadFile(marker)
	var version struct {
		Version string `json:"imageLayoutVersion"`
	}
	switch {
	case err == nil && (json.Unmarshal(raw, &version) != nil || version.Version != "1.0.0"):
		return fault.New(fault.Input, "layout %s", dir).Because("its oci-layout file is not of version 1.0.0").Try("name another folder")
	case errors.Is(err, fs.ErrNotExist):
		if names, _ := os.ReadDir(dir); foreign(names) {
			return fault.New(fault.Input, "layout %s", dir).Because("the folder has other content and no oci-layout file").
				Try("name a new or empty folder")
		}
	case err != nil:
		return fault.New(fault.Input, "layout %s", dir).Wrap(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return writeFault("layout "+dir, err)
	}
	if raw != nil {
		return nil
	}
	if err := atomicfile.Write(marker, []byte(layoutVersion)); err != nil {
		return writeFault("layout "+dir, err)
	}
	return nil
}

// foreign says whether a folder without marker holds what no cut-off write
// of ours leaves.
func foreign(names []os.DirEntry) bool {
	return slices.ContainsFunc(names, func(n os.DirEntry) bool {
		return n.Name() != "blobs" && !strings.HasPrefix(n.Name(), ".tmp-")
	})
}

// putFile puts a layer into the folder of blobs.
func putFile(ctx context.Context, dir string, b *blob) error {
	to := filepath.Join(dir, b.digest.Hex)
	from, err := os.Stat(b.from.Path())
	if err != nil && b.from.Path() != "" {
		return err
	}
	if there, err := os.Stat(to); err == nil && (from != nil && os.SameFile(from, there) || there.Size() == b.size && holds(ctx, to, b.digest)) {
		return nil
	}
	tmp, err := os.MkdirTemp(dir, ".blob-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	next := filepath.Join(tmp, "blob")
	if err := os.Link(b.from.Path(), next); err != nil {
		if err := copyBlob(ctx, next, b); err != nil {
			return err
		}
	}
	return os.Rename(next, to)
}

// copyBlob writes a layer's bytes to a new file and checks them on the way.
func copyBlob(ctx context.Context, to string, b *blob) error {
	from, err := b.Compressed()
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, h), contextReader{ctx, from}); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != b.digest.Hex {
		return fault.New(fault.Integrity, "layer %s holds sha256:%s", b.digest, got).Try("wheelwright cache prune")
	}
	return f.Sync()
}

// holds says whether a file has the digest.
func holds(ctx context.Context, path string, want v1.Hash) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, contextReader{ctx, f})
	return err == nil && hex.EncodeToString(h.Sum(nil)) == want.Hex
}

// putIndex writes index.json with the image under tag.
func (i *Image) putIndex(dir, tag string) error {
	file := filepath.Join(dir, "index.json")
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	raw, err := os.ReadFile(file)
	if err == nil {
		if err := json.Unmarshal(raw, &index); err != nil {
			return fault.New(fault.Input, "layout %s", dir).Because("its index.json is not JSON: %v", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	manifests := []v1.Descriptor{}
	for _, d := range index.Manifests {
		if d.Annotations[annotation+"ref.name"] != tag {
			manifests = append(manifests, d)
		}
	}
	config, err := i.v1.ConfigFile()
	if err != nil {
		return err
	}
	index.Manifests = append(manifests, v1.Descriptor{
		MediaType: types.OCIManifestSchema1, Size: int64(len(i.core.manifest)), Digest: i.digest,
		Annotations: map[string]string{annotation + "ref.name": tag},
		Platform:    &v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant},
	})
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	if err := e.Encode(index); err != nil {
		return err
	}
	return atomicfile.Write(file, out.Bytes())
}

// lockFolder keeps other processes from the folder's index until unlock.
func lockFolder(ctx context.Context, dir string) (unlock func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		}
	}
	if err != nil && err != syscall.ENOLCK && err != syscall.ENOTSUP {
		f.Close()
		return nil, err
	}
	return f.Close, nil
}

// writeFault names a full disk and a forbidden folder.
func writeFault(what string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	e := fault.New(fault.Input, "%s", what).Wrap(err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		e.Kind = fault.Temporary
		return e.Because("the disk is full").Try("make room and run again; what is written stays")
	}
	return e
}
