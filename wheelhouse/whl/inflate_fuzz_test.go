package whl

import (
	"bufio"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"testing"
)

// FuzzInflate holds the inflater beside compress/flate: the same streams are
// taken, to the same bytes and the same end. Go's takes one kind that zlib
// refuses, an incomplete code of code lengths.
func FuzzInflate(f *testing.F) {
	for kind := range 6 {
		f.Add(packed(string(sample(kind, 300, 7)), 6))
		f.Add(packed(string(sample(kind, 90, 8)), flate.HuffmanOnly))
	}
	f.Add(dynamic(lengths(258, 'a', 1, 256, 2, 257, 2), []uint8{1}).codes("0 11 0 10").b)
	f.Add(new(stream).bits(1, 8, 2, 16, 0xfffd, 16, 'h', 8, 'i', 8).b)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 4096 {
			return // unpacks to 4 MB at most
		}
		out, consumed, err := inflate(t, raw)
		in := bytes.NewReader(raw)
		want, wantErr := io.ReadAll(flate.NewReader(in))
		if err != nil {
			if wantErr == nil && err != errLengths {
				t.Fatalf("%v, but compress/flate unpacks %d bytes", err, len(want))
			}
			if !bytes.HasPrefix(want, out) && !bytes.HasPrefix(out, want) {
				t.Fatalf("other bytes before %v", err)
			}
			return
		}
		if wantErr != nil || !bytes.Equal(out, want) || consumed != int64(len(raw)-in.Len()) {
			t.Fatalf("%d bytes of %d taken; compress/flate: %d of %d, %v", len(out), consumed, len(want), len(raw)-in.Len(), wantErr)
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	for kind, name := range map[int]string{0: "noise", 1: "letters", 2: "words", 4: "skewed"} {
		data := sample(kind, 4<<20, 9)
		raw := packed(string(data), 6)
		own, std := new(Inflater), flate.NewReader(bytes.NewReader(nil))
		in := bufio.NewReaderSize(nil, 64<<10)
		b.Run(fmt.Sprintf("%s/own", name), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				own.Reset(bytes.NewReader(raw))
				if n, err := own.WriteTo(io.Discard); err != nil || n != int64(len(data)) {
					b.Fatal(n, err)
				}
			}
		})
		b.Run(fmt.Sprintf("%s/std", name), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				in.Reset(bytes.NewReader(raw))
				if err := std.(flate.Resetter).Reset(in, nil); err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, std); err != nil || n != int64(len(data)) {
					b.Fatal(n, err)
				}
			}
		})
	}
}
