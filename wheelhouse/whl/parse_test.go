package whl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/tag"
)

func TestParseMetadata(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want solver.Metadata
		err  string
	}{
		"crlf and case":     {"metadata-version: 2.4\r\nNAME: a\r\nversion: 1\r\nRequires-dist: b\r\n\r\nRequires-Dist: c\r\n", solver.Metadata{Name: "a", Version: "1", RequiresDist: []string{"b"}}, ""},
		"continuation":      {"Name: a\nVersion: 1\nRequires-Dist: b;\n   python_version<\"3\"\nSummary: x\n  y\n", solver.Metadata{Name: "a", Version: "1", RequiresDist: []string{"b;\npython_version<\"3\""}}, ""},
		"body in header":    {"Name: a\nVersion: 1\nno header here\nRequires-Dist: c\n", solver.Metadata{Name: "a", Version: "1"}, ""},
		"first name counts": {"Name: a\nName: b\nVersion: 1\n", solver.Metadata{Name: "a", Version: "1"}, ""},
		"bom":               {"\ufeffName: a\nVersion: 1\n", solver.Metadata{Name: "a", Version: "1"}, ""},
		"latin-1 elsewhere": {"Author: Andr\xe9\nName: a\nVersion: 1\n", solver.Metadata{Name: "a", Version: "1"}, ""},
		"latin-1 in use":    {"Name: a\nVersion: 1\nRequires-Dist: \xe9\n", solver.Metadata{}, "not UTF-8"},
		"no name":           {"Version: 1\n", solver.Metadata{}, "without name"},
		"empty":             {"", solver.Metadata{}, "without name"},
		"future":            {"Metadata-Version: 3.0\nName: a\nVersion: 1\n", solver.Metadata{}, "3.0"},
		"many":              {"Name: a\nVersion: 1\n" + strings.Repeat("Requires-Dist: b\n", maxHeaders), solver.Metadata{}, "headers"},
		"large":             {strings.Repeat("x", maxMetadata+1), solver.Metadata{}, "bytes"},
	} {
		got, err := ParseMetadata([]byte(c.text))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", name, err, c.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestParseRecordAndWheelFile(t *testing.T) {
	for _, bad := range []string{"a,b,x\n", "a,b,-1\n", "\"a,b,1\n"} {
		if l, err := parseRecord([]byte(bad)); err == nil {
			t.Errorf("%q gives %+v", bad, l)
		}
	}
	for _, bad := range []string{"", "Wheel-Version: 2.0\n", "Wheel-Version: 10.0\n"} {
		if i, err := parseInfo([]byte(bad)); err == nil {
			t.Errorf("%q gives %+v", bad, i)
		}
	}
}

func TestAgrees(t *testing.T) {
	for _, c := range []struct {
		name, version, file string
		agree               bool
	}{
		{"Demo.Pkg", "1.0", demoName, true},
		{"demo_pkg", "1.0.0", demoName, true},
		{"demo_pkg", "1.1", demoName, false},
		{"demo", "1.0", demoName, false},
		{"flash_attn", "2.8.3", "flash_attn-2.8.3+cu12torch2.6-cp311-cp311-linux_x86_64.whl", true},
		{"torch", "2.6.0+cu124", "torch-2.6.0-cp311-cp311-linux_x86_64.whl", false},
	} {
		w, err := tag.ParseWheel(c.file)
		if err != nil {
			t.Fatal(err)
		}
		if why := Agrees(solver.Metadata{Name: c.name, Version: c.version}, w); (why == "") != c.agree {
			t.Errorf("%s %s in %s: %q", c.name, c.version, c.file, why)
		}
	}
}

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, demoName)
	if err := os.WriteFile(p, zipFile(demo(), false, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	w, c, err := OpenFile(p, demoName)
	if err != nil || w.Filename != demoName {
		t.Fatalf("%v %v", w, err)
	}
	c.Close()
	for _, bad := range []string{dir, filepath.Join(dir, "none-1-py3-none-any.whl")} {
		if _, _, err := OpenFile(bad, demoName); err == nil || fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// lazy fails outside the ranges that were allowed, and counts.
type lazy struct {
	b     []byte
	reads int
	err   error
}

func (l *lazy) ReadAt(p []byte, off int64) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	l.reads += len(p)
	return bytes.NewReader(l.b).ReadAt(p, off)
}

func TestOpenReadsTheTailAlone(t *testing.T) {
	var junk bytes.Buffer
	_, _ = io.CopyN(&junk, rand.New(rand.NewSource(1)), 1<<20)
	b := zipFile(append([]zipEntry{{name: "big.bin", data: junk.String(), stored: true}}, demo()...), false, nil)
	l := &lazy{b: b}
	w, err := Open(l, int64(len(b)), demoName)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Metadata(); err != nil {
		t.Fatal(err)
	}
	if l.reads > 8<<10 {
		t.Errorf("%d of %d bytes read for METADATA", l.reads, len(b))
	}
	// A failing network is not the wheel's fault.
	l.err = fault.New(fault.Temporary, "cut")
	if _, err := Open(l, int64(len(b)), demoName); fault.KindOf(err) != fault.Temporary {
		t.Errorf("a reader's fault became %v", err)
	}
	l.err = errors.New("disk")
	if _, err := Open(l, int64(len(b)), demoName); fault.KindOf(err) != fault.Integrity {
		t.Errorf("a short read became %v", err)
	}
}

// many is a wheel of n members, as torch's is.
func many(n int) []byte {
	var e []zipEntry
	for i := range n {
		e = append(e, zipEntry{name: fmt.Sprintf("demo_pkg/include/folder%d/sub%d/header_%d.h", i%40, i%7, i), data: "x", stored: true, mode: 0o100644})
	}
	return zipFile(append(e, demo()...), false, nil)
}

func BenchmarkOpen12k(b *testing.B) {
	w := many(12000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(w, demoName); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(zipFile(demo(), false, nil))
	f.Add(zipFile(demo(zipEntry{name: "z", data: "zz", zip64: true}), true, nil))
	f.Add(zipFile(demo(zipEntry{name: "a/../b", mode: 0o120777}), false, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := open(b, demoName)
		if err != nil {
			var e *fault.Error
			if !errors.As(err, &e) {
				t.Fatalf("%v is no fault", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, m := range w.Members() {
			if seen[m.Name] || strings.HasPrefix(m.Name, "/") || strings.Contains("/"+m.Name+"/", "/../") || strings.ContainsAny(m.Name, "\\\x00") {
				t.Fatalf("member %q was taken", m.Name)
			}
			seen[m.Name] = true
			rc, err := w.OpenMember(m)
			if err != nil {
				continue
			}
			if n, err := io.Copy(io.Discard, io.LimitReader(rc, 1<<20)); err == nil && n < 1<<20 && n != m.Size {
				t.Fatalf("%q gave %d bytes of %d and no error", m.Name, n, m.Size)
			}
			rc.Close()
		}
		_, _, _ = w.Metadata()
		_, _ = w.Record()
		_, _ = w.WheelFile()
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(demoMetadata))
	f.Add([]byte("Name: a\n b\r\n\tc\nVersion:\xff1\n\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMetadata(b)
		if err == nil && (m.Name == "" || m.Version == "") {
			t.Fatal("metadata without name or version was taken")
		}
		if err == nil && strings.Contains(m.Name, "\r") && !bytes.ContainsRune(b, '\r') {
			t.Fatal("bytes were made up")
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(demoRecord))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, err := parseRecord(b)
		for _, l := range lines {
			if err == nil && l.Size < -1 {
				t.Fatalf("size %d", l.Size)
			}
		}
		_, _ = parseInfo(b)
	})
}
