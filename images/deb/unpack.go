package deb

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"wheelwright/images/layer"
)

// unpacked is one .deb laid open: control data in memory, data.tar in a file.
type unpacked struct {
	Package
	control stanza
	md5sums []byte
	scripts map[string][]byte // of scriptNames, those that it has
	info    map[string][]byte // every member of control.tar but the control file
	entries []layer.Entry     // paths as the archive has them, cleaned, in its order

	placed map[string]string // where in the tree an entry of the archive lies
	done   []string          // what of the scripts was done here: see Unrun
	left   []string          // and what not
	read   int               // how many of left come from reading the scripts
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
	u := &unpacked{Package: p, placed: map[string]string{}}
	if err := u.readControl(control); err != nil {
		return nil, err
	}
	r, err := decompress(data, data.name, u.room(data.Size()))
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

// room bounds data.tar, unpacked, in bytes: by what the package says it takes
// when installed (which an honest one may have counted on another file
// system, without tar's headers), and by the most that a packed byte becomes
// in any package of the real sets, many times over.
func (u *unpacked) room(packed int64) int64 {
	const slack, most = 64 << 20, 8 << 30
	out := min(slack+256*packed, most)
	if kib, err := strconv.ParseUint(u.control.field("Installed-Size"), 10, 31); err == nil {
		out = min(out, slack+4*int64(kib)<<10)
	}
	return out
}

// readControl keeps the control file, the list of md5sums and the scripts.
func (u *unpacked) readControl(member *part) error {
	r, err := decompress(member, member.name, maxControl)
	if err != nil {
		return err
	}
	defer r.Close()
	u.scripts, u.info = map[string][]byte{}, map[string][]byte{}
	seen := map[string]bool{}
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", member.name, err)
		}
		name := path.Clean(h.Name)
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Typeflag != tar.TypeReg || sparse(h) || seen[name] || len(seen) == maxScripts {
			return fmt.Errorf("%s: %q is no file, stands twice, or is one too many", member.name, h.Name)
		}
		seen[name] = true
		if err := u.keep(name, h.Size, t); err != nil {
			return fmt.Errorf("%s: %w", member.name, err)
		}
	}
	// To the end: a checksum may stand there.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("%s: %w", member.name, err)
	}
	if name, version := u.control.field("Package"), u.control.field("Version"); name != u.Name || version != u.Version {
		return fmt.Errorf("its control file says %s %s", name, version)
	}
	// dpkg's database has it in the names of files. A lock knows it from the
	// file's name, which need not be right about "all".
	if arch := u.control.field("Architecture"); !validName(arch) || arch != "all" && u.Arch != "" && u.Arch != "all" && arch != u.Arch {
		return fmt.Errorf("its control file says architecture %.60q", arch)
	}
	return nil
}

// keep holds on to the members of control.tar that are used.
func (u *unpacked) keep(name string, size int64, r io.Reader) (err error) {
	switch {
	case name == "control":
		if size > maxStanza {
			return fmt.Errorf("a control file of %d bytes, at most %d are read", size, maxStanza)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		// One paragraph: a second would be another package to who reads status.d,
		// where some take a line of blanks for an empty one.
		u.control = bytes.TrimRight(text, " \t\r\n")
		for line := range bytes.Lines(u.control) {
			if len(bytes.TrimSpace(line)) == 0 || bytes.IndexByte(line, 0) >= 0 {
				return fmt.Errorf("the control file is not one paragraph of text")
			}
		}
	default:
		if u.info[name], err = io.ReadAll(r); name == "md5sums" {
			u.md5sums = u.info[name]
		} else if slices.Contains(scriptNames, name) {
			u.scripts[name] = u.info[name]
		}
	}
	return err
}

// file is what listTar reads from: a tar on disk.
type file interface {
	io.ReadSeeker
	io.ReaderAt
}

// listTar reads the headers of a data.tar; contents stay where they are.
// Anything but files, folders and links is refused, and so are paths that
// leave the root, that stand twice, or that a layer cannot hold, and hard
// links to what is no file before them.
func listTar(f file) ([]layer.Entry, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t := tar.NewReader(f)
	var out []layer.Entry
	seen := map[string]byte{} // path -> type of its entry
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
		e, err := entryOf(h)
		if err != nil {
			return nil, fmt.Errorf("data.tar: %w", err)
		}
		if e.Path == "." {
			continue
		}
		if was := seen[e.Path]; was != 0 && !(was == tar.TypeDir && h.Typeflag == tar.TypeDir) {
			return nil, fmt.Errorf("data.tar: %q stands twice", h.Name)
		}
		if e.Hard && seen[e.Link] != tar.TypeReg {
			return nil, fmt.Errorf("data.tar: %q is a hard link to %q, which is no file before it", h.Name, h.Linkname)
		}
		seen[e.Path] = h.Typeflag
		if h.Typeflag == tar.TypeReg {
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			if h.Size > size-at {
				return nil, fmt.Errorf("data.tar: %q is cut", h.Name)
			}
			e.Size = h.Size
			e.Open = func() (io.ReadCloser, error) { return section{io.NewSectionReader(f, at, h.Size)}, nil }
		}
		out = append(out, e)
	}
}

// section is the content of a file, which can be read from anywhere in it.
type section struct{ *io.SectionReader }

func (section) Close() error { return nil }

// entryOf is what a layer has for a header of data.tar, without content.
func entryOf(h *tar.Header) (layer.Entry, error) {
	name, err := cleanPath(h.Name)
	if err != nil {
		return layer.Entry{}, err
	}
	mode := h.FileInfo().Mode()
	e := layer.Entry{Path: name, Mode: mode & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky), UID: h.Uid, GID: h.Gid}
	if h.Uid < 0 || h.Gid < 0 || h.Uid > maxID || h.Gid > maxID {
		return e, fmt.Errorf("%q is owned by %d:%d", h.Name, h.Uid, h.Gid)
	}
	switch {
	case sparse(h):
		return e, fmt.Errorf("%q is a sparse file", h.Name)
	case name == "." && h.Typeflag != tar.TypeDir:
		return e, fmt.Errorf("the root is not a folder")
	case h.Typeflag == tar.TypeReg:
	case h.Typeflag == tar.TypeDir:
		e.Mode |= fs.ModeDir
	case h.Typeflag == tar.TypeSymlink:
		e.Mode, e.Link = fs.ModeSymlink|0o777, h.Linkname
		if e.Link == "" || len(e.Link) > maxPath || strings.ContainsAny(e.Link, "\x00\n") || !utf8.ValidString(e.Link) {
			return e, fmt.Errorf("%q links to %.80q", h.Name, e.Link)
		}
	case h.Typeflag == tar.TypeLink:
		e.Hard = true
		if e.Link, err = cleanPath(h.Linkname); err != nil {
			return e, err
		}
	default:
		return e, fmt.Errorf("%q is neither file, folder nor link", h.Name)
	}
	return e, nil
}

// sparse says whether a file's content is not what stands in the archive.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

// Bounds on what an entry of data.tar may have.
const (
	maxPath = 4095      // bytes of a path or a link's target (Linux: PATH_MAX)
	maxName = 255       // bytes of one element of a path
	maxID   = 1<<31 - 1 // of users and groups
)

// cleanPath is an archive's path as a layer has it.
func cleanPath(name string) (string, error) {
	p := strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
	if p == "" {
		p = "."
	}
	// .wh.: a layer would delete with it.
	if !fs.ValidPath(p) || len(p) > maxPath || strings.ContainsAny(p, "\x00\n") || strings.Contains("/"+p, "/.wh.") {
		return "", fmt.Errorf("path %.200q is not one of a package", name)
	}
	for part := range strings.SplitSeq(p, "/") {
		if len(part) > maxName {
			return "", fmt.Errorf("path %.200q has a name of %d bytes", name, len(part))
		}
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
