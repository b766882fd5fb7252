package layer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wheelwright/atomicfile"
)

// Key names a layer by what it is made of, before it is made.
type Key string

// WheelKey is the key of a layer of wheels: the wheels' sha256 (lower-case
// hex) in order, the scheme's prefix ("/opt/env") and Python ("3.11").
func WheelKey(sha256s []string, prefix, python string) Key {
	return NewKey("wheels", append([]string{prefix, python}, sha256s...)...)
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

// Cache holds finished layers by key. Many processes may share one: a layer
// is written under a temporary name and named by its digest, a record only
// after its layer.
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
// modification in nanoseconds when its digest was last known to be true.
type record struct {
	Key    Key    `json:"key"`
	Digest string `json:"digest"`
	DiffID string `json:"diffID"`
	Size   int64  `json:"size"`
	Seen   int64  `json:"seen"`
}

// Get is the layer of a key if the cache has it whole: its size is checked
// always, its digest if the file was touched since it was written. A layer
// that fails is removed.
func (c *Cache) Get(k Key) (*Layer, bool) {
	raw, err := os.ReadFile(c.recordPath(k))
	if err != nil {
		return nil, false
	}
	var r record
	if json.Unmarshal(raw, &r) != nil || r.Key != k || !isDigest(r.Digest) || !isDigest(r.DiffID) {
		return nil, false
	}
	l := &Layer{Digest: r.Digest, DiffID: r.DiffID, Size: r.Size, path: c.blobPath(r.Digest)}
	info, err := os.Stat(l.path)
	if err != nil {
		return nil, false
	}
	if info.Size() == r.Size && info.ModTime().UnixNano() == r.Seen {
		return l, true
	}
	if info.Size() != r.Size || l.Verify() != nil {
		os.Remove(l.path)
		return nil, false
	}
	return l, c.put(k, l) == nil
}

// Make is the layer of a key: from the cache, else written from what entries
// gives. made says which.
func (c *Cache) Make(ctx context.Context, k Key, entries func() ([]Entry, error)) (l *Layer, made bool, err error) {
	if l, ok := c.Get(k); ok {
		return l, false, nil
	}
	es, err := entries()
	if err != nil {
		return nil, false, err
	}
	if l, err = Write(ctx, c.blobs, es); err != nil {
		return nil, false, err
	}
	return l, true, c.put(k, l)
}

// Verify reads the whole layer and compares its digest.
func (l *Layer) Verify() error {
	r, err := l.Open(context.Background(), 0)
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != l.Digest {
		return fmt.Errorf("layer %s holds %s", l.Digest, got)
	}
	return nil
}

func (c *Cache) put(k Key, l *Layer) error {
	info, err := os.Stat(l.path)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(record{k, l.Digest, l.DiffID, l.Size, info.ModTime().UnixNano()})
	if err != nil {
		return err
	}
	return atomicfile.Write(c.recordPath(k), append(raw, '\n'))
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
