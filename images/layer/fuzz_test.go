package layer

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

// zipped is a wheel alpha-1.0 with members of name and content; stored ones
// have a name that ends in .stored.
func zipped(members ...[2]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	info := "alpha-1.0.dist-info/"
	record := ""
	all := append(members, [][2]string{
		{info + "METADATA", "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	}...)
	for _, m := range all {
		record += m[0] + ",,\n"
	}
	for _, m := range append(all, [2]string{info + "RECORD", record}) {
		h := &zip.FileHeader{Name: m[0], Method: zip.Deflate}
		if strings.HasSuffix(m[0], ".stored") {
			h.Method = zip.Store
		}
		w, _ := z.CreateHeader(h)
		io.WriteString(w, m[1])
	}
	z.Close()
	return b.Bytes()
}

// noise is text that deflate makes little of.
func noise(n int) string {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// FuzzSplice makes a layer of a wheel that may be anything: it is refused, or
// the standard library's gzip reads the tar whose diffID was told.
func FuzzSplice(f *testing.F) {
	f.Add(zipped([2]string{"alpha/__init__.py", "x = 1\n"}))
	f.Add(zipped([2]string{"alpha/big.so", noise(20_000)}, [2]string{"alpha/small.py", "y = 2\n"}, [2]string{"alpha/data.stored", noise(9_000)}))
	f.Add(zipped([2]string{"alpha/text.py", strings.Repeat("line of text\n", 40_000)}, [2]string{"alpha/" + strings.Repeat("long/", 40) + "name", noise(5_000)}))
	f.Add(zipped([2]string{"alpha-1.0.data/scripts/tool", "#!python\n" + noise(6_000)}, [2]string{"alpha-1.0.data/data/etc/x", noise(4_096)}))
	f.Fuzz(func(t *testing.T, wheel []byte) {
		if len(wheel) > 1<<20 {
			return
		}
		recipe := func() (*Recipe, error) {
			w, err := whl.Open(bytes.NewReader(wheel), int64(len(wheel)), "alpha-1.0-py3-none-any.whl")
			if err != nil {
				return nil, err
			}
			placed, err := spread.Spread(w, spread.Scheme{Prefix: "/opt/env", Python: "3.11"})
			if err != nil {
				return nil, err
			}
			return NewRecipe(FromSpread(w, placed))
		}
		r, err := recipe()
		if err != nil {
			return
		}
		total := int64(0)
		for _, e := range r.entries {
			total += e.Size
		}
		if total > 64<<20 {
			return // a true wheel of so few bytes; only time would pass
		}
		s, err := r.Sum(context.Background(), Gzip, nil)
		if err != nil {
			return
		}
		l := Made("fuzzed", s, Gzip, func(context.Context) (*Recipe, error) { return recipe() })
		in, err := l.Open(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if _, err := io.Copy(h, z); err != nil {
			t.Fatalf("a layer that was taken cannot be read: %v", err)
		}
		if got := digest(h); got != s.DiffID {
			t.Fatalf("a reader sees %s, told was %s", got, s.DiffID)
		}
	})
}
