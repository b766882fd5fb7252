package solver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/profiles"
	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// wholeProof is the -worlds from which every profile is proved to the end;
// below it, each by so many solves.
const wholeProof, fewSolves = 20_000, 10

// level is one lag that a requirement may have: of from, and less of what is
// newer.
type level struct {
	lag  time.Duration
	from pep440.Version
}

// optimum proves that no answer to a problem has a lesser sum of lags than
// sum, by searches in the plain order with the releases of each requirement
// bounded from below by a constraint.
type optimum struct {
	t      *testing.T
	index  *universe
	p      solver.Problem // prefers order, without pre-releases of what is required
	names  []pep508.Name
	levels [][]level // of each name, freshest first
	sum    time.Duration
	cores  [][]int // levels that no answer is within; -1: whatever the level
	solves int
}

// usable is the releases of n that can be chosen as far as its page tells.
func usable(u *universe, p solver.Problem, n pep508.Name) (all []solver.File) {
	rank := tag.NewRanking(p.Target)
	python := pep440.MustParse(p.Env["python_full_version"])
	for _, f := range u.page(n).Files {
		w, err := tag.ParseWheel(f.Name)
		if err != nil || f.Yanked {
			continue
		}
		asked, err := pep440.ParseSpecifiers(f.RequiresPython)
		if _, fits := rank.Best(w); fits && err == nil && asked.Match(python) {
			all = append(all, f)
		}
	}
	return all
}

func versionOf(f solver.File) pep440.Version {
	return pep440.MustParse(strings.Split(f.Name, "-")[1])
}

// built says whether METADATA of f is of a build that p's rule for n admits.
func built(t *testing.T, u *universe, p solver.Problem, n pep508.Name, f solver.File) bool {
	for _, rule := range p.Builds {
		if rule.Name != n {
			continue
		}
		fact := u.fact(t, solver.Key{Name: n, File: f.Name})
		s, err := solver.New(p)
		if err != nil {
			t.Fatal(err)
		}
		if fact.Metadata == nil {
			return false
		}
		cuda := s.BuildOf(*fact.Metadata).CUDA
		if rule.CUDA != "" && cuda != rule.CUDA {
			return false
		}
		for _, k := range rule.Known {
			if k.CUDA == cuda && k.Versions.Match(versionOf(f)) {
				return len(k.Code.Missing(rule.Compute)) == 0
			}
		}
	}
	return true
}

// newOptimum reads the lags from pages, apart from the solver.
func newOptimum(t *testing.T, index *universe, p solver.Problem, answer *solver.Solution) *optimum {
	o := &optimum{t: t, index: index, p: p, sum: solver.Sum(answer.Lags)}
	o.p.Prefer = solver.PreferOrder
	var now time.Time
	for _, l := range answer.Lags {
		o.names = append(o.names, l.Name)
		for _, f := range usable(index, p, l.Name) {
			if f.Uploaded.After(now) {
				now = f.Uploaded
			}
		}
	}
	for i, n := range o.names {
		allowed := func(v pep440.Version) bool {
			return !slices.ContainsFunc(slices.Concat(p.Requires, p.Constraints), func(q pep508.Requirement) bool {
				return q.Name == n && q.Marker.Eval(p.Env, "") && !q.Specifiers.Match(v)
			}) && !slices.ContainsFunc(p.Exclude, func(q pep508.Requirement) bool { return q.Name == n && q.Specifiers.Match(v) })
		}
		dates := map[string]time.Time{} // by public version
		var versions []pep440.Version
		for _, f := range usable(index, p, n) {
			v := versionOf(f)
			public := v.Public()
			if v.IsPrerelease() {
				o.p.Exclude = append(o.p.Exclude, pep508.MustParse(fmt.Sprintf("%s==%s", n, v)))
			} else if allowed(v) && built(t, index, p, n, f) {
				versions = append(versions, public)
				if d := dates[public.String()]; d.IsZero() || f.Uploaded.Before(d) {
					dates[public.String()] = f.Uploaded
				}
			}
		}
		slices.SortFunc(versions, func(a, b pep440.Version) int { return b.Compare(a) })
		var ls []level
		lag, since := time.Duration(0), time.Time{}
		told := answer.Lags[i].Version.Public()
		for _, v := range slices.CompactFunc(versions, pep440.Version.Equal) {
			if !since.IsZero() {
				lag = time.Duration(now.Unix()-since.Unix()) * time.Second
			}
			if len(ls) > 0 && ls[len(ls)-1].lag == lag {
				ls[len(ls)-1].from = v
			} else {
				ls = append(ls, level{lag, v})
			}
			if d := dates[v.String()]; !d.IsZero() && (since.IsZero() || d.Before(since)) {
				since = d
			}
			if v.Equal(told) && lag != answer.Lags[i].Superseded {
				t.Errorf("%s %s is superseded for %v, told as %v", n, v, lag, answer.Lags[i].Superseded)
			}
		}
		if answer.Lags[i].Version.IsPrerelease() || len(ls) == 0 {
			t.Fatalf("%s %s: of %d levels", n, told, len(ls))
		}
		o.levels = append(o.levels, ls)
	}
	return o
}

// hasAnswer says whether there is an answer within at.
func (o *optimum) hasAnswer(at []int) bool {
	o.t.Helper()
	o.solves++
	p := o.p
	p.Constraints = slices.Clone(p.Constraints)
	for i, k := range at {
		if k >= 0 && k < len(o.levels[i])-1 {
			p.Constraints = append(p.Constraints, pep508.MustParse(fmt.Sprintf("%s>=%s", o.names[i], o.levels[i][k].from)))
		}
	}
	s, err := solver.New(p)
	if err != nil {
		o.t.Fatal(err)
	}
	got := o.index.run(o.t, s, giveAll)
	if got.State == solver.Failed && got.Conflict.What != "no releases meet all the requirements" {
		o.t.Fatalf("neither yes nor no: %s", got.Conflict.What)
	}
	return got.State == solver.Done
}

func (o *optimum) lag(at []int) (sum time.Duration) {
	for i, k := range at {
		sum += o.levels[i][k].lag
	}
	return sum
}

// prove looks at all levels of a lesser sum; false: it did not come to the
// end. Those without an answer within a core are passed over, each core was
// solved on its own.
func (o *optimum) prove(most int) bool {
	o.t.Helper()
	open, seen := [][]int{make([]int, len(o.names))}, map[string]bool{}
	for len(open) > 0 {
		at := open[len(open)-1]
		if o.lag(at) >= o.sum {
			open = open[:len(open)-1]
			continue
		}
		within := slices.IndexFunc(o.cores, func(c []int) bool {
			for i, k := range c {
				if k >= 0 && at[i] > k {
					return false
				}
			}
			return true
		})
		if within < 0 {
			if o.solves >= most {
				return false
			}
			o.widest(slices.Clone(at))
			continue
		}
		open = open[:len(open)-1]
		for i, k := range o.cores[within] {
			if k < 0 || k+1 >= len(o.levels[i]) {
				continue
			}
			next := slices.Clone(at)
			if next[i] = k + 1; !seen[fmt.Sprint(next)] {
				seen[fmt.Sprint(next)] = true
				open = append(open, next)
			}
		}
	}
	return true
}

// widest goes up from at to a maximal choice of levels whose sum is still
// less, shows that it has no answer, and widens it to a core.
func (o *optimum) widest(at []int) {
	o.t.Helper()
	for i := range at {
		for at[i]++; at[i] < len(o.levels[i]) && o.lag(at) < o.sum; at[i]++ {
		}
		at[i]--
	}
	if o.hasAnswer(at) {
		o.t.Fatalf("an answer within %v of %v: less than %v", at, o.names, o.sum)
	}
	for i := range at {
		kept, top := at[i], len(o.levels[i])-1
		if at[i] = -1; !o.hasAnswer(at) {
			continue
		}
		for kept+1 < top { // no answer up to kept, one at top
			half := (kept + top) / 2
			if at[i] = half; o.hasAnswer(at) {
				top = half
			} else {
				kept = half
			}
		}
		at[i] = kept
	}
	o.cores = append(o.cores, at)
}

// TestOptimum: for every shipped profile no answer of the recorded index has a
// lesser sum of lags than the freshest set.
func TestOptimum(t *testing.T) {
	index := recording(t)
	proved := 0
	for _, profile := range profiles.Names() {
		p := recordedProblem(t, profile)
		index.share(t, p)
		s, err := solver.New(p)
		if err != nil {
			t.Fatal(err)
		}
		got := index.run(t, s, giveAll)
		if got.State != solver.Done {
			t.Logf("%s: %s", profile, got.Conflict.What)
			continue
		}
		most := fewSolves
		if *worlds >= wholeProof {
			most = 1 << 30
		}
		o := newOptimum(t, index, p, got.Solution)
		began := time.Now()
		whole := o.prove(most)
		if whole != (most > fewSolves || o.sum == 0) {
			t.Errorf("%s: proved to the end %v by %d searches", profile, whole, o.solves)
		}
		proved += len(o.cores)
		t.Logf("%s: %.1f days, found by %d searches and %d cores; proved to the end %v by %d searches and %d cores in %v",
			profile, o.sum.Hours()/24, got.Solution.Searched.Solves, got.Solution.Searched.Cores, whole, o.solves, len(o.cores), time.Since(began).Round(time.Millisecond))
	}
	if proved == 0 {
		t.Error("no profile has a core")
	}
}
