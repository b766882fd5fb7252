package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"wheelwright/images/deb"
	"wheelwright/images/layer"
)

// Where dpkg keeps its database, and what a system says of itself.
const (
	dpkgFolder    = "var/lib/dpkg/"
	dpkgStatus    = dpkgFolder + "status"
	dpkgStatusD   = dpkgFolder + "status.d/"
	osRelease     = "etc/os-release"
	osReleaseUsr  = "usr/lib/os-release"
	maxRecord     = 64 << 20  // bytes of one such file
	maxAllRecords = 256 << 20 // bytes of all
)

// isRecord says whether the text of a file is read to learn what a base has:
// dpkg's database, os-release, and the loader's cache and configuration.
func isRecord(p string) bool {
	if p == osRelease || p == osReleaseUsr || strings.HasPrefix(p, "etc/ld.so.") {
		return true
	}
	rest, ok := strings.CutPrefix(p, dpkgFolder)
	dir, _ := path.Split(rest)
	switch {
	case !ok:
		return false
	case dir == "":
		return rest == "status" || rest == "diversions"
	case dir == "info/":
		return path.Ext(rest) == ".list"
	}
	return dir == "status.d/"
}

// readRecord reads the text of a record from its layer.
func (u *union) readRecord(h *tar.Header, in io.Reader) (text []byte, odd string, err error) {
	switch {
	case h.Typeflag == tar.TypeSymlink:
		return nil, "a symbolic link", nil
	case h.Typeflag != tar.TypeReg:
		return nil, "no plain file of its layer", nil
	case h.Size > maxRecord:
		return nil, fmt.Sprintf("over %d bytes long", maxRecord), nil
	}
	if u.records += h.Size; u.records > maxAllRecords {
		return nil, "", fmt.Errorf("more than %d bytes of dpkg's records", maxAllRecords)
	}
	text, err = io.ReadAll(in)
	return text, "", err
}

// whole reads every file of the layers.
func whole(ctx context.Context, layers []*blob) (*union, error) {
	u := &union{nodes: map[string]*node{}, whole: true}
	return u, u.addAll(ctx, layers)
}

// leads is where a path leads, its last link followed too; nil: nowhere.
func (u *union) leads(p string) *node {
	for range maxHops {
		dir, file := path.Split(p)
		p = path.Join(u.locate(strings.TrimSuffix(dir, "/")), file)
		n := u.nodes[p]
		switch {
		case n == nil || n.kind == tar.TypeDir:
			return nil
		case n.kind == tar.TypeLink:
			p = n.link
		case n.kind != tar.TypeSymlink:
			return n
		case strings.HasPrefix(n.link, "/"):
			p = path.Clean(n.link)[1:]
		default:
			p = path.Join("/", path.Dir(p), n.link)[1:]
		}
	}
	return nil
}

// files is what the layers show as packages that are put on them see it.
func (u *union) files(layers []*blob) *deb.Files {
	out := &deb.Files{Records: map[string][]byte{}}
	for _, p := range slices.Sorted(maps.Keys(u.nodes)) {
		n := u.nodes[p]
		e := layer.Entry{Path: p, Mode: n.Mode, UID: n.UID, GID: n.GID}
		switch n.kind {
		case tar.TypeDir:
			e.Mode |= fs.ModeDir
		case tar.TypeSymlink:
			e.Mode, e.Link = fs.ModeSymlink|0o777, n.link
		default:
			is := n
			if n.kind == tar.TypeLink {
				is = u.leads(p)
			}
			if is != nil && is.size > 0 {
				e.Size, e.Open = is.size, func() (io.ReadCloser, error) { return reopen(layers[is.layer-1], is.at) }
			}
			if isRecord(p) && n.Odd == "" {
				text := n.Text
				out.Records[p] = text
				e.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
			}
		}
		out.Entries = append(out.Entries, e)
	}
	return out
}

// reopen reads the file that is the entry with number at in a layer's tar. It
// reads the layer up to there: what asks for it is rare.
func reopen(l *blob, at int) (io.ReadCloser, error) {
	packed, err := l.from.Open(context.Background(), 0)
	if err != nil {
		return nil, err
	}
	r, err := layer.Uncompress(packed)
	if err != nil {
		return nil, err
	}
	in := tar.NewReader(r)
	for range at {
		if _, err = in.Next(); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return struct {
		io.Reader
		io.Closer
	}{in, r}, nil
}

// parseOSRelease reads os-release(5): the value of each variable.
func parseOSRelease(text []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(bytes.ToValidUTF8(text, nil))) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		out[name] = value
	}
	return out
}
