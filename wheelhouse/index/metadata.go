package index

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
	"wheelwright/wheelhouse/whl"
)

const maxMetadata = 8 << 20

// Metadata is the core metadata of one wheel as a page lists it. METADATA
// that cannot be used, or that belongs to another distribution, is Broken.
// What the index serves beside a wheel is not proved until the wheel is
// there: compare it with the wheel's own.
func (c *Client) Metadata(ctx context.Context, name pep508.Name, file solver.File) (solver.Fact, error) {
	key := metadataKey(file)
	return c.metadatas.do(ctx, key, func() (solver.Fact, error) { return c.metadata(ctx, name, key, file) })
}

// metadataKey is by the wheel's bytes where they are known.
func metadataKey(f solver.File) string {
	if f.SHA256 != "" {
		return keyOf("sha256", f.SHA256, f.Name)
	}
	return keyOf("url", f.URL, f.Name)
}

// Forget drops what is remembered of a wheel's METADATA: for a caller that
// found the wheel itself to say otherwise.
func (c *Client) Forget(file solver.File) {
	c.metadatas.forget(metadataKey(file))
	if t, err := tag.ParseWheel(file.Name); err == nil {
		c.dropMetadata(pep508.Normalize(t.Name))
	}
}

func (c *Client) metadata(ctx context.Context, name pep508.Name, key string, f solver.File) (solver.Fact, error) {
	t, err := tag.ParseWheel(f.Name)
	if err != nil {
		return solver.Fact{Broken: err.Error()}, nil
	}
	path, local := localPath(f.URL)
	if !local {
		// A reason to pass a release over is asked for again: the server's
		// answer may have been a mishap.
		if fact, ok := c.cachedMetadata(name, key); ok && (fact.Broken == "" || c.offline) {
			c.hits.Add(1)
			return fact, nil
		}
	}
	var raw []byte
	var broken string
	if local {
		raw, broken, err = localMetadata(path, f)
	} else {
		raw, broken, err = c.rawMetadata(ctx, f)
	}
	if err != nil {
		return solver.Fact{}, err
	}
	fact := solver.Fact{Broken: broken}
	if broken == "" {
		m, err := whl.ParseMetadata(raw)
		if err != nil {
			fact.Broken = err.Error()
		} else if fact.Broken = whl.Agrees(m, t); fact.Broken == "" {
			fact.Metadata = &m
		}
	}
	if local {
		return fact, nil
	}
	return fact, c.keepMetadata(name, key, fact)
}

// rawMetadata gets METADATA from the server: FILE.metadata, or the wheel's
// tail; broken says why the wheel itself gives none.
func (c *Client) rawMetadata(ctx context.Context, f solver.File) (raw []byte, broken string, err error) {
	if p := c.kept(ctx, f.URL); p != "" {
		return localMetadata(p, f)
	}
	if f.HasMetadata {
		if raw, found, err := c.beside(ctx, f, true); err != nil || found {
			return raw, "", err
		}
		raw, broken, err = c.fromTail(ctx, f)
		if errors.Is(err, errWhole) {
			return c.fromWhole(ctx, f)
		}
		return raw, broken, err
	}
	return c.unadvertised(ctx, f)
}

// beside asks for FILE.metadata. Where the index does not advertise it, any
// refusal means that there is none.
func (c *Client) beside(ctx context.Context, f solver.File, advertised bool) (raw []byte, found bool, err error) {
	t := task{what: "METADATA of " + f.Name, address: f.URL + ".metadata", limit: maxMetadata, expect: "the wheel's METADATA"}
	r, err := c.fetch(ctx, t)
	if err != nil {
		return nil, false, err
	}
	if r.status != http.StatusOK {
		r.trace("none")
		if advertised && (r.status == http.StatusUnauthorized || r.status == http.StatusForbidden) {
			return nil, false, c.refusal(t, r)
		}
		return nil, false, nil
	}
	r.trace("metadata")
	if sum := sha256.Sum256(r.body); f.MetadataSHA256 != "" && hex.EncodeToString(sum[:]) != f.MetadataSHA256 {
		return nil, false, fault.New(fault.Integrity, "%s at %s", t.what, plainURL(r.at)).
			Because("sha256 is %x, the index says %s", sum, f.MetadataSHA256).Try("run again; if it stays so, the index is inconsistent")
	}
	if !advertised && !looksLikeMetadata(r.body) {
		return nil, false, nil
	}
	return r.body, true, nil
}

// looksLikeMetadata guards against servers that answer every address with a
// page of their own.
func looksLikeMetadata(b []byte) bool {
	m, err := whl.ParseMetadata(b)
	return err == nil && m.Name != ""
}

// fromWhole takes the whole wheel from a server that serves no part of it;
// the copy is kept, so that it is not taken twice.
func (c *Client) fromWhole(ctx context.Context, f solver.File) (raw []byte, broken string, err error) {
	if c.store.dir == "" {
		return nil, "", fault.New(fault.Input, "wheel %s at %s", f.Name, plain(f.URL)).
			Because("its server ignores Range and has no METADATA beside it, and there is no cache folder to keep it in").Try("give --cache-dir")
	}
	if _, err := c.Hash(ctx, f); err != nil {
		return nil, "", err
	}
	return localMetadata(c.store.path(blobsDir, keyOf(f.URL)), f)
}

// fromTail reads METADATA out of the wheel on the server; broken says why
// the wheel has none that can be used. errWhole: the server serves no parts.
func (c *Client) fromTail(ctx context.Context, f solver.File) (raw []byte, broken string, err error) {
	r, err := c.openTail(ctx, f)
	if err != nil {
		return nil, "", err
	}
	w, err := whl.Open(r, r.size, f.Name)
	if err == nil {
		raw, _, err = w.Metadata()
	}
	switch {
	case r.fault != nil:
		return nil, "", r.fault
	case err != nil:
		return nil, reason(err), nil
	}
	return raw, "", nil
}

// reason is an error as a solver's reason: without the operation.
func reason(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		parts := append([]string(nil), f.Why...)
		if f.Err != nil {
			parts = append(parts, f.Err.Error())
		}
		if i := strings.Index(f.What, ": "); i >= 0 {
			parts = append([]string{f.What[i+2:]}, parts...)
		}
		return strings.Join(parts, ": ")
	}
	return err.Error()
}
