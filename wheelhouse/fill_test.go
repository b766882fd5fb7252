package wheelhouse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
)

func TestFill(t *testing.T) {
	s, h := newSite(t), house(t)
	big, small := bytesOf(1, 3*bufSize+17), bytesOf(2, 100)
	a, b, unhashed := s.add("a.whl", big), s.add("b.whl", small), s.add("c.deb", bytesOf(3, 5000))
	twin := a // the same bytes under a second name: fetched once
	twin.Name = "twin.whl"
	unhashed.Kind, unhashed.SHA256, unhashed.Size = Deb, "", 0
	list := []Artifact{b, a, twin, unhashed}

	if got, want := h.Need(list), (Need{Files: 3, Bytes: a.Size + b.Size, Unknown: 1}); got != want {
		t.Errorf("need %+v, want %+v", got, want)
	}
	o := quick()
	var events []string
	var last Totals
	o.Parallel = 1
	o.Progress = func(p Progress) {
		if p.Event != Moved {
			events = append(events, p.Event.String()+" "+p.Artifact.Name)
		}
		last = p.Totals
	}
	if err := h.Fill(t.Context(), list, o); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, big)
	holds(t, h, b, small)
	if list[3].SHA256 != sumOf(s.files["c.deb"]) || list[3].Size != 5000 || !h.Has(list[3].SHA256) {
		t.Errorf("what was not known is told as %+v", list[3])
	}
	// Largest first, the unknown before them.
	want := []string{"started c.deb", "done c.deb", "started a.whl", "done a.whl", "started b.whl", "done b.whl"}
	if d := cmp.Diff(want, events); d != "" {
		t.Error(d)
	}
	total := a.Size + b.Size
	if d := cmp.Diff(Totals{Files: 3, Done: 3, Bytes: total, Got: total + 5000, Fetched: total + 5000}, last); d != "" {
		t.Error(d)
	}
	if st, err := os.Stat(h.Path(a.SHA256)); err != nil || st.Mode().Perm() != 0o444 {
		t.Errorf("a stored file is %v, %v; want read-only", st.Mode(), err)
	}
	if p := partials(t, h); len(p) > 0 {
		t.Errorf("partial files are left: %v", p)
	}

	asked := len(s.requests())
	events = nil
	if err := h.Fill(t.Context(), list, o); err != nil {
		t.Fatal(err)
	}
	if n := len(s.requests()) - asked; n != 0 {
		t.Errorf("a second fill sent %d requests", n)
	}
	if len(events) != 3 || !strings.HasPrefix(events[0], "cached ") {
		t.Errorf("a second fill told %v", events)
	}
}

func TestFillGoesOnAfterACut(t *testing.T) {
	s, h := newSite(t), house(t)
	data := bytesOf(4, 2*bufSize)
	a := s.add("cut.whl", data)
	s.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n < 2 {
			cutAt(w, r, data, 100_000)
		}
		return false
	}
	o := quick()
	o.Tries = 1 // a cut that brought something costs no try
	if err := h.Fill(t.Context(), []Artifact{a}, o); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, data)
	want := []string{"cut.whl from 0", "cut.whl from 100000", "cut.whl from 200000"}
	if d := cmp.Diff(want, s.requests()); d != "" {
		t.Error(d)
	}
}

func TestFillGoesOnInTheNextRun(t *testing.T) {
	s, h := newSite(t), house(t)
	data := bytesOf(5, 50_000)
	a := s.add("cut.whl", data)
	down := true
	s.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if down {
			cutAt(w, r, data, 20_000)
		}
		return false
	}
	o := quick()
	o.Tries = 1
	err := h.Fill(t.Context(), []Artifact{a}, o)
	wantKind(t, err, fault.Temporary, "cut.whl", "20000 bytes have arrived", "cut after 20000")
	if h.Has(a.SHA256) {
		t.Fatal("a torn file is in the store")
	}
	if n := h.Need([]Artifact{a}); n.Bytes != 30_000 {
		t.Errorf("need %+v, want the rest alone", n)
	}
	down = false
	if err := h.Fill(t.Context(), []Artifact{a}, o); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, data)
	if d := cmp.Diff([]string{"cut.whl from 0", "cut.whl from 20000"}, s.requests()); d != "" {
		t.Error(d)
	}
}

func TestFillWithoutRanges(t *testing.T) {
	s, h := newSite(t), house(t)
	data := bytesOf(6, 90_000)
	a := s.add("plain.whl", data)
	s.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
		r.Header.Del("Range")
		if n == 0 {
			cutAt(w, r, data, 40_000)
		}
		return false
	}
	if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, data)
}

func TestFillRefusesARange(t *testing.T) { // 416 for a file that it still has
	s, h := newSite(t), house(t)
	data := bytesOf(7, 90_000)
	a := s.add("plain.whl", data)
	s.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}
		if n == 0 {
			cutAt(w, r, data, 40_000)
		}
		return false
	}
	if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, data)
}

func TestFillSilentSource(t *testing.T) {
	s, h := newSite(t), house(t)
	data := bytesOf(2, 1000)
	a := s.add("x.whl", data)
	s.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 0 {
			return false
		}
		w.Header().Set("Content-Length", "1000")
		w.Write(data[:300])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	o := quick()
	o.Stall = 50 * time.Millisecond
	if err := h.Fill(t.Context(), []Artifact{a}, o); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"x.whl from 0", "x.whl from 300"}, s.requests()); d != "" {
		t.Error(d)
	}
}

func TestFillSlowSource(t *testing.T) { // slow is not silent
	s, h := newSite(t), house(t)
	data := bytesOf(2, 1200)
	a := s.add("x.whl", data)
	s.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
		w.Header().Set("Content-Length", "1200")
		for i := range 12 {
			w.Write(data[i*100 : (i+1)*100])
			w.(http.Flusher).Flush()
			time.Sleep(60 * time.Millisecond)
		}
		return true
	}
	o := quick()
	o.Stall = 500 * time.Millisecond
	if err := h.Fill(t.Context(), []Artifact{a}, o); err != nil {
		t.Fatal(err)
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestFillInterrupted(t *testing.T) {
	s, h := newSite(t), house(t)
	data := bytesOf(3, 2*bufSize)
	a, b := s.add("x.whl", data), s.add("y.whl", bytesOf(4, 100))
	ctx, cancel := context.WithCancel(t.Context())
	hang := true
	s.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if !hang {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:bufSize+1000])
		w.(http.Flusher).Flush()
		time.AfterFunc(20*time.Millisecond, cancel)
		<-r.Context().Done()
		return true
	}
	o := quick()
	o.Parallel = 1
	err := h.Fill(ctx, []Artifact{a, b}, o)
	wantKind(t, err, fault.Interrupted, "run the same command again")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not say that it was cancelled", err)
	}
	if d := cmp.Diff([]string{a.SHA256 + ".part"}, partials(t, h)); d != "" {
		t.Error(d)
	}
	hang = false
	if err := h.Fill(t.Context(), []Artifact{a, b}, o); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, data)
	if got := s.requests()[1]; got != fmt.Sprintf("x.whl from %d", bufSize+1000) {
		t.Errorf("the next run asked for %s", got)
	}
}

func TestProgressIsSlow(t *testing.T) {
	s, h := newSite(t), house(t)
	var list []Artifact
	for i := range 20 {
		list = append(list, s.add(fmt.Sprintf("%d.whl", i), bytesOf(uint64(i), 8*bufSize)))
	}
	o := quick()
	var inside atomic.Int32
	moved := 0
	began := time.Now()
	o.Progress = func(p Progress) {
		if inside.Add(1) != 1 {
			t.Error("two calls at a time")
		}
		defer inside.Add(-1)
		if p.Event == Moved {
			moved++
		}
		if p.Totals.Got > p.Totals.Bytes {
			t.Errorf("totals %+v", p.Totals)
		}
	}
	if err := h.Fill(t.Context(), list, o); err != nil {
		t.Fatal(err)
	}
	if most := int(time.Since(began)/progressEvery+1) * DefaultParallel; moved > most {
		t.Errorf("%d reports of movement, at most %d", moved, most)
	}
}

func BenchmarkFill(b *testing.B) {
	s := newSite(b)
	var list []Artifact
	total := int64(0)
	for i := range 16 {
		a := s.add(fmt.Sprintf("%d.whl", i), bytesOf(uint64(i), 16<<20))
		list, total = append(list, a), total+a.Size
	}
	b.SetBytes(total)
	for b.Loop() {
		h, err := Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Fill(b.Context(), list, quick()); err != nil {
			b.Fatal(err)
		}
		h.Close()
	}
}
