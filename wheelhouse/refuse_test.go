package wheelhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
)

func TestFillWrongBytes(t *testing.T) {
	right, wrong := bytesOf(8, 70_000), bytesOf(9, 70_000)
	t.Run("alone", func(t *testing.T) {
		s, h := newSite(t), house(t)
		a := s.add("x.whl", right)
		s.files["x.whl"] = wrong
		o := quick()
		o.Progress = func(p Progress) {
			if p.Event == Retry {
				t.Errorf("told of a retry that never comes: %s", p.Note)
			}
		}
		err := h.Fill(t.Context(), []Artifact{a}, o)
		wantKind(t, err, fault.Integrity, "x.whl", sumOf(wrong), sumOf(right), "kept out of the store")
		if n := len(s.requests()); n != 1 {
			t.Errorf("%d requests, want 1: wrong bytes are not asked for again", n)
		}
		if h.Has(a.SHA256) || h.Has(sumOf(wrong)) || len(partials(t, h)) > 0 {
			t.Error("something of it is left")
		}
	})
	t.Run("another source is right", func(t *testing.T) {
		s, h := newSite(t), house(t)
		a := s.add("good.whl", right)
		s.files["bad.whl"] = wrong
		a.Sources = []string{s.URL + "/bad.whl", s.URL + "/good.whl"}
		if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
			t.Fatal(err)
		}
		holds(t, h, a, right)
	})
	t.Run("spoilt partial file", func(t *testing.T) {
		s, h := newSite(t), house(t)
		a := s.add("x.whl", right)
		if err := os.WriteFile(h.partialPath(a.SHA256), wrong[:30_000], 0o644); err != nil {
			t.Fatal(err)
		}
		if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
			t.Fatal(err)
		}
		holds(t, h, a, right)
		if d := cmp.Diff([]string{"x.whl from 30000", "x.whl from 0"}, s.requests()); d != "" {
			t.Error(d)
		}
	})
	for name, left := range map[string][]byte{"whole partial file": right, "spoilt whole one": wrong, "too long": bytesOf(1, 80_000)} {
		t.Run(name, func(t *testing.T) {
			s, h := newSite(t), house(t)
			a := s.add("x.whl", right)
			if err := os.WriteFile(h.partialPath(a.SHA256), left, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
				t.Fatal(err)
			}
			holds(t, h, a, right)
			if n := len(s.requests()); (n == 0) != (name == "whole partial file") {
				t.Errorf("%d requests", n)
			}
		})
	}
	for name, size := range map[string]int64{"shorter than listed": 80_000, "longer": 60_000} {
		t.Run(name, func(t *testing.T) {
			s, h := newSite(t), house(t)
			a := s.add("x.whl", right)
			a.Size = size
			err := h.Fill(t.Context(), []Artifact{a}, quick())
			wantKind(t, err, fault.Integrity, "size is 70000 bytes", fmt.Sprint(size))
			o := quick() // and when the server does not say how long it is
			o.Open = func(ctx context.Context, a Artifact, src string, off int64) (io.ReadCloser, int64, int64, error) {
				body, start, _, err := httpOpen(http.DefaultClient)(ctx, a, src, off)
				return body, start, -1, err
			}
			if err = h.Fill(t.Context(), []Artifact{a}, o); err == nil || h.Has(a.SHA256) {
				t.Errorf("accepted: %v", err)
			}
		})
	}
}

func TestFillRetries(t *testing.T) {
	for _, c := range []struct {
		status, requests int
		kind             fault.Kind
	}{
		{http.StatusServiceUnavailable, 3, fault.Temporary},
		{http.StatusUnauthorized, 1, fault.Auth},
		{http.StatusNotFound, 1, fault.Input},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			s, h := newSite(t), house(t)
			a := s.add("x.whl", bytesOf(1, 10))
			s.before = func(w http.ResponseWriter, r *http.Request, n int) bool { w.WriteHeader(c.status); return true }
			o := quick()
			o.Tries = 3
			a.Sources[0] = strings.Replace(a.Sources[0], "://", "://me:secret@", 1) + "?token=secret"
			err := h.Fill(t.Context(), []Artifact{a}, o)
			wantKind(t, err, c.kind, "wheel x.whl", fmt.Sprint(c.status))
			if strings.Contains(fault.Render(err), "secret") {
				t.Errorf("a credential is in the error: %v", err)
			}
			if n := len(s.requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			if p := partials(t, h); len(p) > 0 {
				t.Errorf("empty files are left: %v", p)
			}
		})
	}
	t.Run("the next source at once", func(t *testing.T) {
		s, h := newSite(t), house(t)
		a := s.add("x.whl", bytesOf(1, 10))
		a.Sources = append([]string{s.URL + "/gone.whl"}, a.Sources...)
		if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("no source", func(t *testing.T) {
		a := Artifact{Kind: Wheel, Name: "x.whl", SHA256: sumOf(nil)}
		wantKind(t, house(t).Fill(t.Context(), []Artifact{a}, quick()), fault.Temporary, "x.whl", "no address")
	})
}

func TestFillCheck(t *testing.T) {
	s, h := newSite(t), house(t)
	data := bytesOf(5, 1000)
	a := s.add("x.whl", data)
	no := fault.New(fault.Integrity, "METADATA differs")
	o := quick()
	o.Check = func(got Artifact, path string) error {
		b, err := os.ReadFile(path)
		if err != nil || sumOf(b) != a.SHA256 || got.Name != a.Name || got.Size != 1000 {
			t.Errorf("check saw %+v with %d bytes, %v", got, len(b), err)
		}
		if h.Has(a.SHA256) {
			t.Error("the file entered the store before the check")
		}
		return no
	}
	err := h.Fill(t.Context(), []Artifact{a}, o)
	if !errors.Is(err, no) || h.Has(a.SHA256) || len(partials(t, h)) > 0 {
		t.Fatalf("%v; in the store: %v; %v", err, h.Has(a.SHA256), partials(t, h))
	}
	if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
		t.Fatal(err)
	}
	o.Check = func(Artifact, string) error { return no } // files of the store are looked at too
	if err := h.Fill(t.Context(), []Artifact{a}, o); !errors.Is(err, no) {
		t.Errorf("a stored file was not checked: %v", err)
	}
}

func TestFillBadLists(t *testing.T) {
	good := Artifact{Kind: Wheel, Name: "x.whl", SHA256: sumOf(nil)}
	with := func(f func(*Artifact)) []Artifact { a := good; f(&a); return []Artifact{good, a} }
	for name, c := range map[string]struct {
		list []Artifact
		kind fault.Kind
	}{
		"separator":      {with(func(a *Artifact) { a.Name = "../x.whl" }), fault.Input},
		"backslash":      {with(func(a *Artifact) { a.Name = `..\x.whl` }), fault.Input},
		"hidden":         {with(func(a *Artifact) { a.Name = ".." }), fault.Input},
		"control":        {with(func(a *Artifact) { a.Name = "x\x1b[2J.whl" }), fault.Input},
		"no name":        {with(func(a *Artifact) { a.Name = "" }), fault.Input},
		"sha256":         {with(func(a *Artifact) { a.SHA256 = "../../etc/passwd" }), fault.Input},
		"capital sha256": {with(func(a *Artifact) { a.SHA256 = strings.ToUpper(a.SHA256) }), fault.Input},
		"negative size":  {with(func(a *Artifact) { a.Size = -1 }), fault.Input},
		"one name, two":  {with(func(a *Artifact) { a.SHA256 = sumOf([]byte{1}) }), fault.Integrity},
	} {
		t.Run(name, func(t *testing.T) {
			h, dir := house(t), t.TempDir()
			wantKind(t, h.Fill(t.Context(), c.list, quick()), c.kind)
			_, err := h.Link(t.Context(), dir, c.list)
			wantKind(t, err, c.kind)
			_, err = Verify(t.Context(), dir, c.list)
			wantKind(t, err, c.kind)
		})
	}
}

// What messages call a source holds nothing secret, and says where it is.
func TestAddress(t *testing.T) {
	for source, want := range map[string]string{
		"https://u:hunter2@index.test/x.whl?token=hunter2#f": "https://index.test/x.whl",
		"127.0.0.1:5000/team/base@sha256:12":                 "127.0.0.1:5000/team/base@sha256:12",
		"index.test/team/base@sha256:12":                     "index.test/team/base@sha256:12",
		"/dist/x.whl":                                        "/dist/x.whl",
		"//u:hunter2@index.test/x.whl":                       "//index.test/x.whl",
		"http://u:hunter2@[bad/x.whl":                        "an address that cannot be read",
	} {
		if got := address(source); got != want {
			t.Errorf("%s is called %s, want %s", source, got, want)
		}
	}
}
