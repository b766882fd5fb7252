package solver_test

import (
	"strings"
	"testing"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// FuzzFacts: whatever a page lists and METADATA says, the search ends, without
// panic, with a valid answer or a reason.
func FuzzFacts(f *testing.F) {
	f.Add("a-1.0-py3-none-any.whl\na-1.0.tar.gz", ">=3.9", "1.0", "b>=1; extra == 'x'\na[x]", "x")
	f.Add("a-1.0-1-py3-none-any.whl\na-1!2.0+cu124-cp311-cp311-linux_x86_64.whl\nA_-1-none.whl\n-.whl", "bad", "2", "b (==1.0)", "")
	f.Add("a-1-py2.py3-none-any.whl\na-1.0.0-py3-none-any.whl\na-.zip\n.tar.gz", "<4", "1", "a<1\nb @ https://files.index.test/b.whl", "X\ny")
	f.Fuzz(func(t *testing.T, files, python, version, requires, extras string) {
		page := func(n pep508.Name) *solver.Page {
			p := &solver.Page{Name: n, Index: "index.test"}
			for i, name := range strings.Split(files, "\n") {
				name = strings.Replace(name, "a", string(n), 1)
				p.Files = append(p.Files, solver.File{Name: name, RequiresPython: python, Yanked: i%5 == 4})
			}
			return p
		}
		p := problem("a[x]", "b")
		p.Builds = []solver.BuildRule{{Name: "b", CUDA: "12.4"}}
		p.AllowOld = []pep508.Name{"a", "b"}
		s, err := solver.New(p)
		if err != nil {
			t.Fatal(err)
		}
		for range 10_000 {
			o := s.Step()
			if o.State == solver.Failed {
				o.Conflict.Explain()
				return
			}
			if o.State == solver.Done {
				for _, c := range o.Solution.Packages {
					if c.File.Name == "" {
						t.Fatalf("no file: %+v", c)
					}
				}
				return
			}
			for _, k := range o.Need {
				f := solver.Fact{Missing: "404"}
				switch {
				case !k.IsPage():
					f = solver.Fact{Metadata: &solver.Metadata{
						Name: string(k.Name), Version: version, RequiresPython: python,
						RequiresDist: strings.Split(requires, "\n"), ProvidesExtra: strings.Split(extras, "\n"),
					}}
					if w := strings.Split(k.File, "-"); len(w) > 1 && len(requires)%2 == 0 {
						f.Metadata.Version = w[1]
					}
				case k.Name == "a" || k.Name == "b":
					f = solver.Fact{Page: page(k.Name)}
				}
				if err := s.Give(k, f); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Fatal("no end")
	})
}
