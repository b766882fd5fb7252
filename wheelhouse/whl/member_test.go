package whl

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"wheelwright/fault"
)

// unpack reads a member of an archive in three ways, which must agree; change
// is made to the archive once its directory was read.
func unpack(t *testing.T, entries []zipEntry, name string, change func(b []byte)) (string, error) {
	t.Helper()
	b := zipFile(entries, false, nil)
	w, err := open(b, demoName)
	if err != nil {
		return "", err
	}
	if change != nil {
		change(b)
	}
	m, ok := w.Member(name)
	if !ok {
		t.Fatalf("no member %q", name)
	}
	var first bytes.Buffer
	var firstErr error
	for i, read := range []func(r io.Reader, to *bytes.Buffer) error{
		func(r io.Reader, to *bytes.Buffer) error { _, err := r.(io.WriterTo).WriteTo(to); return err },
		func(r io.Reader, to *bytes.Buffer) error { _, err := to.ReadFrom(r); return err },
		func(r io.Reader, to *bytes.Buffer) error { _, err := to.ReadFrom(iotest.OneByteReader(r)); return err },
	} {
		rc, err := w.OpenMember(m)
		if err != nil {
			return "", err
		}
		var to bytes.Buffer
		if err = read(rc, &to); i == 0 {
			first, firstErr = to, err
		}
		if (err == nil) != (firstErr == nil) || err != nil && err.Error() != firstErr.Error() || err == nil && to.String() != first.String() {
			t.Errorf("way %d: %v, way 0: %v", i, err, firstErr)
		}
		if _, again := rc.Read(make([]byte, 1)); err == nil && again != io.EOF || err != nil && again != err {
			t.Errorf("way %d: read on after %v: %v", i, err, again)
		}
		rc.Close()
		rc.Close()
		if _, err := rc.Read(make([]byte, 1)); err != fs.ErrClosed {
			t.Errorf("read after close: %v", err)
		}
	}
	return first.String(), firstErr
}

func TestReadingChecksBytes(t *testing.T) {
	long := strings.Repeat("abc", 99)
	crc := crc32.ChecksumIEEE
	abc := packed("abc", 6)
	for _, c := range []struct {
		e    zipEntry
		want string
	}{
		{zipEntry{data: "abc", claim: &sums{1, int64(len(abc)), 3}}, "its CRC-32 is 352441c2, the directory says 00000001"},
		{zipEntry{data: "abc", claim: &sums{crc([]byte("abc")), int64(len(abc)), 9}}, "unpacks to 3 bytes, the directory says 9"},
		{zipEntry{data: long, claim: &sums{crc([]byte(long)), int64(len(packed(long, 6))), 9}}, "over 9 bytes"},
		{zipEntry{data: "abc", stored: true, claim: &sums{2, 3, 3}}, "CRC-32"},
		{zipEntry{data: "x", local: "nomad"}, "another name"},
		{zipEntry{data: "abc", raw: append(packed("abc", 6), 0)}, "its deflate stream ends after"},
		{zipEntry{data: "abc", raw: append(packed("abc", 6), packed("d", 6)...)}, "its deflate stream ends after"},
		{zipEntry{data: "abc", raw: append(packed("abc", 0), 'x')}, "its deflate stream ends after"},
		{zipEntry{data: long, raw: packed(long, 6)[:9]}, "damaged: cut short"},
		{zipEntry{data: "abc", raw: []byte{7}}, "damaged: invalid block type"},
	} {
		c.e.name = "some"
		_, err := unpack(t, demo(c.e), "some", nil)
		refused(t, err, c.want, "\"some\"")
	}
	for want, change := range map[string]func(b []byte){
		"overlaps":        func(b []byte) { le.PutUint16(b[28:], 60000) },
		"no local header": func(b []byte) { b[0] = 'Q' },
		"disagrees":       func(b []byte) { le.PutUint16(b[8:], 0) },
		"directory (":     func(b []byte) { b[6] |= 1 },
		"damaged":         func(b []byte) { copy(b[lenLocal+len("demo_pkg/__init__.py"):], "\xff\xff\xff\xff") },
	} {
		_, err := unpack(t, demo(), "demo_pkg/__init__.py", change)
		refused(t, err, strings.TrimSuffix(want, " ("), "demo_pkg/__init__.py")
	}
	if got, err := unpack(t, demo(), "demo_pkg/__init__.py", nil); err != nil || got != "print(1)\n" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := unpack(t, demo(zipEntry{name: "s", data: long, stored: true}), "s", nil); err != nil || got != long {
		t.Errorf("%q %v", got, err)
	}
}

// descriptor is a data descriptor of s.
func descriptor(signed, wide bool, s sums) []byte {
	var d []byte
	if signed {
		d = le.AppendUint32(d, sigDescriptor)
	}
	d = le.AppendUint32(d, s.crc)
	if wide {
		return le.AppendUint64(le.AppendUint64(d, uint64(s.compressed)), uint64(s.size))
	}
	return le.AppendUint32(le.AppendUint32(d, uint32(s.compressed)), uint32(s.size))
}

func TestLocalHeadersAndDescriptors(t *testing.T) {
	const ones = 0xffffffff
	data := strings.Repeat("some data ", 50)
	truth := sums{crc32.ChecksumIEEE([]byte(data)), int64(len(packed(data, 6))), int64(len(data))}
	local := func(crc uint32, compressed, size int64) func(h []byte) {
		return func(h []byte) {
			le.PutUint32(h[14:], crc)
			le.PutUint32(h[18:], uint32(compressed))
			le.PutUint32(h[22:], uint32(size))
		}
	}
	field := func(size, compressed int64) []byte {
		b := le.AppendUint32([]byte("zz\x01\x00?"), 16<<16|1)
		return le.AppendUint64(le.AppendUint64(b, uint64(size)), uint64(compressed))
	}
	empty, other := local(0, 0, 0), sums{truth.crc ^ 1, truth.compressed, truth.size}
	long := sums{truth.crc, truth.compressed, truth.size + 1}
	const disagrees, descriptors = "its local header disagrees", "its data descriptor disagrees"
	for name, c := range map[string]struct {
		e    zipEntry
		want string // empty: taken
	}{
		"signed":               {zipEntry{flags: 8, header: empty, after: descriptor(true, false, truth)}, ""},
		"bare":                 {zipEntry{flags: 8, header: empty, after: descriptor(false, false, truth)}, ""},
		"signed, wide":         {zipEntry{flags: 8, header: empty, after: descriptor(true, true, truth)}, ""},
		"bare, wide":           {zipEntry{flags: 8, header: empty, after: descriptor(false, true, truth)}, ""},
		"both say it":          {zipEntry{flags: 8, after: descriptor(true, false, truth)}, ""},
		"zip64 of zeros":       {zipEntry{flags: 8, header: local(0, ones, ones), extra: field(0, 0), after: descriptor(true, true, truth)}, ""},
		"zip64":                {zipEntry{header: local(truth.crc, ones, ones), extra: field(truth.size, truth.compressed)}, ""},
		"zip64 for one":        {zipEntry{header: local(truth.crc, truth.compressed, ones), extra: field(truth.size, 0)}, ""},
		"no descriptor":        {zipEntry{flags: 8, header: empty}, descriptors},
		"short descriptor":     {zipEntry{flags: 8, header: empty, after: descriptor(true, false, truth)[:15]}, descriptors},
		"descriptor's CRC-32":  {zipEntry{flags: 8, header: empty, after: descriptor(true, false, other)}, descriptors},
		"descriptor's size":    {zipEntry{flags: 8, header: empty, after: descriptor(false, true, long)}, descriptors},
		"header beside it":     {zipEntry{flags: 8, header: local(1, 0, 0), after: descriptor(true, false, truth)}, disagrees},
		"CRC-32":               {zipEntry{header: local(other.crc, truth.compressed, truth.size)}, disagrees},
		"compressed":           {zipEntry{header: local(truth.crc, truth.compressed-1, truth.size)}, disagrees},
		"size":                 {zipEntry{header: local(truth.crc, truth.compressed, truth.size+1)}, disagrees},
		"zeros, no descriptor": {zipEntry{header: empty}, disagrees},
		"zip64's size":         {zipEntry{header: local(truth.crc, ones, ones), extra: field(truth.size+1, truth.compressed)}, disagrees},
		"zip64 short":          {zipEntry{header: local(truth.crc, ones, ones), extra: field(truth.size, truth.compressed)[:18]}, "zip64 field is damaged"},
		"zip64 missing":        {zipEntry{header: local(truth.crc, truth.compressed, ones)}, "zip64 field is damaged"},
		"zip64 below zero":     {zipEntry{header: local(truth.crc, ones, ones), extra: field(-1, truth.compressed)}, "zip64 field is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			c.e.name, c.e.data = "some", data
			got, err := unpack(t, demo(c.e, zipEntry{name: "next", data: "x"}), "some", nil)
			if c.want != "" {
				refused(t, err, c.want, "\"some\"")
			} else if err != nil || got != data {
				t.Errorf("%d bytes: %v", len(got), err)
			}
		})
	}
}

func TestZip64Directory(t *testing.T) {
	set := func(at int, v uint32) func(h []byte) { return func(h []byte) { le.PutUint32(h[at:], v) } }
	for _, c := range []struct {
		e    zipEntry
		want string
	}{
		{zipEntry{data: "x", zip64: true, claim: &sums{0, 1 << 62, 1}}, "outside"},
		{zipEntry{data: "x", zip64: true, claim: &sums{0, 1, 1 << 62}}, "cannot unpack"},
		{zipEntry{data: "x", zip64: true, claim: &sums{0, -5, 1}}, "zip64 field is damaged"},
		{zipEntry{data: "x", zip64: true, claim: &sums{0, 60 << 30, 60 << 30}, stored: true}, "outside"},
		{zipEntry{data: "x", zip64: true, claim: &sums{0, 65 << 30, 65 << 30}, stored: true}, "it unpacks to over"},
		{zipEntry{data: "x", zip64: true, at: 1 << 62}, "outside"},
		{zipEntry{data: "x", central: set(42, 0xffffffff)}, "zip64 field is damaged"},
	} {
		c.e.name = "some"
		_, err := open(zipFile(demo(c.e), false, nil), demoName)
		refused(t, err, c.want, "\"some\"")
	}
	name := strings.Repeat("folder/", 500) + strings.Repeat("n", 255)
	if got, err := unpack(t, demo(zipEntry{name: name, data: "deep"}), name, nil); err != nil || got != "deep" {
		t.Errorf("a name of %d bytes: %v", len(name), err)
	}
}

// The caps on what a wheel unpacks to, without a wheel of that size.
func TestTotalCap(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		sizes []int64
		want  string
	}{
		{[]int64{40 * gib, 24 * gib}, ""},
		{[]int64{40 * gib, 24*gib + 1}, "the wheel unpacks to over 68719476736 bytes"},
		{[]int64{64*gib + 1}, "it unpacks to over 68719476736 bytes"},
	} {
		check := checker{wheel: demoName, end: 1 << 40, files: map[string]int32{}, folders: map[string]bool{}}
		var err error
		for i, size := range c.sizes {
			h := make([]byte, lenDirectory)
			le.PutUint16(h[10:], 8)
			le.PutUint32(h[20:], gib)
			le.PutUint32(h[24:], 0xffffffff)
			extra := le.AppendUint64(le.AppendUint32(nil, 8<<16|1), uint64(size))
			if err != nil {
				t.Fatal(err)
			}
			err = check.entry(new(Member), string(rune('a'+i)), h, extra)
		}
		if c.want == "" && err != nil {
			t.Error(err)
		} else if c.want != "" {
			refused(t, err, c.want, string(rune('a'+len(c.sizes)-1)))
		}
	}
}

// A fault of the reader or of the writer is not the wheel's.
func TestFaultsOfOthersPassThrough(t *testing.T) {
	b := zipFile(demo(), false, nil)
	l := &lazy{b: b}
	w, err := Open(l, int64(len(b)), demoName)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"demo_pkg/data.bin", "demo_pkg-1.0.dist-info/WHEEL"} {
		m, _ := w.Member(name)
		full := errors.New("disk full")
		rc, err := w.OpenMember(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rc.(io.WriterTo).WriteTo(failing{full}); err != full {
			t.Errorf("%s: a writer's fault became %v", name, err)
		}
		rc.Close()
		if rc, err = w.OpenMember(m); err != nil {
			t.Fatal(err)
		}
		l.err = fault.New(fault.Temporary, "cut")
		if _, err := io.Copy(io.Discard, rc); fault.KindOf(err) != fault.Temporary {
			t.Errorf("%s: a reader's fault became %v", name, err)
		}
		l.err = nil
		rc.Close()
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
