package deflate_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	klauspost "github.com/klauspost/compress/flate"

	"wheelwright/images/layer/deflate"
	"wheelwright/wheelhouse/whl"
)

var freeze = flag.Bool("freeze", false, "write the golden digests; only together with a new number of layer_format")

// inflaters are the readings of RFC 1951 that every stream must survive.
var inflaters = []struct {
	name string
	open func(io.Reader) io.Reader
}{
	{"compress/flate", func(r io.Reader) io.Reader { return flate.NewReader(r) }},
	{"klauspost", func(r io.Reader) io.Reader { return klauspost.NewReader(r) }},
	{"whl", func(r io.Reader) io.Reader { f := new(whl.Inflater); f.Reset(r); return f }},
}

// check unpacks packed by every inflater; it must be data and end with packed.
func check(t *testing.T, packed, data []byte) {
	t.Helper()
	for _, f := range inflaters {
		r := bytes.NewReader(packed)
		got, err := io.ReadAll(f.open(r))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%s: %d bytes of %d, %v", f.name, len(got), len(data), err)
		}
		if f.name == "compress/flate" && r.Len() > 0 { // reads byte by byte, no further than the stream
			t.Fatalf("%d bytes after the final block", r.Len())
		}
	}
}

// The digests below are published: as those of images. A change that alters
// one alters images that exist under the same layer_format. Then the encoder
// of today has to stay as it is, and the new one becomes another package, used
// by a new number of layer_format. -freeze is for that package's first day.
func TestGolden(t *testing.T) {
	golden := filepath.Join("testdata", "golden.txt")
	var got strings.Builder
	for _, in := range inputs() {
		packed := new(deflate.Encoder).Append(nil, in.data)
		sum := sha256.Sum256(packed)
		fmt.Fprintf(&got, "%s %8d %7d %s\n", hex.EncodeToString(sum[:]), len(in.data), len(packed), in.name)
	}
	if *freeze {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the frozen encoder gives other bytes: these need a new number of layer_format\n got\n%swant\n%s", got.String(), want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, in := range inputs() {
		t.Run(in.name, func(t *testing.T) {
			packed := new(deflate.Encoder).Append(nil, in.data)
			check(t, packed, in.data)
			if most := len(in.data) + max(2, 6*((len(in.data)+16383)/16384)); len(packed) > most {
				t.Errorf("%d bytes became %d, over the %d promised", len(in.data), len(packed), most)
			}
		})
	}
}

// Every length around those at which something changes.
func TestShort(t *testing.T) {
	var e deflate.Encoder
	run, words := make([]byte, 1100), text(20, 1100)
	for n := range run {
		check(t, e.Append(nil, run[:n]), run[:n])
		check(t, e.Append(nil, words[:n]), words[:n])
	}
}

// What an encoder did before, and what stands in dst and behind it, is
// nothing to the bytes.
func TestPure(t *testing.T) {
	var e deflate.Encoder
	all := inputs()
	dirty := noise(30, 3*mib, 256)
	for round := range 2 {
		for i := range all {
			in := all[(i*5+round)%len(all)] // 5 and 21 have no common factor
			want := new(deflate.Encoder).Append(nil, in.data)
			dst := append(dirty[:0:0], dirty...)[:3]
			got := e.Append(dst, in.data)
			if !bytes.Equal(got[:3], dirty[:3]) || !bytes.Equal(got[3:], want) {
				t.Fatalf("%s: used encoder differs from a fresh one", in.name)
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, in := range inputs() {
		if len(in.data) <= 100<<10 {
			f.Add(in.data, uint16(3))
		}
	}
	var e deflate.Encoder
	f.Fuzz(func(t *testing.T, data []byte, times uint16) {
		// Repeated, so that windows and blocks are passed as well, and pieces
		// now and then.
		most := 128 << 10
		if times%256 == 255 {
			most = mib + mib/4
		}
		if len(data) > 0 {
			data = bytes.Repeat(data, 1+int(times)%(1+most/len(data)))
		}
		packed := e.Append(nil, data)
		check(t, packed, data)
		if !bytes.Equal(packed, new(deflate.Encoder).Append(nil, data)) {
			t.Error("a used encoder differs from a fresh one")
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	std, err := flate.NewWriter(io.Discard, 6)
	if err != nil {
		b.Fatal(err)
	}
	kp, err := klauspost.NewWriter(io.Discard, 6)
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	var e deflate.Encoder
	var dst []byte
	for _, in := range inputs() {
		if len(in.data) != mib && in.name != "a small file" {
			continue
		}
		for _, c := range []struct {
			name   string
			encode func() int
		}{
			{"ours", func() int { dst = e.Append(dst[:0], in.data); return len(dst) }},
			{"go-6", func() int { out.Reset(); std.Reset(&out); std.Write(in.data); std.Close(); return out.Len() }},
			{"klauspost-6", func() int { out.Reset(); kp.Reset(&out); kp.Write(in.data); kp.Close(); return out.Len() }},
		} {
			b.Run(strings.ReplaceAll(in.name, " ", "_")+"/"+c.name, func(b *testing.B) {
				b.SetBytes(int64(len(in.data)))
				size := 0
				for b.Loop() {
					size = c.encode()
				}
				b.ReportMetric(float64(len(in.data))/float64(size), "ratio")
			})
		}
	}
}
