package layer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wheelwright/atomicfile"
)

// Key names a layer by what it is made of, before it is made.
type Key string

// WheelKey is the key of a layer of wheels: the wheels' sha256 (lower-case
// hex) in order, the scheme's prefix ("/opt/env") and Python ("3.11"), and how
// it is compressed.
func WheelKey(sha256s []string, prefix, python string, how Compression) Key {
	parts := append([]string{prefix, python}, how.encoder()...)
	return NewKey("wheels", append(parts, sha256s...)...)
}

// NewKey is the key of a layer of the given kind made from parts and Format.
func NewKey(kind string, parts ...string) Key {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%q\n", Format, kind)
	for _, p := range parts {
		fmt.Fprintf(h, "%q\n", p)
	}
	return Key(hex.EncodeToString(h.Sum(nil)))
}

// Cache holds what is known of layers by key: the digests of each, and the
// bytes of those that are kept in files because what they are made from is
// costly to read again. Many processes may share one: a file is written under
// a temporary name and named by its digest, a record only after its layer.
type Cache struct{ blobs, index string }

// OpenCache opens the layers below a cache folder (CACHE/layers), making
// what is missing.
func OpenCache(cacheDir string) (*Cache, error) {
	c := &Cache{
		blobs: filepath.Join(cacheDir, "layers", "sha256"),
		index: filepath.Join(cacheDir, "layers", "index"),
	}
	if err := errors.Join(os.MkdirAll(c.blobs, 0o755), os.MkdirAll(c.index, 0o755)); err != nil {
		return nil, err
	}
	c.sweep()
	return c, nil
}

// sweep removes what a killed process left half-written more than a day ago.
func (c *Cache) sweep() {
	left, _ := filepath.Glob(filepath.Join(c.blobs, temporary))
	for _, p := range left {
		if info, err := os.Stat(p); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.Remove(p)
		}
	}
}

// record is what the index says of a key. Seen is the layer file's time of
// modification in nanoseconds when its digest was last known to be true; 0:
// the layer is kept in no file.
type record struct {
	Format int    `json:"format"`
	Key    Key    `json:"key"`
	Digest string `json:"digest"`
	DiffID string `json:"diffID"`
	Size   int64  `json:"size"`
	Seen   int64  `json:"seen,omitempty"`
}

// Sum is what is known of the layer of a key.
func (c *Cache) Sum(k Key) (Sum, bool) {
	r, ok := c.record(k)
	return Sum{r.Digest, r.DiffID, r.Size}, ok
}

// Know records what a layer came out as that is kept in no file.
func (c *Cache) Know(k Key, s Sum) error {
	return c.put(record{Key: k, Digest: s.Digest, DiffID: s.DiffID, Size: s.Size})
}

func (c *Cache) record(k Key) (r record, ok bool) {
	raw, err := os.ReadFile(c.recordPath(k))
	if err != nil || json.Unmarshal(raw, &r) != nil || r.Format != Format || r.Key != k || !isDigest(r.Digest) || !isDigest(r.DiffID) || r.Size <= 0 {
		return record{}, false
	}
	return r, true
}

// Get is the layer of a key if the cache has it whole in a file: its size is
// checked always, its digest if the file was touched since it was written. A
// file that fails is removed.
func (c *Cache) Get(ctx context.Context, k Key) (*Layer, bool) {
	r, ok := c.record(k)
	if !ok || r.Seen == 0 {
		return nil, false
	}
	l := InFile(c.blobPath(r.Digest), Sum{r.Digest, r.DiffID, r.Size})
	info, err := os.Stat(l.path)
	if err != nil {
		return nil, false
	}
	if info.Size() == r.Size && info.ModTime().UnixNano() == r.Seen {
		return l, true
	}
	if info.Size() != r.Size || l.Verify(ctx) != nil {
		if ctx.Err() == nil {
			os.Remove(l.path)
		}
		return nil, false
	}
	return l, c.keep(k, l) == nil
}

// File is the file of a layer with this digest, if the cache has it whole.
func (c *Cache) File(ctx context.Context, digest string) (path string, ok bool) {
	l := InFile(c.blobPath(digest), Sum{Digest: digest})
	return l.path, isDigest(digest) && l.Verify(ctx) == nil
}

// Make is the layer of a key as a file: from the cache, else written from what
// recipe gives, which is closed. made says which.
func (c *Cache) Make(ctx context.Context, k Key, recipe func() (*Recipe, error)) (l *Layer, made bool, err error) {
	if l, ok := c.Get(ctx, k); ok {
		return l, false, nil
	}
	r, err := recipe()
	if err != nil {
		return nil, false, err
	}
	l, err = Write(ctx, c.blobs, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, false, err
	}
	return l, true, c.keep(k, l)
}

// keep records a layer that lies in a file.
func (c *Cache) keep(k Key, l *Layer) error {
	info, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	return c.put(record{Key: k, Digest: l.Digest, DiffID: l.DiffID, Size: l.Size, Seen: info.ModTime().UnixNano()})
}

func (c *Cache) put(r record) error {
	r.Format = Format
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.Write(c.recordPath(r.Key), append(raw, '\n'))
}

func (c *Cache) recordPath(k Key) string { return filepath.Join(c.index, string(k)+".json") }

func (c *Cache) blobPath(digest string) string {
	return filepath.Join(c.blobs, strings.TrimPrefix(digest, "sha256:"))
}

func isDigest(s string) bool {
	hexed, ok := strings.CutPrefix(s, "sha256:")
	raw, err := hex.DecodeString(hexed)
	return ok && err == nil && len(raw) == sha256.Size && hexed == strings.ToLower(hexed)
}
