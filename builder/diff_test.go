package builder

import (
	"testing"

	"wheelwright/solver/lock"
)

func TestDiffRows(t *testing.T) {
	const a, b = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	for _, c := range []struct {
		change lock.Change
		want   [3]string
	}{
		{lock.Change{Kind: lock.Added, To: "1"}, [3]string{"added", "n", "1"}},
		{lock.Change{Kind: lock.Added, To: "1", ToCUDA: "12.4"}, [3]string{"added", "n", "1, CUDA 12.4"}},
		{lock.Change{Kind: lock.Removed, From: "1", FromCUDA: "12.4"}, [3]string{"removed", "n", "1, CUDA 12.4"}},
		{lock.Change{Kind: lock.Version, From: "1", To: "2"}, [3]string{"up", "n", "1 -> 2"}},
		{lock.Change{Kind: lock.Version, From: "2", To: "1", FromCUDA: "12.4"}, [3]string{"down", "n", "2 -> 1, CUDA 12.4 -> none"}},
		{lock.Change{Kind: lock.Version, From: "1+cu118", To: "1+cu124", FromCUDA: "11.8", ToCUDA: "12.4"}, [3]string{"version", "n", "1+cu118 -> 1+cu124, CUDA 11.8 -> 12.4"}},
		{lock.Change{Kind: lock.Files, From: "a.whl", To: "b.whl"}, [3]string{"file", "n", "a.whl -> b.whl"}},
		{lock.Change{Kind: lock.Files, From: "a.whl, b.whl, c.whl", To: "b.whl, d.whl"}, [3]string{"file", "n", "-a.whl -c.whl +d.whl"}},
		{lock.Change{Kind: lock.Hash, From: a, To: b, File: "a.whl"}, [3]string{"hash", "n", "a.whl: sha256 aaaaaaaaaaaa… -> bbbbbbbbbbbb…"}},
		{lock.Change{Kind: lock.Build, From: "12.4", FromCUDA: "12.4"}, [3]string{"build", "n", "CUDA 12.4 -> none"}},
		{lock.Change{Kind: lock.Needs, From: "a", To: "b, c"}, [3]string{"needs", "n", "-a +b +c"}},
		{lock.Change{Kind: lock.Marker, To: "x"}, [3]string{"marker", "n", "always -> x"}},
	} {
		c.change.Name = "n"
		if got := entry(c.change).Row(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.change, got, c.want)
		}
	}
}
