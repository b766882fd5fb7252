package builder

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wheelwright/fault"
	"wheelwright/profiles"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// world answers from memory; a name in fail cannot be read.
type world struct {
	pages map[pep508.Name][]string // versions, each a py3-none-any wheel
	needs map[string][]string      // "name-version" -> Requires-Dist
	fail  map[string]error         // page name or "name-version"
	delay func(key string) time.Duration
}

func (w world) Page(ctx context.Context, name pep508.Name) (solver.Fact, error) {
	if err := w.wait(ctx, string(name)); err != nil {
		return solver.Fact{}, err
	}
	versions, ok := w.pages[name]
	if !ok {
		return solver.Fact{Missing: "nobody has " + string(name)}, nil
	}
	p := solver.Page{Name: name, Index: "world"}
	for _, v := range versions {
		p.Files = append(p.Files, solver.File{Name: string(name) + "-" + v + "-py3-none-any.whl", SHA256: strings.Repeat("0", 64), URL: "https://index.test/x"})
	}
	return solver.Fact{Page: &p}, nil
}

func (w world) Metadata(ctx context.Context, name pep508.Name, f solver.File) (solver.Fact, error) {
	v := strings.TrimSuffix(strings.TrimPrefix(f.Name, string(name)+"-"), "-py3-none-any.whl")
	key := string(name) + "-" + v
	if err := w.wait(ctx, key); err != nil {
		return solver.Fact{}, err
	}
	return solver.Fact{Metadata: &solver.Metadata{Name: string(name), Version: v, RequiresDist: w.needs[key]}}, nil
}

func (w world) Direct(context.Context, pep508.Requirement) (solver.Page, error) {
	return solver.Page{}, errors.New("no direct reference here")
}

func (w world) wait(ctx context.Context, key string) error {
	if w.delay != nil {
		select {
		case <-time.After(w.delay(key)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return w.fail[key]
}

// solve resolves one requirement on a and gives what was chosen.
func solve(t *testing.T, ctx context.Context, w world) (string, error) {
	t.Helper()
	requires := []pep508.Requirement{pep508.MustParse("a")}
	problem := solver.Problem{
		Requires: requires, Prefer: solver.PreferOrder, Prerelease: solver.PrereleaseIfNecessary,
		Target: tag.Target{Python: tag.Python{Major: 3, Minor: 11}, Machine: "x86_64", Glibc: [2]int{2, 28}},
		Env:    pep508.NewEnv("3.11.0", "x86_64"),
	}
	x, err := newSearch(ctx, problem, w, &Session{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.end()
	out, err := x.drive(x.Step)
	if err != nil {
		return "", err
	}
	if out.State == solver.Failed {
		return "", (&Builder{}).unsolved(ctx, x, out.Conflict)
	}
	var got []string
	for _, p := range out.Solution.Packages {
		got = append(got, string(p.Name)+" "+p.Version.String())
	}
	return strings.Join(got, ", "), nil
}

func twoReleases() world {
	return world{
		pages: map[pep508.Name][]string{"a": {"1", "2"}, "b": {"1", "2", "3"}},
		needs: map[string][]string{"a-2": {"b<3"}, "a-1": {"b<2"}},
	}
}

func TestResolveDoesNotDependOnTiming(t *testing.T) {
	for seed := range 40 {
		synctest.Test(t, func(t *testing.T) {
			w := twoReleases()
			w.delay = func(key string) time.Duration {
				return time.Duration((len(key)*31+int(key[len(key)-1])*seed)%17) * time.Millisecond
			}
			if got, err := solve(t, t.Context(), w); err != nil || got != "a 2, b 2" {
				t.Errorf("seed %d: %q, %v", seed, got, err)
			}
		})
	}
}

func TestResolveFailsOnlyOnWhatItNeeds(t *testing.T) {
	down := fault.New(fault.Temporary, "cut")
	w := twoReleases()
	w.fail = map[string]error{"a-1": down, "b-1": down, "b-3": down} // never needed
	if got, err := solve(t, t.Context(), w); err != nil || got != "a 2, b 2" {
		t.Errorf("asked ahead in vain: %q, %v", got, err)
	}
	w.fail = map[string]error{"b-2": down}
	if _, err := solve(t, t.Context(), w); fault.KindOf(err) != fault.Temporary {
		t.Errorf("needed METADATA cannot be read: %v", err)
	}
	w.fail = map[string]error{"b": down}
	if _, err := solve(t, t.Context(), w); fault.KindOf(err) != fault.Temporary {
		t.Errorf("needed page cannot be read: %v", err)
	}
}

func TestResolveConflictHasThreeParts(t *testing.T) {
	w := twoReleases()
	delete(w.pages, "b")
	_, err := solve(t, t.Context(), w)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Unsatisfiable || len(f.Why) == 0 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "nobody has b") {
		t.Errorf("the evidence is lost: %v", err)
	}
}

// What a conflict says cannot be had differs: no answer, none found in time,
// a newest release without a wheel.
func TestConflictKeepsWhatItSays(t *testing.T) {
	b := &Builder{Profile: profiles.Profile{Name: "mine"}}
	err := b.unsolved(t.Context(), &search{}, &solver.Conflict{What: "the search was given up", Next: "pin a", Root: &solver.Reason{}})
	if got, want := fault.Render(err), "error: profile mine: the search was given up\nnext: pin a\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResolveStopsWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := twoReleases()
		w.delay = func(string) time.Duration { return time.Hour }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := solve(t, ctx, w); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
