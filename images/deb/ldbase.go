package deb

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// loaderFile is the cache of ld.so, a record of an image.
const loaderFile = "etc/ld.so.cache"

// joinLoaderCache adds the libraries of the packages to the cache that the
// image has, as its ldconfig would when they are installed: ctypes looks there.
// A cache that says more of a library than where it is stays as it is.
func (t *Tree) joinLoaderCache() (bool, error) {
	if t.on == nil {
		return false, nil
	}
	all, ok := readLoaderCache(t.on.Records[loaderFile])
	if !ok {
		return false, nil
	}
	had := len(all)
	for _, l := range all { // links of the packages may lead to these
		if n := t.follow(t.where(l.path)); n != nil {
			t.sonames[n] = l
		}
	}
	found, err := t.allLibraries()
	if err != nil {
		return false, err
	}
	for _, l := range found {
		if !slices.Contains(all[:had], l) {
			all = append(all, l)
		}
	}
	if len(all) > had {
		t.write(loaderFile, 0o644, cacheBytes(all))
	}
	return true, nil
}

// readLoaderCache reads the format "glibc-ld.so.cache1.1" (glibc, dl-cache.h);
// not ok: it is another, broken, or asks for capabilities of the processor.
func readLoaderCache(data []byte) (out []library, ok bool) {
	const header, entry, most = 48, 24, 100_000
	if len(data) < header || !bytes.HasPrefix(data, []byte("glibc-ld.so.cache1.1")) || data[28] != 0 && data[28] != 2 {
		return nil, false
	}
	n := int(binary.LittleEndian.Uint32(data[20:]))
	if n > most || len(data) < header+n*entry {
		return nil, false
	}
	text := func(at uint32) (string, bool) {
		if int64(at) >= int64(len(data)) {
			return "", false
		}
		s, _, ended := bytes.Cut(data[at:min(int64(len(data)), int64(at)+4096)], []byte{0})
		return string(s), ended
	}
	for i := range n {
		e := data[header+i*entry:]
		name, ok1 := text(binary.LittleEndian.Uint32(e[4:]))
		path, ok2 := text(binary.LittleEndian.Uint32(e[8:]))
		// What is written here has the name as the end of the path.
		if !ok1 || !ok2 || binary.LittleEndian.Uint64(e[16:]) != 0 || !strings.HasSuffix(path, "/"+name) {
			return nil, false
		}
		out = append(out, library{name, path, binary.LittleEndian.Uint32(e)})
	}
	return out, true
}
