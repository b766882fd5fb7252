package layer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

// BenchmarkLayer works a layer out, then makes its bytes again with its digest
// known: one large member that deflate makes little of, and many small ones.
func BenchmarkLayer(b *testing.B) {
	small := make([][2]string, 2000)
	for i := range small {
		small[i] = [2]string{fmt.Sprintf("alpha/m%04d.py", i), fmt.Sprintf("def f%d(x):\n    return x + %d\n", i, i*7919)}
	}
	for name, wheel := range map[string][]byte{
		"heavy": zipped([2]string{"alpha/lib.so", noise(8<<20) + string(make([]byte, 8<<20))}),
		"small": zipped(small...),
	} {
		recipe := func() *Recipe {
			w, err := whl.Open(bytes.NewReader(wheel), int64(len(wheel)), "alpha-1.0-py3-none-any.whl")
			if err != nil {
				b.Fatal(err)
			}
			placed, err := spread.Spread(w, spread.Scheme{Prefix: "/opt/env", Python: "3.11"})
			if err != nil {
				b.Fatal(err)
			}
			r, err := NewRecipe(FromSpread(w, placed))
			if err != nil {
				b.Fatal(err)
			}
			return r
		}
		b.Run("sum/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(wheel)))
			for b.Loop() {
				if _, err := recipe().Sum(context.Background(), Gzip, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("bytes/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(wheel)))
			for b.Loop() {
				if err := Gzip.write(context.Background(), recipe(), io.Discard, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
