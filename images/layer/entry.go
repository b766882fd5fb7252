package layer

import (
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"

	"wheelwright/fault"
)

// Entry is one file, folder or link of a layer.
type Entry struct {
	Path     string      // relative to /, clean, no leading slash, no "..": "opt/env/bin/black"
	Mode     fs.FileMode // type (regular, ModeDir, ModeSymlink), permissions, set-id and sticky bits
	UID, GID int
	Link     string                        // target of a symbolic link as it stands; of a hard link, the Path it shares
	Hard     bool                          // a hard link to the regular file at Link in the same layer
	Size     int64                         // bytes of a regular file
	Open     func() (io.ReadCloser, error) // content of a regular file, exactly Size bytes; nil when Size is 0
	Deflated *Deflated                     // the content as a deflate stream; nil: there is none
}

// Literal is a regular file owned by root that holds data.
func Literal(p string, mode fs.FileMode, data []byte) Entry {
	return Entry{Path: p, Mode: mode.Perm(), Size: int64(len(data)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(data))), nil
	}}
}

// Symlink is a symbolic link owned by root.
func Symlink(p, target string) Entry {
	return Entry{Path: p, Mode: fs.ModeSymlink | 0o777, Link: target}
}

// Dir is a folder owned by root.
func Dir(p string, mode fs.FileMode) Entry {
	return Entry{Path: p, Mode: fs.ModeDir | mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)}
}

// arrange sorts entries, adds the parent folders that are missing (0755,
// root) and puts every hard link after the file it shares. It refuses paths
// that are not clean or delete others, two entries of one path, and an entry below something
// that is not a folder.
func arrange(in []Entry) ([]Entry, error) {
	byPath := make(map[string]Entry, len(in)+len(in)/4)
	for _, e := range in {
		if !fs.ValidPath(e.Path) || e.Path == "." || strings.ContainsRune(e.Path, 0) {
			return nil, fault.New(fault.Integrity, "layer: path %q is not a clean path below /", e.Path)
		}
		if strings.Contains("/"+e.Path, "/.wh.") {
			return nil, fault.New(fault.Integrity, "layer: %q", e.Path).Because("a name that begins with .wh. deletes one of a layer below")
		}
		if old, twice := byPath[e.Path]; twice && !(old.Mode.IsDir() && e.Mode.IsDir()) {
			return nil, fault.New(fault.Integrity, "layer: two entries for %q", e.Path)
		}
		if t := e.Mode.Type(); t != 0 && t != fs.ModeDir && t != fs.ModeSymlink {
			return nil, fault.New(fault.Integrity, "layer: %q is neither file, folder nor link", e.Path)
		}
		byPath[e.Path] = e
	}
	if err := anchor(byPath); err != nil {
		return nil, err
	}
	for _, e := range in {
		for d := path.Dir(e.Path); d != "."; d = path.Dir(d) {
			parent, have := byPath[d]
			if have && !parent.Mode.IsDir() {
				return nil, fault.New(fault.Integrity, "layer: %q stands below %q, which is not a folder", e.Path, d)
			}
			if have {
				break
			}
			byPath[d] = Dir(d, 0o755)
		}
	}
	out := make([]Entry, 0, len(byPath))
	for _, e := range byPath {
		out = append(out, e)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

// anchor makes the first path, in order, of every set of hard links the file
// and the others links to it, for a reader meets the entries in that order.
func anchor(byPath map[string]Entry) error {
	sets := map[string][]string{}
	for p, e := range byPath {
		if e.Hard {
			sets[e.Link] = append(sets[e.Link], p)
		}
	}
	for target, links := range sets {
		file, have := byPath[target]
		if !have || file.Hard || !file.Mode.IsRegular() {
			return fault.New(fault.Integrity, "layer: hard link %q to %q, which is no file of this layer", links[0], target)
		}
		all := append(links, target)
		sort.Strings(all)
		for i, p := range all {
			e := file
			e.Path = p
			if i > 0 {
				e.Hard, e.Link, e.Size, e.Open, e.Deflated = true, all[0], 0, nil, nil
			}
			byPath[p] = e
		}
	}
	return nil
}
