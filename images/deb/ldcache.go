package deb

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"wheelwright/images/layer"
)

// library is one entry of the loader's cache.
type library struct {
	name  string // by which programs ask for it
	path  string // absolute
	flags uint32
}

// Flags of an entry (glibc, sysdeps/generic/ldconfig.h): an ELF library for
// glibc 2, and the ABI.
const elfLibc6 = 3

var machineFlags = map[elf.Machine]uint32{elf.EM_X86_64: 0x300 | elfLibc6, elf.EM_AARCH64: 0xa00 | elfLibc6}

// loaderCache writes /etc/ld.so.cache as ldconfig does. The loader finds the
// libraries of the set without it, but Python's ctypes.util.find_library, and
// whoever asks ldconfig -p, does not.
func (t *Tree) loaderCache() (bool, error) {
	if !t.runs("/usr/sbin/ldconfig") {
		return t.joinLoaderCache()
	}
	all, err := t.allLibraries()
	if err != nil {
		return false, err
	}
	t.make(layer.Literal(loaderFile, 0o644, cacheBytes(all)))
	return true, nil
}

// allLibraries are those of every folder that the loader looks into, in its
// order.
func (t *Tree) allLibraries() (all []library, err error) {
	dirs, err := t.loaderPath()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, dir := range dirs {
		at, err := t.locate(strings.TrimPrefix(dir, "/"))
		if err != nil || seen[at] {
			continue
		}
		seen[at] = true
		found, err := t.libraries(at, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// loaderPath are the folders of /etc/ld.so.conf and what it includes, then the
// loader's own, in the order in which ldconfig reads them.
func (t *Tree) loaderPath() ([]string, error) {
	var out []string
	var read func(p string, depth int) error
	read = func(p string, depth int) error {
		n := t.nodes[p]
		if n == nil || !n.Mode.IsRegular() || n.Hard || depth > 8 {
			return nil
		}
		text, err := content(n.Entry)
		if err != nil {
			return err
		}
		for _, line := range strings.Split(string(text), "\n") {
			line, _, _ = strings.Cut(line, "#")
			f := strings.Fields(line)
			switch {
			case len(f) > 1 && f[0] == "include":
				for _, pattern := range f[1:] {
					for _, name := range keys(t.nodes) {
						if ok, _ := path.Match(strings.TrimPrefix(pattern, "/"), name); ok {
							if err := read(name, depth+1); err != nil {
								return err
							}
						}
					}
				}
			case len(f) == 1 && strings.HasPrefix(f[0], "/"):
				out = append(out, path.Clean(f[0]))
			}
		}
		return nil
	}
	err := read("etc/ld.so.conf", 0)
	return append(out, "/lib", "/usr/lib"), err
}

// libraries are those of the folder at, which programs know as dir: for each
// shared library its SONAME, and the names of links for the linker, "libz.so".
func (t *Tree) libraries(at, dir string) ([]library, error) {
	var out []library
	listed := map[string]bool{}
	for _, p := range keys(t.nodes) {
		name := path.Base(p)
		if path.Dir(p) != at || !strings.Contains(name, ".so") || !strings.HasPrefix(name, "lib") && !strings.HasPrefix(name, "ld-") {
			continue
		}
		n := t.follow(p)
		if n == nil || !n.Mode.IsRegular() || t.isBelow(t.nodes[p].owner) {
			continue
		}
		so, err := t.shared(n)
		if err != nil {
			return nil, err
		}
		if so.flags == 0 {
			continue
		}
		as := so.name
		if as == "" || t.nodes[p].Mode.Type() == fs.ModeSymlink && strings.HasSuffix(name, ".so") && strings.HasPrefix(as, name) {
			as = name
		}
		if t.nodes[dir[1:]+"/"+as] == nil && t.nodes[at+"/"+as] == nil { // ldconfig would make the link
			as = name
		}
		if !listed[as] {
			listed[as] = true
			out = append(out, library{as, path.Join(dir, as), so.flags})
		}
	}
	return out, nil
}

// shared reads the SONAME and the machine of a library; flags are 0 for what
// is none.
func (t *Tree) shared(n *node) (library, error) {
	if so, have := t.sonames[n]; have {
		return so, nil
	}
	if n.Open == nil {
		return library{}, nil
	}
	from, err := n.Open()
	if err != nil {
		return library{}, err
	}
	defer from.Close()
	var so library
	at, _ := from.(io.ReaderAt) // what packages have is
	if at == nil {
		return so, nil
	}
	if f, err := elf.NewFile(&thrifty{at, maxTables}); err == nil && f.Type == elf.ET_DYN {
		so.flags = machineFlags[f.Machine]
		if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) > 0 && !strings.Contains(names[0], "/") {
			so.name = names[0]
		}
	}
	t.sonames[n] = so
	return so, nil
}

// maxTables is how many bytes of a library are read for its name: not its code,
// which may be of any size.
const maxTables = 64 << 20

// thrifty fails once more than left bytes were read.
type thrifty struct {
	io.ReaderAt
	left int64
}

func (r *thrifty) ReadAt(p []byte, at int64) (int, error) {
	if r.left -= int64(len(p)); r.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return r.ReaderAt.ReadAt(p, at)
}

// cacheBytes is the format "glibc-ld.so.cache1.1" (glibc, dl-cache.h): header,
// entries, strings; offsets count from the beginning of the file.
func cacheBytes(all []library) []byte {
	slices.SortFunc(all, func(a, b library) int {
		return cmp.Or(compareLibraries(b.name, a.name), cmp.Compare(b.flags, a.flags))
	})
	const header, entry = 48, 24
	var strs bytes.Buffer
	out := append([]byte("glibc-ld.so.cache1.1"), make([]byte, header-20)...)
	first := uint32(header + entry*len(all))
	for _, l := range all {
		// The name is the end of the path.
		value := first + uint32(strs.Len())
		key := value + uint32(len(l.path)-len(l.name))
		strs.WriteString(l.path + "\x00")
		out = binary.LittleEndian.AppendUint32(out, l.flags)
		out = binary.LittleEndian.AppendUint32(out, key)
		out = binary.LittleEndian.AppendUint32(out, value)
		out = append(out, make([]byte, entry-12)...) // no version of the kernel, no capability is asked for
	}
	binary.LittleEndian.PutUint32(out[20:], uint32(len(all)))
	binary.LittleEndian.PutUint32(out[24:], uint32(strs.Len()))
	out[28] = 2 // little-endian
	return append(out, strs.Bytes()...)
}

// compareLibraries is the loader's order of names: runs of digits by value.
func compareLibraries(a, b string) int {
	for a != "" && b != "" {
		x, restA := takeRun(a, true)
		y, restB := takeRun(b, true)
		switch {
		case x != "" && y != "":
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = restA, restB
		case x != "":
			return 1
		case y != "":
			return -1
		case a[0] != b[0]:
			return cmp.Compare(a[0], b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return cmp.Compare(a, b)
}
