package tag_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"wheelwright/solver/tag"
)

func TestParseWheel(t *testing.T) {
	w, err := tag.ParseWheel("Foo.Bar_baz-2.6.0%2Bcu124-2-cp311.cp312-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "foo-bar-baz" || w.Version != "2.6.0+cu124" || w.Build != "2" || len(w.Tags()) != 4 {
		t.Errorf("got %+v", w)
	}
	if got := w.Tags()[1].String(); got != "cp311-abi3-manylinux2014_x86_64" {
		t.Errorf("second tag %s", got)
	}
	if w, err := tag.ParseWheel("foo-1%212.0-py3-none-any.whl"); err != nil || w.Version != "1!2.0" {
		t.Errorf("an encoded epoch: %+v, %v", w, err)
	}
	for _, bad := range []string{"foo-1.0-py3-none-../any.whl", `foo-1.0-py3-none-a\b.whl`, "foo-1.0-py3-none-any\x00.whl", strings.Repeat("-", 1<<16) + ".whl",
		"foo-1.0-" + strings.Repeat("a.", 4000) + "a-" + strings.Repeat("b.", 4000) + "b-" + strings.Repeat("c.", 4000) + "c.whl"} {
		if _, err := tag.ParseWheel(bad); err == nil {
			t.Errorf("ParseWheel(%.40q) takes it", bad)
		} else if len(err.Error()) > 1000 {
			t.Errorf("ParseWheel(%.40q): an error of %d bytes", bad, len(err.Error()))
		}
	}
}

var targets = []tag.Target{
	{Python: tag.Python{Major: 3, Minor: 11}, Machine: "x86_64", Glibc: [2]int{2, 28}},
	{Python: tag.Python{Major: 3, Minor: 13, FreeThreaded: true}, Machine: "aarch64", Glibc: [2]int{2, 39}},
	{Python: tag.Python{Major: 3, Minor: 9}, Machine: "x86_64", Musl: [2]int{1, 2}},
	{Python: tag.Python{Major: 3, Minor: 12, FreeThreaded: true}, Machine: "x86_64"},
}

func TestRankingAgreesWithTags(t *testing.T) {
	for _, target := range targets {
		r := tag.NewRanking(target)
		all := target.Tags()
		if r.Len() != len(all) {
			t.Errorf("%+v: %d ranks for %d tags", target, r.Len(), len(all))
		}
		for i, x := range all {
			w := tag.Wheel{Interpreters: []string{x.Interpreter}, ABIs: []string{x.ABI}, Platforms: []string{x.Platform}}
			if rank, ok := r.Best(w); !ok || rank != i {
				t.Errorf("%+v: %s has rank %d, %v, want %d", target, x, rank, ok, i)
			}
		}
	}
}

// Best of a compressed set is the least index in Target.Tags of any of its tags.
func TestBestOfSets(t *testing.T) {
	for _, target := range targets {
		r := tag.NewRanking(target)
		index := map[tag.Tag]int{}
		for i, x := range target.Tags() {
			index[x] = i
		}
		for _, file := range []string{
			"a-1-py2.py3-none-any.whl", "a-1-cp311.cp39.cp313-none.abi3.cp313t.abi3t-any.manylinux1_x86_64.whl", "a-1-cp311-cp311-any.whl",
			"a-1-py3.cp39-none-musllinux_1_1_x86_64.any.whl", "a-1-cp313-cp313t-manylinux_2_17_aarch64.manylinux2014_aarch64.whl",
			"a-1-cp312-cp312-win_amd64.whl", "a-1-py2-none-any.whl", "a-1-cp36.py3-abi3.none-linux_x86_64.linux_aarch64.whl", "a-1-cp312-abi3-any.whl",
		} {
			w, err := tag.ParseWheel(file)
			if err != nil {
				t.Fatal(err)
			}
			want := math.MaxInt
			for _, x := range w.Tags() {
				if i, ok := index[x]; ok {
					want = min(want, i)
				}
			}
			rank, ok := r.Best(w)
			if ok != (want < math.MaxInt) || ok && rank != want {
				t.Errorf("%s for %+v: %d, %v, want %d", file, target, rank, ok, want)
			}
		}
	}
}

func TestBestAllocatesNothing(t *testing.T) {
	r := tag.NewRanking(targets[0])
	w, _ := tag.ParseWheel("torch-2.6.0-cp311.cp312-cp311.none-manylinux1_x86_64.any.whl")
	if n := testing.AllocsPerRun(100, func() { r.Best(w) }); n != 0 {
		t.Errorf("Best allocates %v times", n)
	}
}

func FuzzParseWheel(f *testing.F) {
	for _, s := range []string{"foo-1.0-py3-none-any.whl", "Foo.Bar-1%2Bx-1a-cp311.cp312-abi3-manylinux1_x86_64.any.whl", "a-1-1-1-1-1.whl", "-----.whl"} {
		f.Add(s)
	}
	r := tag.NewRanking(targets[0])
	f.Fuzz(func(t *testing.T, s string) {
		w, err := tag.ParseWheel(s)
		if err != nil {
			return
		}
		name := strings.ReplaceAll(w.Name, "-", "_")
		parts := []string{name, w.Version}
		if w.Build != "" {
			parts = append(parts, w.Build)
		}
		parts = append(parts, strings.Join(w.Interpreters, "."), strings.Join(w.ABIs, "."), strings.Join(w.Platforms, "."))
		again, err := tag.ParseWheel(strings.Join(parts, "-") + ".whl")
		if err != nil || again.Name != w.Name || again.Build != w.Build || len(again.Tags()) != len(w.Tags()) {
			t.Fatalf("ParseWheel(%q) = %+v, which reads as %+v, %v", s, w, again, err)
		}
		if rank, ok := r.Best(w); ok && (rank < 0 || rank >= r.Len()) {
			t.Fatalf("%q has rank %d of %d", s, rank, r.Len())
		}
	})
}

func FuzzCompareBuild(f *testing.F) {
	f.Add("1", "01", "1a")
	f.Add("", "0", "99999999999999999999")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		builds := []string{a, b, c}
		slices.SortFunc(builds, tag.CompareBuild)
		for i, x := range builds {
			for j, y := range builds {
				if got := tag.CompareBuild(x, y); got != -tag.CompareBuild(y, x) || i < j && got > 0 {
					t.Fatalf("%q and %q compare as %d and %d", x, y, got, tag.CompareBuild(y, x))
				}
			}
		}
	})
}

func BenchmarkBest(b *testing.B) {
	r := tag.NewRanking(targets[0])
	var wheels []tag.Wheel
	for _, s := range []string{"a-1-py3-none-any.whl", "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "a-1-cp312-cp312-win_amd64.whl", "a-1-cp39-abi3-manylinux_2_28_x86_64.whl"} {
		w, err := tag.ParseWheel(s)
		if err != nil {
			b.Fatal(err)
		}
		wheels = append(wheels, w)
	}
	b.ReportAllocs()
	for i := range b.N {
		r.Best(wheels[i%len(wheels)])
	}
}

func BenchmarkParseWheel(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		if _, err := tag.ParseWheel("numpy-2.1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"); err != nil {
			b.Fatal(err)
		}
	}
}
