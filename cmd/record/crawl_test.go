package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wheelwright/internal/recorded"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// world is an index in a text: "DAY FILE [yanked] [python=SPEC] [: REQUIREMENT; …]"
// a line. A requirement list is split at " + ". No METADATA is read of what
// is no wheel.
type world struct {
	mu    sync.Mutex
	pages map[pep508.Name]*solver.Page
	meta  map[string]solver.Metadata
	asked map[string]int
}

func newWorld(t *testing.T, text string) *world {
	w := &world{pages: map[pep508.Name]*solver.Page{}, meta: map[string]solver.Metadata{}, asked: map[string]int{}}
	for line := range strings.Lines(text) {
		head, needs, _ := strings.Cut(strings.TrimSpace(line), " : ")
		words := strings.Fields(head)
		if len(words) == 0 {
			continue
		}
		day, err := time.Parse(time.DateOnly, words[0])
		if err != nil {
			t.Fatal(err)
		}
		f := solver.File{Name: words[1], SHA256: fmt.Sprintf("%064x", len(w.asked)+len(words[1])), Size: 1, Uploaded: day}
		for _, word := range words[2:] {
			f.Yanked = f.Yanked || word == "yanked"
			if spec, ok := strings.CutPrefix(word, "python="); ok {
				f.RequiresPython = spec
			}
		}
		name := pep508.Normalize(f.Name[:strings.IndexByte(f.Name, '-')])
		if w.pages[name] == nil {
			w.pages[name] = &solver.Page{Name: name}
		}
		w.pages[name].Files = append(w.pages[name].Files, f)
		if wheel, err := tag.ParseWheel(f.Name); err == nil {
			m := solver.Metadata{Name: string(name), Version: wheel.Version}
			if needs != "" {
				m.RequiresDist = strings.Split(needs, " + ")
			}
			w.meta[f.Name] = m
		}
	}
	return w
}

func (w *world) count(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[key]++
}

func (w *world) Page(_ context.Context, name pep508.Name) (solver.Fact, error) {
	w.count(string(name))
	if p := w.pages[name]; p != nil {
		return solver.Fact{Page: p}, nil
	}
	return solver.Fact{Missing: "404"}, nil
}

func (w *world) Metadata(_ context.Context, _ pep508.Name, f solver.File) (solver.Fact, error) {
	w.count(f.Name)
	m, ok := w.meta[f.Name]
	if !ok {
		return solver.Fact{}, fmt.Errorf("asked for METADATA of %s", f.Name)
	}
	return solver.Fact{Metadata: &m}, nil
}

func testTarget() target {
	t := tag.Target{Python: tag.Python{Major: 3, Minor: 11}, Machine: "x86_64", Glibc: [2]int{2, 28}}
	return target{tag: t, rank: tag.NewRanking(t), env: pep508.NewEnv("3.11.0", "x86_64")}
}

func TestRecord(t *testing.T) {
	for _, c := range []struct{ name, world, seeds, want, missing string }{
		{"age, then the newest stable before it", `
			2020-01-01 a-1.0-py3-none-any.whl
			2021-01-01 a-2.0-py3-none-any.whl
			2021-06-01 a-2.1rc1-py3-none-any.whl
			2024-01-01 a-3.0-py3-none-any.whl
			2024-02-01 a-4.0rc1-py3-none-any.whl`,
			"a", "a-2.0-py3-none-any.whl a-3.0-py3-none-any.whl a-4.0rc1-py3-none-any.whl", ""},
		{"the best wheel, one sdist, and one foreign wheel only where nothing fits", `
			2024-01-01 a-1.0-cp310-cp310-manylinux2014_x86_64.whl
			2024-01-01 a-1.0-cp311-cp311-manylinux2014_x86_64.whl
			2024-01-01 a-1.0-cp311-cp311-manylinux_2_28_x86_64.whl
			2024-01-01 a-1.0-py3-none-any.whl
			2024-01-01 a-1.0.tar.gz
			2024-01-01 a-1.0.zip
			2024-01-01 a-1.1-cp311-cp311-win_amd64.whl
			2024-01-01 a-1.1-cp311-cp311-macosx_11_0_arm64.whl
			2024-01-01 a-1.2-py3-none-any.whl python=>=3.12
			2024-01-01 a-1.3.tar.gz
			2024-01-01 a-1.3-py3.11.egg
			2024-01-01 a-notaversion-py3-none-any.whl`,
			"a", "a-1.0-cp311-cp311-manylinux_2_28_x86_64.whl a-1.0.tar.gz a-1.1-cp311-cp311-win_amd64.whl a-1.2-py3-none-any.whl a-1.3.tar.gz", ""},
		{"a later build, and not a yanked file", `
			2024-01-01 a-1.0-1-py3-none-any.whl
			2024-01-01 a-1.0-10-py3-none-any.whl
			2024-01-01 a-1.0-11-py3-none-any.whl yanked
			2024-01-01 a-1.0-9-py3-none-any.whl`,
			"a", "a-1.0-10-py3-none-any.whl", ""},
		{"names of old releases and of asked extras, not of others", `
			2024-01-01 a-1.0-py3-none-any.whl : b[x] + w ; sys_platform == "win32"
			2024-02-01 a-2.0-py3-none-any.whl
			2024-01-01 b-1.0-py3-none-any.whl : c ; extra == "x" + d ; extra == "y"
			2024-01-01 c-1.0-py3-none-any.whl : gone
			2024-01-01 d-1.0-py3-none-any.whl
			2024-01-01 w-1.0-py3-none-any.whl`,
			"a", "a-1.0-py3-none-any.whl a-2.0-py3-none-any.whl b-1.0-py3-none-any.whl c-1.0-py3-none-any.whl", "gone"},
		{"what a kept release pins, however old, and what that needs", `
			2024-01-01 a-1.0-py3-none-any.whl : b==1.0 + c<1.5
			2019-01-01 b-1.0-py3-none-any.whl : e
			2020-01-01 b-1.1-py3-none-any.whl
			2024-01-01 b-2.0-py3-none-any.whl
			2018-01-01 c-1.0-py3-none-any.whl
			2018-02-01 c-1.4-py3-none-any.whl
			2018-03-01 c-1.4.1-py3-none-any.whl yanked
			2024-01-01 c-2.0-py3-none-any.whl
			2018-03-01 e-1.0-py3-none-any.whl`,
			"a", "a-1.0-py3-none-any.whl b-1.0-py3-none-any.whl b-1.1-py3-none-any.whl b-2.0-py3-none-any.whl " +
				"c-1.4-py3-none-any.whl c-1.4.1-py3-none-any.whl c-2.0-py3-none-any.whl e-1.0-py3-none-any.whl", ""},
		{"an extra that is asked for later reopens a project", `
			2024-01-01 a-1.0-py3-none-any.whl : b
			2024-01-01 b-1.0-py3-none-any.whl : c + d ; extra == "x"
			2024-01-01 c-1.0-py3-none-any.whl : b[X]
			2024-01-01 d-1.0-py3-none-any.whl`,
			"a", "a-1.0-py3-none-any.whl b-1.0-py3-none-any.whl c-1.0-py3-none-any.whl d-1.0-py3-none-any.whl", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.world)
			seed, err := pep508.Parse(c.seeds)
			if err != nil {
				t.Fatal(err)
			}
			crawl := newCrawl(w, []target{testTarget()}, time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC), 1)
			if err := crawl.run(t.Context(), []pep508.Requirement{seed}); err != nil {
				t.Fatal(err)
			}
			for key, n := range w.asked {
				if n > 1 {
					t.Errorf("%s was asked for %d times", key, n)
				}
			}
			dir := t.TempDir()
			stale := filepath.Join(dir, "simple", "stale.json")
			if err := os.MkdirAll(filepath.Dir(stale), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(stale, []byte("{}"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := write(dir, crawl); err != nil {
				t.Fatal(err)
			}
			got, metadata := recordedFiles(t, dir)
			if want := strings.Fields(c.want); !slices.Equal(got, want) {
				t.Errorf("recorded %q\n    want %q", got, want)
			}
			m, err := recorded.ReadManifest(dir)
			if err != nil || strings.Join(m.Missing, " ") != c.missing || m.Files != len(got) || m.Metadata != metadata {
				t.Errorf("recording.json %+v, %v; %d METADATA", m, err, metadata)
			}
			if _, err := os.Stat(stale); err == nil {
				t.Error("a name that is no longer recorded stays")
			}
		})
	}
}

func recordedFiles(t *testing.T, dir string) (files []string, metadata int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "simple", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		p, err := recorded.Load(dir, strings.TrimSuffix(filepath.Base(path), ".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Files {
			files = append(files, f.Filename)
			if f.Metadata != nil {
				metadata++
			}
		}
	}
	slices.Sort(files)
	return files, metadata
}

func TestRecordNothing(t *testing.T) {
	seed, err := pep508.Parse("a")
	if err != nil {
		t.Fatal(err)
	}
	crawl := newCrawl(newWorld(t, ""), []target{testTarget()}, time.Now(), 1)
	if err := crawl.run(t.Context(), []pep508.Requirement{seed}); err != nil {
		t.Fatal(err)
	}
	if err := write(t.TempDir(), crawl); err == nil {
		t.Error("an index that has nothing was written down")
	}
}

func TestSdistVersion(t *testing.T) {
	for _, c := range []struct{ file, name, want string }{
		{"a-1.0.tar.gz", "a", "1.0"},
		{"flash_attn-2.8.3.tar.gz", "flash-attn", "2.8.3"},
		{"Some.Thing-x-1.0.zip", "some-thing-x", "1.0"},
		{"a-1.0-py3-none-any.whl", "a", ""},
		{"b-1.0.tar.gz", "a", ""},
		{"a.tar.gz", "a", ""},
	} {
		got, ok := sdistVersion(c.file, pep508.Name(c.name))
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s of %s: %q, %v; want %q", c.file, c.name, got, ok, c.want)
		}
	}
}
