package solver_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/solver"
)

// TestTold: what an answer or a conflict tells, in worlds of a few lines.
func TestTold(t *testing.T) {
	const world = `
sp 1.0 {sdist}
sp 1.0.0 {wheels cp312-cp312-any}
sp 1.00 {wheels cp310-cp310-any}
up 2.0 {date 2026-06-01} -> dep>=2
up 1.0 {date 2026-01-01}
dep 2.0 {date 2026-07-01}
dep 1.0 {date 2026-01-01}
noname 1.0 {wheels py3--any}
url 1.0 {extras x} -> dep @ https://files.index.test/dep-1.0-py3-none-any.whl ; extra == "x"
ov 1.0 {extras x} -> dep==1.0 ; extra == "x"
esc 2.0 {python ===` + "\x1b[2J" + `}
esc 1.0 -> dep===` + "\u202e1" + `
yan 1.0 {yanked ` + "a\u009b2Jb" + `}
`
	for _, c := range []struct{ ask, want string }{
		// One version in three spellings: each has its part in the reason.
		{"ask sp", "because sp 1.0 has no wheel for CPython 3.11 on x86_64 glibc 2.28 (it has cp310-cp310-any, cp312-cp312-any) [index index.test]"},
		// What the lock keeps is told where it holds back what may move.
		{"ask up | dep\nkeep dep==1.0", "lag because up 2.0 requires dep>=2\nlag because the lock keeps dep 1.0"},
		{"ask up | dep\nkeep dep==1.0\nwhy up", "not 2.0: it requires dep>=2; the lock keeps dep 1.0"},
		// A file whose name names no wheel is no release.
		{"ask noname", "because you require noname, and noname has no wheel or source distribution on index.test"},
		// An extra that cannot be had can be done without, whatever is wrong with it.
		{"ask url[x]", "way: do without the extra x of url"},
		{"ask ov[x]\noverride dep==9", "way: take the override of dep away\nway: do without the extra x of ov"},
		// What an index or METADATA says moves no cursor.
		{"ask esc>=2", `because esc 2.0 requires Python ===\x1b[2J (the target is 3.11.0)`},
		{"ask esc<2", `because esc 1.0 requires dep===\u202e1, and there is no such release`},
		{"ask yan", "because yan 1.0 is yanked (a 2Jb)"},
	} {
		u, err := readUniverse(world + "case\n" + c.ask + "\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(u.answer(t, u.cases[0], giveAll), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: not told: %s", c.ask, cmp.Diff(c.want, got))
		}
	}
}

// TestGivenUp: a search that is given up says whether there is an answer.
func TestGivenUp(t *testing.T) {
	for holes, want := range map[int]string{8: "neither an answer nor a proof", 9: "there is an answer"} {
		u, ask := pigeons(9, holes)
		s, err := solver.New(problem(ask...))
		if err != nil {
			t.Fatal(err)
		}
		s.Limit(400_000)
		o := u.run(t, s, giveAll)
		if o.State != solver.Failed || !strings.Contains(o.Conflict.What, want) {
			t.Errorf("%d holes: %+v", holes, show(o))
		}
		if freshest := strings.Contains(o.Conflict.Next, "prefer: order"); freshest != (holes == 9) {
			t.Errorf("%d holes: next %q", holes, o.Conflict.Next)
		}
	}
}
