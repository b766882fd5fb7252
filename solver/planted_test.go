package solver_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"wheelwright/solver"
)

// A planted problem needs learning: plain backtracking does not end.
type planted struct {
	name string
	make func() (*universe, []string)
	want solver.State
}

// Bounds of the issue on every planted problem.
const (
	maxDecisions = 2_000
	maxVisits    = 5_000_000 // looks at a clause: some 100 ms
	maxTime      = 100 * time.Millisecond
)

var plantedProblems = []planted{
	{"ladder", func() (*universe, []string) { return crowd(ladder) }, solver.Failed},
	{"windows", func() (*universe, []string) { return crowd(windows) }, solver.Failed},
	{"chain", func() (*universe, []string) { return crowd(farChain) }, solver.Failed},
	{"circles", func() (*universe, []string) { return crowd(circles) }, solver.Failed},
	{"pins", func() (*universe, []string) { return crowd(pins) }, solver.Failed},
	{"sudoku escargot", func() (*universe, []string) { return sudoku(escargot, false) }, solver.Done},
	{"sudoku escargot, peers", func() (*universe, []string) { return sudoku(escargot, true) }, solver.Done},
	{"sudoku inkala", func() (*universe, []string) { return sudoku(inkala, false) }, solver.Done},
	{"sudoku without a solution", func() (*universe, []string) { return sudoku(spoiled, false) }, solver.Failed},
	{"sudoku without a solution, peers", func() (*universe, []string) { return sudoku(spoiled, true) }, solver.Failed},
	{"sudoku norvig", func() (*universe, []string) { return sudoku(impossible, false) }, solver.Failed},
	{"sudoku norvig, peers", func() (*universe, []string) { return sudoku(impossible, true) }, solver.Failed},
}

const crowdSize, crowdVersions = 200, 200

// A core is packages by place in the queue, each with what its release v requires.
type core map[int]func(v int) []string

func member(i int) string { return fmt.Sprintf("p%03d", i) }

// crowd is 200 packages of 200 releases, all asked for: those of the core, and
// others that only ask for a release of the newer half of some later ones.
func crowd(plant func() core) (*universe, []string) {
	r := rand.New(rand.NewPCG(3, 3))
	u, c := newUniverse(), plant()
	var ask []string
	for i := range crowdSize {
		ask = append(ask, member(i))
		var with []int
		for j := i + 1; j < crowdSize && len(with) < 2; j += 1 + r.IntN(20) {
			if c[j] == nil {
				with = append(with, j)
			}
		}
		for v := 1; v <= crowdVersions; v++ {
			var rs []string
			if of := c[i]; of != nil {
				rs = of(v)
			}
			for _, j := range with {
				rs = append(rs, fmt.Sprintf("%s>=%d", member(j), v/2))
			}
			u.add(member(i), fmt.Sprint(v), rs...)
		}
	}
	return u, ask
}

// ladder: four in a circle, each wants the next one newer than itself.
func ladder() core {
	at := []int{12, 70, 130, 190}
	c := core{}
	for i, p := range at {
		next := member(at[(i+1)%len(at)])
		c[p] = func(v int) []string { return []string{fmt.Sprintf("%s>%d", next, v)} }
	}
	return c
}

// windows: the releases of two want ever narrower ranges of a third, which
// never meet.
func windows() core {
	return core{
		20:  func(v int) []string { return []string{fmt.Sprintf("p100>=%d", 101+v/4)} },
		180: func(v int) []string { return []string{fmt.Sprintf("p100<=%d", 99-v/4)} },
		100: func(int) []string { return nil },
	}
}

// farChain: the cause stands first in the queue, six links from where it shows.
func farChain() core {
	c := core{3: func(v int) []string { return []string{fmt.Sprintf("p150<=%d", 99-v%7)} }, 150: func(int) []string { return nil }}
	at := []int{40, 60, 80, 90, 160, 195}
	for i, p := range at {
		if i+1 < len(at) {
			next := member(at[i+1])
			c[p] = func(v int) []string { return []string{fmt.Sprintf("%s>=%d", next, v/2)} }
		} else {
			c[p] = func(v int) []string { return []string{fmt.Sprintf("p150>=%d", 100+v%5)} }
		}
	}
	return c
}

// circles: three in a circle, each wants one release of the next, and going
// round never comes back to where it began.
func circles() core {
	r := rand.New(rand.NewPCG(5, 5))
	f, g := r.Perm(crowdVersions), r.Perm(crowdVersions)
	h := make([]int, crowdVersions)
	for v := range crowdVersions {
		h[g[f[v]]] = (v + 1) % crowdVersions
	}
	pin := func(next string, m []int) func(int) []string {
		return func(v int) []string { return []string{fmt.Sprintf("%s==%d", next, m[v-1]+1)} }
	}
	return core{10: pin("p110", f), 110: pin("p199", g), 199: pin("p010", h)}
}

// pins: one wants an even release of a third, the other an odd one.
func pins() core {
	return core{
		30:  func(v int) []string { return []string{fmt.Sprintf("p120==%d", 2*((v+1)/2))} },
		170: func(v int) []string { return []string{fmt.Sprintf("p120==%d", 2*((v+1)/2)-1)} },
		120: func(int) []string { return nil },
	}
}

const (
	escargot   = "1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...3.."
	inkala     = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
	spoiled    = "1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...38."
	impossible = ".....5.8....6.1.43..........1.5........1.6...3.......553.....61........4........."
)

// sudoku is 81 cells as packages of nine releases. With peers, a release
// refuses its own number in the cells of its row, column and box; otherwise
// each row, column and box has a package for each number, whose release is the
// place of that number in it, and cell and place require each other.
func sudoku(clues string, peers bool) (*universe, []string) {
	u := newUniverse()
	cell := func(at int) string { return fmt.Sprintf("r%dc%d", at/9+1, at%9+1) }
	units := func(at int) [3][2]int { // number and place
		row, col := at/9, at%9
		return [3][2]int{{row, col}, {9 + col, row}, {18 + row/3*3 + col/3, row%3*3 + col%3}}
	}
	unit := func(n, digit int) string {
		return fmt.Sprintf("%s%d-has-%d", []string{"row", "column", "box"}[n/9], n%9+1, digit)
	}
	var ask []string
	for at := range 81 {
		ask = append(ask, cell(at))
		if c := clues[at]; c != '.' {
			ask[at] += "==" + string(c)
		}
		for digit := 1; digit <= 9; digit++ {
			var rs []string
			for other := range 81 {
				a, b := units(at), units(other)
				if peers && at != other && (a[0][0] == b[0][0] || a[1][0] == b[1][0] || a[2][0] == b[2][0]) {
					rs = append(rs, fmt.Sprintf("%s!=%d", cell(other), digit))
				}
			}
			if !peers {
				for _, n := range units(at) {
					rs = append(rs, fmt.Sprintf("%s==%d", unit(n[0], digit), n[1]+1))
					u.add(unit(n[0], digit), fmt.Sprint(n[1]+1), fmt.Sprintf("%s==%d", cell(at), digit))
				}
			}
			u.add(cell(at), fmt.Sprint(digit), rs...)
		}
	}
	return u, ask
}

// grid is the chosen numbers of a sudoku.
func grid(s *solver.Solution) string {
	cells := make([]byte, 81)
	for _, p := range s.Packages {
		var row, col int
		if n, _ := fmt.Sscanf(string(p.Name), "r%dc%d", &row, &col); n == 2 {
			cells[(row-1)*9+col-1] = p.Version.String()[0]
		}
	}
	return string(cells)
}

// TestPlanted: problems that need learning end within a bounded number of
// decisions. That there is no answer is found as soon where the freshest is
// looked for, with a date for every release.
func TestPlanted(t *testing.T) {
	for _, c := range plantedProblems {
		t.Run(c.name, func(t *testing.T) {
			u, ask := c.make()
			o := solvePlanted(t, u, ask, solver.PreferOrder)
			if o.State != c.want || o.Conflict != nil && strings.Contains(o.Conflict.What, "given up") {
				t.Fatalf("state %v, want %v: %s", o.State, c.want, strings.Join(show(o), "\n"))
			}
			if o.State == solver.Done {
				if strings.HasPrefix(c.name, "sudoku") {
					checkGrid(t, grid(o.Solution))
				}
				return
			}
			for _, page := range u.pages {
				for i := range page.Files {
					page.Files[i].Uploaded = newYear.AddDate(0, 0, i)
				}
			}
			if o := solvePlanted(t, u, ask, solver.PreferFreshest); o.State != c.want || strings.Contains(o.Conflict.What, "given up") {
				t.Fatalf("freshest: state %v, want %v, proved", o.State, c.want)
			}
		})
	}
}

func solvePlanted(t *testing.T, u *universe, ask []string, prefer solver.Prefer) solver.Outcome {
	t.Helper()
	p := problem(ask...)
	p.Prefer = prefer
	s, err := solver.New(p)
	if err != nil {
		t.Fatal(err)
	}
	s.Limit(maxVisits)
	start := time.Now()
	o := u.run(t, s, giveAll)
	d, conflicts, visits := s.Work()
	t.Logf("%s: %d decisions, %d conflicts, %d visits, %v", prefer, d, conflicts, visits, time.Since(start).Round(time.Millisecond))
	if d > maxDecisions || visits > maxVisits {
		t.Errorf("%s: %d decisions, %d visits, want at most %d, %d", prefer, d, visits, maxDecisions, maxVisits)
	}
	return o
}

func checkGrid(t *testing.T, g string) {
	t.Helper()
	for i := range 81 {
		for j := range i {
			box := i/27 == j/27 && i%9/3 == j%9/3
			if (i/9 == j/9 || i%9 == j%9 || box) && g[i] == g[j] {
				t.Fatalf("cells %d and %d are both %c: %s", j, i, g[i], g)
			}
		}
	}
}

// BenchmarkPlanted is each planted problem from facts at hand; an iteration
// should take less than maxTime.
func BenchmarkPlanted(b *testing.B) {
	for _, c := range plantedProblems {
		b.Run(c.name, func(b *testing.B) {
			u, ask := c.make()
			p := problem(ask...)
			p.Prefer = solver.PreferOrder
			b.ReportAllocs()
			var decisions int
			for b.Loop() {
				s, _ := solver.New(p)
				u.run(b, s, giveAll)
				decisions, _, _ = s.Work()
			}
			b.ReportMetric(float64(decisions), "decisions")
			if per := b.Elapsed() / time.Duration(b.N); per > maxTime {
				b.Logf("%v an iteration, more than %v", per, maxTime)
			}
		})
	}
}
