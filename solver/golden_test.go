package solver_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/universe")

// How many questions there are at least, and how many of them have no answer.
const minCases, minConflicts = 150, 50

// TestUniverses: each question of testdata/universe has its answer, however
// the facts come.
func TestUniverses(t *testing.T) {
	paths, err := filepath.Glob("../testdata/universe/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no universes: %v", err)
	}
	cases, conflicts := 0, 0
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			u := loadUniverse(t, path)
			answers := map[int][]string{}
			for i, q := range u.cases {
				got := u.answer(t, q, giveAll)
				answers[q.at] = got
				cases++
				if len(got) > 1 && strings.HasPrefix(got[0], "no: ") && strings.HasPrefix(got[1], "because ") {
					conflicts++
				}
				if d := cmp.Diff(q.want, got); d != "" && !*update {
					t.Errorf("%s (-want +got):\n%s", q.text, d)
				}
				if d := cmp.Diff(got, u.answer(t, q, giveBlocking)); d != "" {
					t.Errorf("%s: differs when only what blocks is given (-all +blocking):\n%s", q.text, d)
				}
				for seed := range 5 {
					r := rand.New(rand.NewPCG(uint64(i), uint64(seed)))
					if d := cmp.Diff(got, u.answer(t, q, giveSome(r))); d != "" {
						t.Errorf("%s: differs with the order of facts (-all +some):\n%s", q.text, d)
					}
				}
			}
			if !*update {
				return
			}
			var out strings.Builder
			for i, l := range u.lines {
				if l != "=" {
					out.WriteString(l + "\n")
				}
				for _, a := range answers[i] {
					out.WriteString("= " + a + "\n")
				}
			}
			if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
	if cases < minCases || conflicts < minConflicts {
		t.Errorf("%d questions, %d with an explanation; want %d and %d", cases, conflicts, minCases, minConflicts)
	}
	t.Logf("%d questions, %d with an explanation", cases, conflicts)
}
