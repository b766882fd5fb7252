package whl

import (
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"wheelwright/fault"
)

// zipEntry is one member of an archive under test, with what an attacker
// may set.
type zipEntry struct {
	name, data string
	local      string // name in the local header; empty: the same
	stored     bool
	flags      uint16
	mode       uint32 // Unix mode; 0: not made on Unix
	pad        int    // bytes of extra field in the local header
	zip64      bool
	central    func(h []byte) // changes the central header
	header     func(h []byte) // changes the local header
	raw        []byte         // the stream in the archive; nil: one made of data
	claim      *sums          // what both headers say of the data; nil: the truth
	extra      []byte         // extra field of the local header, in place of pad
	after      []byte         // what follows the data: a descriptor
	at         int64          // offset that the central header says; 0: the true one
}

// zipFile writes an archive; end changes the end record.
func zipFile(entries []zipEntry, zip64 bool, end func(h []byte)) []byte {
	var out, dir bytes.Buffer
	for _, e := range entries {
		raw, method := []byte(e.data), uint16(0)
		if !e.stored {
			raw, method = packed(e.data, 6), 8
		}
		if e.raw != nil {
			raw = e.raw
		}
		off := int64(out.Len())
		local := e.local
		if local == "" {
			local = e.name
		}
		is := sums{crc32.ChecksumIEEE([]byte(e.data)), int64(len(raw)), int64(len(e.data))}
		if e.claim != nil {
			is = *e.claim
		}
		if e.extra == nil {
			e.extra = make([]byte, e.pad)
		}
		h := make([]byte, lenLocal)
		le.PutUint32(h, sigLocal)
		le.PutUint16(h[6:], e.flags)
		le.PutUint16(h[8:], method)
		le.PutUint32(h[14:], is.crc)
		le.PutUint32(h[18:], uint32(is.compressed))
		le.PutUint32(h[22:], uint32(is.size))
		le.PutUint16(h[26:], uint16(len(local)))
		le.PutUint16(h[28:], uint16(len(e.extra)))
		if e.header != nil {
			e.header(h)
		}
		out.Write(h)
		out.WriteString(local)
		out.Write(e.extra)
		out.Write(raw)
		out.Write(e.after)

		if e.at != 0 {
			off = e.at
		}
		c := make([]byte, lenDirectory)
		le.PutUint32(c, sigDirectory)
		le.PutUint16(c[8:], e.flags)
		le.PutUint16(c[10:], method)
		le.PutUint32(c[16:], is.crc)
		le.PutUint32(c[20:], uint32(is.compressed))
		le.PutUint32(c[24:], uint32(is.size))
		le.PutUint16(c[28:], uint16(len(e.name)))
		le.PutUint32(c[42:], uint32(off))
		if e.mode != 0 {
			c[5] = 3
			le.PutUint32(c[38:], e.mode<<16)
		}
		var extra []byte
		if e.zip64 {
			extra = le.AppendUint16(le.AppendUint16(nil, 1), 24)
			for i, v := range []int64{is.size, is.compressed, off} {
				extra = le.AppendUint64(extra, uint64(v))
				le.PutUint32(c[[]int{24, 20, 42}[i]:], 0xffffffff)
			}
			le.PutUint16(c[30:], uint16(len(extra)))
		}
		if e.central != nil {
			e.central(c)
		}
		dir.Write(c)
		dir.WriteString(e.name)
		dir.Write(extra)
	}
	offset, size, n := int64(out.Len()), int64(dir.Len()), uint64(len(entries))
	out.Write(dir.Bytes())
	if zip64 {
		at := int64(out.Len())
		r := make([]byte, lenEnd64)
		le.PutUint32(r, sigEnd64)
		le.PutUint64(r[4:], lenEnd64-12)
		le.PutUint64(r[24:], n)
		le.PutUint64(r[32:], n)
		le.PutUint64(r[40:], uint64(size))
		le.PutUint64(r[48:], uint64(offset))
		out.Write(r)
		l := make([]byte, lenLocator64)
		le.PutUint32(l, sigLocator64)
		le.PutUint64(l[8:], uint64(at))
		le.PutUint32(l[16:], 1)
		out.Write(l)
		n, size, offset = 0xffff, 0xffffffff, 0xffffffff
	}
	h := make([]byte, lenEnd)
	le.PutUint32(h, sigEnd)
	le.PutUint16(h[8:], uint16(n))
	le.PutUint16(h[10:], uint16(n))
	le.PutUint32(h[12:], uint32(size))
	le.PutUint32(h[16:], uint32(offset))
	if end != nil {
		end(h)
	}
	out.Write(h)
	return out.Bytes()
}

const (
	demoName     = "demo_pkg-1.0-py3-none-any.whl"
	demoMetadata = "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\nRequires-Python: >=3.9\nRequires-Dist: torch (==2.11.0)\nRequires-Dist: rich>=1; extra == \"ui\"\nProvides-Extra: ui\n\nName: not-a-header\n"
	demoRecord   = "demo_pkg/__init__.py,sha256=abc,9\n\"odd,name.py\",,\ndemo_pkg-1.0.dist-info/RECORD,,\n"
	demoWheel    = "Wheel-Version: 1.0\nGenerator: demo (1)\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n"
)

// demo is a good wheel with more entries.
func demo(more ...zipEntry) []zipEntry {
	return append([]zipEntry{
		{name: "demo_pkg/__init__.py", data: "print(1)\n", mode: 0o100755},
		{name: "demo_pkg/data.bin", data: strings.Repeat("x", 5000)},
		{name: "demo_pkg-1.0.dist-info/METADATA", data: demoMetadata, pad: 7},
		{name: "demo_pkg-1.0.dist-info/WHEEL", data: demoWheel, stored: true},
		{name: "demo_pkg-1.0.dist-info/RECORD", data: demoRecord},
	}, more...)
}

func open(b []byte, name string) (*Wheel, error) {
	return Open(bytes.NewReader(b), int64(len(b)), name)
}

func TestGoodWheel(t *testing.T) {
	folder := zipEntry{name: "demo_pkg/", stored: true, mode: 0o040755}
	entries64 := demo(folder)
	for i := range entries64 {
		entries64[i].zip64 = true
	}
	for _, archive := range [][]byte{
		zipFile(demo(folder), false, nil),
		zipFile(entries64, true, nil),
		zipFile(demo(folder), true, func(h []byte) { le.PutUint16(h[10:], 6) }), // zip64 records that were not needed
	} {
		w, err := open(archive, demoName)
		if err != nil {
			t.Fatal(err)
		}
		if w.Name() != "demo-pkg" || w.Tag.Version != "1.0" || w.DistInfo() != "demo_pkg-1.0.dist-info" || len(w.Members()) != 5 {
			t.Fatalf("%s %s %s %d members", w.Name(), w.Tag.Version, w.DistInfo(), len(w.Members()))
		}
		if m, ok := w.Member("demo_pkg/__init__.py"); !ok || m.Mode != 0o755 || m.Size != 9 {
			t.Errorf("member %+v", m)
		}
		if _, ok := w.Member("demo_pkg/"); ok {
			t.Error("a folder is a member")
		}
		raw, m, err := w.Metadata()
		if err != nil || string(raw) != demoMetadata || len(m.RequiresDist) != 2 || m.RequiresPython != ">=3.9" || m.ProvidesExtra[0] != "ui" {
			t.Errorf("metadata %q %+v %v", raw, m, err)
		}
		rec, err := w.Record()
		if err != nil || len(rec) != 3 || rec[0] != (RecordLine{"demo_pkg/__init__.py", "sha256=abc", 9}) || rec[1].Path != "odd,name.py" || rec[2].Size != -1 {
			t.Errorf("record %+v %v", rec, err)
		}
		info, err := w.WheelFile()
		if err != nil || !info.RootIsPurelib || len(info.Tags) != 2 || info.WheelVersion != "1.0" {
			t.Errorf("WHEEL %+v %v", info, err)
		}
		data, _ := w.Member("demo_pkg/data.bin")
		r, err := w.Raw(data)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(flate.NewReader(r))
		if err != nil || len(plain) != 5000 {
			t.Errorf("raw stream gives %d bytes: %v", len(plain), err)
		}
	}
}

func refused(t *testing.T, err error, want ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Integrity {
		t.Fatalf("%v is no integrity fault", err)
	}
	for _, w := range append(want, demoName) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestHostileMembers(t *testing.T) {
	put16 := func(at int, v uint16) func([]byte) { return func(h []byte) { le.PutUint16(h[at:], v) } }
	put32 := func(at int, v uint32) func([]byte) { return func(h []byte) { le.PutUint32(h[at:], v) } }
	for _, c := range []struct {
		e    zipEntry
		want string
	}{
		{zipEntry{name: "/etc/passwd"}, "absolute"},
		{zipEntry{name: "c:/windows/x"}, "absolute"},
		{zipEntry{name: "demo_pkg/../../x"}, "leaves the wheel"},
		{zipEntry{name: ".."}, "leaves the wheel"},
		{zipEntry{name: "demo_pkg\\x"}, "backslash"},
		{zipEntry{name: "a//b"}, "not clean"},
		{zipEntry{name: "./a"}, "not clean"},
		{zipEntry{name: "a\nb"}, "control"},
		{zipEntry{name: "a\xff"}, "UTF-8"},
		{zipEntry{name: ""}, "no name"},
		{zipEntry{name: strings.Repeat("n", 5000)}, "too long"},
		{zipEntry{name: "demo_pkg/data.bin"}, "twice"},
		{zipEntry{name: "demo_pkg/data.bin/x"}, "is a file"},
		{zipEntry{name: "demo_pkg/data.bin/"}, "file and a folder"},
		{zipEntry{name: "demo_pkg"}, "file and a folder"},
		{zipEntry{name: "link", data: "/etc", mode: 0o120777}, "symbolic link"},
		{zipEntry{name: "pipe", mode: 0o010644}, "no regular file"},
		{zipEntry{name: "dir", mode: 0o040755}, "no regular file"},
		{zipEntry{name: "dir/", data: "x", stored: true}, "folder of 1 bytes"},
		{zipEntry{name: "secret", flags: 1}, "encrypted"},
		{zipEntry{name: "new", central: put16(10, 93)}, "compression method 93"},
		{zipEntry{name: "bomb", data: "x", central: put32(24, 1<<30)}, "cannot unpack"},
		{zipEntry{name: "stored", data: "xy", stored: true, central: put32(24, 1)}, "unpack to 1"},
		{zipEntry{name: "far", data: "x", central: put32(42, 1<<30)}, "outside"},
		{zipEntry{name: "long", data: "x", central: put32(20, 1<<30)}, "outside"},
		{zipEntry{name: "twin", data: "x", at: 3}, "overlaps"},
		{zipEntry{name: "wide", zip64: true, central: put16(30, 12)}, "damaged"},
	} {
		_, err := open(zipFile(demo(c.e), false, nil), demoName)
		if c.e.name == "" || c.e.name == "wide" || c.e.name == "twin" || c.e.name == "a\xff" || c.e.name == "a\nb" || len(c.e.name) > 100 {
			refused(t, err, c.want)
		} else {
			refused(t, err, c.want, strings.ReplaceAll(c.e.name, `\`, `\\`))
		}
	}
}

func TestHostileArchives(t *testing.T) {
	good := zipFile(demo(), false, nil)
	bomb := zipEntry{name: "b", data: strings.Repeat("x", 6<<20), stored: true, central: func(h []byte) {
		le.PutUint16(h[10:], 8)
		le.PutUint32(h[24:], 250*6<<20)
	}}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":         {nil, "no zip archive"},
		"text":          {[]byte(strings.Repeat("<html>", 100)), "no end-of-directory"},
		"cut":           {good[:len(good)-30], "no end-of-directory"},
		"prefix":        {append([]byte("#!/bin/sh\n"), good...), "bytes before"},
		"no dist-info":  {zipFile([]zipEntry{{name: "a.py"}}, false, nil), "no .dist-info"},
		"two dist-info": {zipFile(demo(zipEntry{name: "x-1.dist-info/METADATA"}), false, nil), "two .dist-info"},
		"another's":     {zipFile([]zipEntry{{name: "other-1.0.dist-info/METADATA"}}, false, nil), "another distribution"},
		"no METADATA":   {zipFile([]zipEntry{{name: "demo_pkg-1.0.dist-info/RECORD"}}, false, nil), "no demo_pkg-1.0.dist-info/METADATA"},
		"count":         {zipFile(demo(), false, func(h []byte) { le.PutUint16(h[10:], 4) }), "its end record says 4"},
		"disks":         {zipFile(demo(), false, func(h []byte) { le.PutUint16(h[4:], 2) }), "several disks"},
		"directory":     {zipFile(demo(), false, func(h []byte) { le.PutUint32(h[12:], 10) }), "does not end at"},
		"zip64 differs": {zipFile(demo(), true, func(h []byte) { le.PutUint16(h[10:], 4) }), "disagrees"},
		"no zip64":      {bytes.Replace(zipFile(demo(), true, nil), []byte("PK\x06\x06"), []byte("PK\x09\x09"), 1), "no zip64 end record"},
		"damaged":       {bytes.Replace(good, []byte("PK\x01\x02"), []byte("PK\x09\x09"), 1), "damaged"},
		"whole bomb":    {zipFile(demo(bomb), false, nil), "unpack to"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(c.b, demoName)
			refused(t, err, c.want)
		})
	}
	if _, err := open(good, "demo.whl"); err == nil {
		t.Error("a wrong file name is taken")
	}
}

// packed is a deflate stream of s.
func packed(s string, level int) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, level)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}
