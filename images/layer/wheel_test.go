package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

var update = flag.Bool("update", false, "write golden files anew")

const wheels = "../../testdata/wheels"

// ofWheels is the recipe of a layer of wheels, as images makes it.
func ofWheels(t testing.TB, s spread.Scheme, files ...string) *Recipe {
	t.Helper()
	var entries []Entry
	var closers []io.Closer
	for _, file := range files {
		w, c, err := whl.OpenFile(file, filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		closers = append(closers, c)
		placed, err := spread.Spread(w, s)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, FromSpread(w, placed)...)
	}
	r, err := NewRecipe(entries, closers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func realWheels(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d wheels, %v", len(files), err)
	}
	return files
}

// made is a layer of a recipe that is made anew at every reading.
func made(t *testing.T, how Compression, recipe func() *Recipe) *Layer {
	t.Helper()
	s, err := recipe().Sum(context.Background(), how, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Made("test", s, how, func(context.Context) (*Recipe, error) { return recipe(), nil })
}

func bytesOf(t *testing.T, l *Layer, offset int64) []byte {
	t.Helper()
	r, err := l.Open(context.Background(), offset)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("from %d: %v", offset, err)
	}
	return b
}

// TestFormat1 holds the bytes of layers of real wheels and of the corners
// still: if one changes, Format needs a new number, and the old must go on
// giving what it gave.
func TestFormat1(t *testing.T) {
	var got strings.Builder
	line := func(what string, r *Recipe) {
		s, err := r.Sum(context.Background(), Gzip, nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s\n  %s %d\n  tar %s\n", what, s.Digest, s.Size, s.DiffID)
	}
	env := spread.Scheme{Prefix: "/opt/env", Python: "3.11"}
	for _, file := range realWheels(t) {
		line(filepath.Base(file), ofWheels(t, env, file))
	}
	line("all of them", ofWheels(t, env, realWheels(t)...))
	line("all of them at /srv/ml for 3.13", ofWheels(t, spread.Scheme{Prefix: "/srv/ml", Python: "3.13"}, realWheels(t)...))
	line("corners", recipe(t, corners()))
	line("nothing", recipe(t, nil))
	const file = "testdata/format1.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("layers of format %d are\n%s\nwant\n%s", Format, got.String(), want)
	}
}

// Every wheel's heavy members stand in the layer as they stand in the wheel,
// and what a reader unpacks is what the wheel holds.
func TestMembersGoInAsTheyAre(t *testing.T) {
	for _, file := range realWheels(t) {
		l := made(t, Gzip, func() *Recipe { return ofWheels(t, spread.Scheme{Prefix: "/opt/env", Python: "3.11"}, file) })
		packed := bytesOf(t, l, 0)
		w, c, err := whl.OpenFile(file, filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		inside := unpack(t, packed)
		for _, m := range w.Members() {
			if strings.Contains(m.Name, ".data/") || strings.HasSuffix(m.Name, "/RECORD") || strings.HasSuffix(m.Name, "/INSTALLER") {
				continue
			}
			r, err := w.OpenMember(m)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := io.ReadAll(r)
			if got := inside["opt/env/lib/python3.11/site-packages/"+m.Name]; got != string(want) {
				t.Errorf("%s: %s is %d bytes, the wheel has %d", l.name, m.Name, len(got), len(want))
			}
			raw, err := w.Raw(m)
			if err != nil {
				t.Fatal(err)
			}
			stream, _ := io.ReadAll(raw)
			if whole := bytes.Contains(packed, stream); whole != (m.Method == 8 && m.Compressed >= verbatimFrom) && m.Compressed > 40 {
				t.Errorf("%s: %s, method %d, %d bytes: verbatim %v", filepath.Base(file), m.Name, m.Method, m.Compressed, whole)
			}
		}
	}
}

// unpack reads a layer with the standard library: path to content.
func unpack(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(b)
	}
}

// A layer read from any offset goes on as the whole one does.
func TestReadFromAnyOffset(t *testing.T) {
	for _, how := range []Compression{Gzip, ZstdLayer} {
		l := made(t, how, func() *Recipe {
			return ofWheels(t, spread.Scheme{Prefix: "/opt/env", Python: "3.11"}, realWheels(t)...)
		})
		whole := bytesOf(t, l, 0)
		if int64(len(whole)) != l.Size {
			t.Fatalf("%d bytes, announced %d", len(whole), l.Size)
		}
		r := rand.New(rand.NewPCG(3, 4))
		offsets := []int64{1, 9, 10, 11, l.Size - 1, l.Size}
		for i := range int64(len(whole) - 10) { // where members begin, and about
			if bytes.Equal(whole[i:i+10], gzipHeader[:]) && r.IntN(4) == 0 {
				offsets = append(offsets, i, i+1, i+10, i-8, i-1)
			}
		}
		for range 20 {
			offsets = append(offsets, r.Int64N(l.Size))
		}
		for _, at := range offsets[:min(len(offsets), 40)] {
			if got := bytesOf(t, l, max(at, 0)); !bytes.Equal(got, whole[max(at, 0):]) {
				t.Errorf("%s from %d: %d bytes that differ from the whole layer's last %d", how, at, len(got), l.Size-at)
			}
		}
	}
}
