package builder

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wheelwright/fault"
)

// pageServer is an index of one project a, with one wheel, that counts
// requests by path. digit tells its wheel's bytes from another server's.
func pageServer(t *testing.T, digit string) (url string, count func(path string) int) {
	t.Helper()
	var mu sync.Mutex
	n := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n[r.URL.Path]++
		mu.Unlock()
		switch r.URL.Path {
		case "/simple/a/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<a href=\"/f/a-1-py3-none-any.whl#sha256=%s\" data-core-metadata=\"true\">a-1-py3-none-any.whl</a>", strings.Repeat(digit, 64))
		case "/f/a-1-py3-none-any.whl.metadata":
			fmt.Fprint(w, "Metadata-Version: 2.1\nName: a\nVersion: 1\n")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func(path string) int {
		mu.Lock()
		defer mu.Unlock()
		return n[path]
	}
}

func profileFile(t *testing.T, name, rest string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".yaml")
	if err := os.WriteFile(path, []byte("name: "+name+"\npython: \"3.11\"\nrequires: [a]\n"+rest), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Builds of one session ask once for what several of them need, and tell once
// which index answers; builds with other indexes have their own.
func TestSessionSharesWhatWasRead(t *testing.T) {
	url, count := pageServer(t, "0")
	other, countOther := pageServer(t, "1")
	session, cache := &Session{}, t.TempDir()
	var mu sync.Mutex
	var told []string
	var builds []*Builder
	for i, rest := range []string{
		"",
		"constraints: [a<2]\n",
		"indexes: [{name: o, url: \"" + other + "/simple\"}]\n",
		"indexes: [{name: o, url: \"" + other + "/simple\", packages: [b]}, {name: pypi}]\n",
		"indexes: [{name: o, url: \"" + other + "/simple\", packages: [a]}, {name: pypi}]\n",
	} {
		name := fmt.Sprintf("p%d", i)
		b, err := New(Options{
			Profile: profileFile(t, name, rest), LockPath: filepath.Join(t.TempDir(), name+".toml"), CacheDir: cache, Session: session,
			Env: func(name string) string {
				return map[string]string{"PIP_CONFIG_FILE": os.DevNull, "PIP_INDEX_URL": url + "/simple"}[name]
			},
			Report: func(e Event) {
				mu.Lock()
				defer mu.Unlock()
				if e.Kind == Began && e.Text != "" {
					told = append(told, e.Text)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		builds = append(builds, b)
	}
	var running sync.WaitGroup
	for _, b := range builds {
		running.Go(func() {
			if _, err := b.Lock(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	for _, path := range []string{"/simple/a/", "/f/a-1-py3-none-any.whl.metadata"} {
		if n := count(path); n != 1 {
			t.Errorf("%s was asked for %d times of the default index", path, n)
		}
		if n := countOther(path); n == 0 || n > 2 {
			t.Errorf("%s was asked for %d times of the other index, by two builds", path, n)
		}
	}
	if len(told) != 4 {
		t.Errorf("told of indexes: %q", told)
	}
}

// What the default index's entry says of dates holds for whatever fills its
// place, and a named index says it for itself.
func TestUndated(t *testing.T) {
	url, _ := pageServer(t, "0")
	for _, c := range []struct {
		indexes string
		open    bool
	}{
		{"[{name: pypi}]", false},
		{"[{name: pypi, undated: allow}]", true},
		{"[{name: x, url: \"" + url + "/simple\", undated: allow}]", true},
		{"[{name: x, url: \"" + url + "/simple/\", undated: allow}]", true},
		{"[{name: x, url: \"" + url + "/simple\", packages: [a]}, {name: pypi, undated: allow}]", false},
	} {
		b, err := New(Options{
			Profile: profileFile(t, "p", "indexes: "+c.indexes+"\n"), LockPath: filepath.Join(t.TempDir(), "p.toml"), CacheDir: t.TempDir(),
			ExcludeNewer: "2026-01-01",
			Env: func(name string) string {
				return map[string]string{"PIP_CONFIG_FILE": os.DevNull, "PIP_INDEX_URL": url + "/simple"}[name]
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := b.Lock(t.Context())
		if c.open && err != nil || !c.open && fault.KindOf(err) != fault.Unsatisfiable {
			t.Errorf("%s: %v", c.indexes, err)
		}
		if c.open && l.Lock.ExcludeNewer.IsZero() {
			t.Errorf("%s: the lock does not say until when", c.indexes)
		}
	}
}

func TestFailure(t *testing.T) {
	w := pinned()
	u := failing(t, t.Context(), w, "a==1", "b==2")
	r := Failure("p", fmt.Errorf("profile p: %w", u))
	if r.Error.Exit != fault.Unsatisfiable || r.Error.Tree == nil || !slices.Equal(r.Error.Ways, u.Ways) || len(r.Error.Lines) == 0 || r.Error.Next == "" {
		t.Errorf("%+v", r)
	}
	r = Failure("p", fault.New(fault.Temporary, "page of a").Because("5 attempts").Wrap(errors.New("refused")).Try("run again"))
	if r.Error.Exit != fault.Temporary || r.Error.What != "page of a" || !slices.Equal(r.Error.Lines, []string{"5 attempts", "refused"}) || r.Error.Next != "run again" {
		t.Errorf("%+v", r)
	}
	if r = Failure("p", errors.New("plain")); r.Error.What != "plain" || r.Error.Lines == nil || r.Error.Exit != fault.Input {
		t.Errorf("%+v", r)
	}
}
