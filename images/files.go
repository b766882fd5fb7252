package images

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// Bounds on what image.files brings: more belongs into a wheel or a volume.
const (
	maxFiles     = 100_000
	maxFileBytes = 8 << 30
)

// File is a file or folder of this host for the image's last layer.
type File struct {
	From string      // absolute
	To   string      // absolute and clean; with a slash at its end the folder that From goes into
	Mode fs.FileMode // permissions of the file, or of each in the folder; 0: 0755 where one may run it, else 0644
}

// fileEntries are the entries of files: theirs and the folders above, as the
// base and the environment have these. Of two with one place the later counts.
// Everything belongs to root, and no mode depends on the host's umask.
func (g *ground) fileEntries(files []File) ([]layer.Entry, error) {
	c := collecting{g: g, at: map[string]layer.Entry{}}
	for _, f := range files {
		c.file = f
		if err := c.add(); err != nil {
			return nil, err
		}
	}
	out := make([]layer.Entry, 0, len(c.at))
	for p, e := range c.at {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if other, have := c.at[dir]; have && !other.Mode.IsDir() {
				return nil, fault.New(fault.Input, "image.files: /%s stands below /%s, which is no folder", p, dir).
					Try("give one of the two another place")
			}
		}
		out = append(out, e)
		out = append(out, g.above(p)...)
	}
	return out, nil
}

// collecting walks the files of an image.
type collecting struct {
	g     *ground
	file  File
	at    map[string]layer.Entry
	count int
	bytes int64
}

func (c *collecting) refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Input, "image.files: %s: %s", c.file.From, fmt.Sprintf(format, args...))
}

func (c *collecting) add() error {
	root, err := filepath.EvalSymlinks(c.file.From) // the one link that may lead anywhere
	if err != nil {
		return c.unread(err)
	}
	to, into := strings.CutSuffix(c.file.To, "/")
	if into {
		to += "/" + filepath.Base(c.file.From)
	}
	for part := range strings.SplitSeq(to, "/") {
		if !layerName(part) {
			return c.refuse("%q cannot stand in a layer", to).Because(layerNames)
		}
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return c.unread(err)
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if c.count++; c.count > maxFiles {
			return c.refuse("more than %d files", maxFiles).Try("put them into a wheel, or mount a volume")
		}
		if !layerName(filepath.Base(p)) {
			return c.refuse("%q cannot stand in a layer", rel).Because(layerNames)
		}
		e, err := c.entry(p, filepath.ToSlash(rel), d)
		if err != nil {
			return err
		}
		return c.place(path.Join(to, filepath.ToSlash(rel))[1:], e)
	})
}

func (c *collecting) unread(err error) error {
	var at *fs.PathError
	switch {
	case !errors.As(err, &at):
		return c.refuse("it cannot be read").Wrap(err)
	case at.Path == c.file.From:
		return c.refuse("it cannot be read").Because("%v", at.Err)
	}
	return c.refuse("%s cannot be read", at.Path).Because("%v", at.Err)
}

// entry is what lies at p, without its place.
func (c *collecting) entry(p, rel string, d fs.DirEntry) (layer.Entry, error) {
	info, err := d.Info()
	if err != nil {
		return layer.Entry{}, c.unread(err)
	}
	switch {
	case info.IsDir():
		return layer.Dir("", 0o755), nil
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := os.Readlink(p)
		if err != nil {
			return layer.Entry{}, c.unread(err)
		}
		inside := path.Join(path.Dir(rel), target)
		if path.IsAbs(target) || inside == ".." || strings.HasPrefix(inside, "../") {
			return layer.Entry{}, c.refuse("%s is a symbolic link to %s", rel, target).
				Because("links stay where they are relative and lead to something in the same folder").Try("put the file in its place, or make the link relative")
		}
		return layer.Symlink("", target), nil
	case !info.Mode().IsRegular():
		return layer.Entry{}, c.refuse("%s is neither a file nor a folder", filepath.Base(p))
	}
	if c.bytes += info.Size(); c.bytes > maxFileBytes {
		return layer.Entry{}, c.refuse("more than %d GiB in all", maxFileBytes>>30).Try("mount a volume")
	}
	mode := c.file.Mode.Perm()
	if mode == 0 {
		mode = 0o644
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
	}
	return layer.Entry{Mode: mode, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(p) }}, nil
}

const layerNames = "names are UTF-8 without control characters, and one that begins with .wh. deletes"

// layerName says whether a name may stand in a layer.
func layerName(s string) bool {
	return utf8.ValidString(s) && !strings.HasPrefix(s, ".wh.") && !strings.ContainsFunc(s, unicode.IsControl)
}

// place puts an entry where the links of the base on its way lead.
func (c *collecting) place(p string, e layer.Entry) error {
	if p == "" {
		return nil // the root folder itself
	}
	if to := c.g.locate(p); e.Mode.IsDir() && c.g.isFolder(to) {
		p = to
	} else if dir := path.Dir(p); dir != "." {
		p = path.Join(c.g.locate(dir), path.Base(p))
	}
	if c.g.isFolder(p) {
		if !e.Mode.IsDir() {
			return c.refuse("/%s is a folder of the image", p).Try("end to with a slash: %s/", c.file.To)
		}
		return nil // it stays as it is
	}
	if old, twice := c.at[p]; twice && old.Mode.IsDir() != e.Mode.IsDir() {
		return c.refuse("/%s is a folder, and a file of another of image.files", p)
	}
	e.Path = p
	c.at[p] = e
	return nil
}
