package builder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"wheelwright/solver"
)

// Bounds of the look for ways out of a conflict: how many are tried, how many
// are told, and for how long in all.
const (
	limitTried = 12
	limitWays  = 3
	limitLook  = 20 * time.Second
)

// attempt is a way to be tried: the changes made so far, each told by the
// answer to the last one's problem.
type attempt struct {
	problem solver.Problem
	told    []func(*solver.Solution) string
}

// waysOut are changes seen to cure c, which ended x: one change each, or two
// where no single one cures it. What cannot be read, and what is not known in
// time, is left out.
func (b *Builder) waysOut(ctx context.Context, x *search, c *solver.Conflict) []string {
	ctx, cancel := context.WithTimeout(ctx, limitLook)
	defer cancel()
	var found []string
	tried := 0
	next := b.attempts(attempt{problem: x.problem}, c)
	for depth := 1; depth <= 2 && len(found) == 0; depth++ {
		now := next
		next = nil
		for _, w := range now {
			if tried == limitTried || len(found) == limitWays || ctx.Err() != nil {
				return found
			}
			tried++
			out, err := b.solveAgain(ctx, x, w.problem)
			switch {
			case err != nil:
			case out.State == solver.Failed:
				next = append(next, b.attempts(w, out.Conflict)...)
			default:
				if text := w.text(out.Solution); !slices.Contains(found, text) {
					found = append(found, text)
				}
			}
		}
	}
	return found
}

// solveAgain solves another problem from the same facts; for another target from
// pages that have its files too.
func (b *Builder) solveAgain(ctx context.Context, x *search, p solver.Problem) (solver.Outcome, error) {
	from := x.from
	if fmt.Sprint(p.Target) != fmt.Sprint(x.problem.Target) {
		o := b.clientOptions()
		o.Targets = nil
		whole, err := x.session.routes(b.settings, o)
		if err != nil {
			return solver.Outcome{}, err
		}
		from = whole
	}
	y, err := newSearch(ctx, p, from, x.session, x.undated)
	if err != nil {
		return solver.Outcome{}, err
	}
	defer y.end()
	y.inPlace(x.atHand)
	return y.drive(y.Step)
}

// attempts are what c, met at before, says may cure it.
func (b *Builder) attempts(before attempt, c *solver.Conflict) (out []attempt) {
	for _, w := range c.Ways {
		out = append(out, attempt{w.Problem, append(slices.Clone(before.told), b.words(before.problem, w))})
	}
	return out
}

// text is the whole change in words.
func (a attempt) text(s *solver.Solution) string {
	var parts []string
	for _, told := range a.told {
		parts = append(parts, told(s))
	}
	return strings.Join(parts, " and ")
}

// words tells one change as the user would make it: a flag, or a shipped
// profile where one is for the same GPUs.
func (b *Builder) words(before solver.Problem, w solver.Way) func(*solver.Solution) string {
	say := func(format string, args ...any) func(*solver.Solution) string {
		text := fmt.Sprintf(format, args...)
		return func(*solver.Solution) string { return text }
	}
	if now := w.Problem.Target.Python; now != before.Target.Python {
		return say("take Python %d.%d with --python %[1]d.%[2]d", now.Major, now.Minor)
	}
	if cuda := cudaOf(w.Problem); cuda != "" && cuda != cudaOf(before) {
		other, alike, shipped := b.Profile.WithCUDA(cuda)
		switch {
		case alike:
			return say("use profile %s", other.Name)
		case shipped:
			return say("set gpu.cuda: %q, as profile %s does", cuda, other.Name)
		}
		return say("set gpu.cuda: %q", cuda)
	}
	return w.Text
}

// cudaOf is the CUDA release that a problem asks for; empty: any.
func cudaOf(p solver.Problem) string {
	if len(p.Builds) == 0 {
		return ""
	}
	return p.Builds[0].CUDA
}
