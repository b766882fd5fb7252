package deb

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"wheelwright/images/layer"
)

// unpacked is one .deb laid open: control data in memory, data.tar in a file.
type unpacked struct {
	Package
	control stanza
	md5sums []byte
	entries []layer.Entry // paths as the archive has them, cleaned, in its order
}

// unpack opens the .deb at file. data.tar is decompressed into tmp, which
// must stay open as long as the entries are read.
func unpack(ctx context.Context, p Package, file string, tmp *os.File) (*unpacked, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return nil, err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != p.SHA256 {
		return nil, fmt.Errorf("the stored file has sha256 %s, expected %s", got, p.SHA256)
	}
	control, data, err := arParts(f, info.Size())
	if err != nil {
		return nil, err
	}
	u := &unpacked{Package: p}
	if err := u.readControl(control); err != nil {
		return nil, err
	}
	r, err := decompress(data, data.name, maxData)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if _, err := io.Copy(tmp, contextReader{ctx, r}); err != nil {
		return nil, fmt.Errorf("%s: %w", data.name, err)
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	u.entries, err = listTar(tmp)
	return u, err
}

// readControl keeps the control file and the list of md5sums.
func (u *unpacked) readControl(member *part) error {
	r, err := decompress(member, member.name, maxControl)
	if err != nil {
		return err
	}
	defer r.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", member.name, err)
		}
		switch path.Clean(h.Name) {
		case "control":
			text, err := io.ReadAll(t)
			if err != nil {
				return err
			}
			u.control = stanza(text)
		case "md5sums":
			if u.md5sums, err = io.ReadAll(t); err != nil {
				return err
			}
		}
	}
	if name, version := u.control.field("Package"), u.control.field("Version"); name != u.Name || version != u.Version {
		return fmt.Errorf("its control file says %s %s", name, version)
	}
	return nil
}

// file is what listTar reads from: a tar on disk.
type file interface {
	io.ReadSeeker
	io.ReaderAt
}

// listTar reads the headers of a data.tar; contents stay where they are.
// Anything but files, folders and links is refused, and every path that
// leaves the root.
func listTar(f file) ([]layer.Entry, error) {
	t := tar.NewReader(f)
	var out []layer.Entry
	for {
		h, err := t.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("data.tar: %w", err)
		}
		if len(out) >= maxFiles {
			return nil, fmt.Errorf("data.tar: more than %d entries", maxFiles)
		}
		name, err := cleanPath(h.Name)
		if err != nil {
			return nil, err
		}
		if name == "." {
			continue
		}
		mode := h.FileInfo().Mode()
		e := layer.Entry{Path: name, Mode: mode & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky), UID: h.Uid, GID: h.Gid}
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			size := h.Size
			e.Size = size
			e.Open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, at, size)), nil }
		case tar.TypeDir:
			e.Mode |= fs.ModeDir
		case tar.TypeSymlink:
			e.Mode, e.Link = fs.ModeSymlink|0o777, h.Linkname
			if e.Link == "" || strings.ContainsRune(e.Link, 0) {
				return nil, fmt.Errorf("data.tar: %q links to nothing", h.Name)
			}
		case tar.TypeLink:
			e.Hard = true
			if e.Link, err = cleanPath(h.Linkname); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("data.tar: %q is neither file, folder nor link", h.Name)
		}
		out = append(out, e)
	}
}

// cleanPath is an archive's path as a layer has it.
func cleanPath(name string) (string, error) {
	p := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "./"), "/"), "/")
	if p == "" {
		p = "."
	}
	if !fs.ValidPath(p) || len(p) > 4096 || strings.ContainsRune(p, 0) {
		return "", fmt.Errorf("data.tar: path %q leaves the root or is not clean", name)
	}
	return p, nil
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
