package wheelhouse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// TestMain is also the other process of the tests below: with
// WHEELHOUSE_TEST_FILL it fills the cache it is given and ends.
func TestMain(m *testing.M) {
	if job := os.Getenv("WHEELHOUSE_TEST_FILL"); job != "" {
		os.Exit(otherProcess(strings.Split(job, "\n")))
	}
	os.Exit(m.Run())
}

func otherProcess(lines []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	h, err := Open(lines[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var list []Artifact
	for _, l := range lines[1:] {
		f := strings.Fields(l)
		a := Artifact{Kind: Wheel, Name: f[0], SHA256: f[1], Sources: f[2:]}
		list = append(list, a)
	}
	if err := h.Fill(ctx, list, quick()); err != nil {
		fmt.Println(err)
		return int(fault.KindOf(err))
	}
	return 0
}

func startOther(t *testing.T, cache string, list []Artifact) *exec.Cmd {
	t.Helper()
	lines := []string{cache}
	for _, a := range list {
		lines = append(lines, a.Name+" "+a.SHA256+" "+strings.Join(a.Sources, " "))
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "WHEELHOUSE_TEST_FILL="+strings.Join(lines, "\n"))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestProcessesShareACache(t *testing.T) {
	s := newSite(t)
	var list []Artifact
	for i := range 12 {
		list = append(list, s.add(fmt.Sprintf("%d.whl", i), bytesOf(uint64(i), 300_000)))
	}
	s.misbehave(func(w http.ResponseWriter, r *http.Request, n int) bool {
		time.Sleep(10 * time.Millisecond) // so that they meet
		return false
	})
	cache := t.TempDir()
	others := []*exec.Cmd{startOther(t, cache, list), startOther(t, cache, list)}
	h, err := Open(cache)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Fill(t.Context(), list, quick()); err != nil {
		t.Error(err)
	}
	for _, o := range others {
		if err := o.Wait(); err != nil {
			t.Error(err)
		}
	}
	for _, a := range list {
		holds(t, h, a, s.files[a.Name])
	}
	if n := len(s.requests()); n != len(list) {
		t.Errorf("three processes sent %d requests for %d files", n, len(list))
	}
	if p := partials(t, h); len(p) > 0 {
		t.Errorf("partial files are left: %v", p)
	}
}

// A process that dies in the middle leaves its lock to the kernel and its
// bytes to us.
func TestProcessDies(t *testing.T) {
	for name, sig := range map[string]os.Signal{"kill": syscall.SIGKILL, "interrupt": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			s, h := newSite(t), house(t)
			data := bytesOf(1, 2*bufSize)
			a := s.add("x.whl", data)
			sent := make(chan bool)
			s.misbehave(func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n > 0 {
					return false
				}
				w.Header().Set("Content-Length", fmt.Sprint(len(data)))
				w.Write(data[:bufSize])
				w.(http.Flusher).Flush()
				close(sent)
				<-r.Context().Done()
				return true
			})
			other := startOther(t, h.dir, []Artifact{a})
			<-sent
			for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
				if st, err := os.Stat(h.partialPath(a.SHA256)); err == nil && st.Size() == bufSize {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the other process wrote nothing")
				}
			}
			other.Process.Signal(sig)
			err := other.Wait()
			if name == "interrupt" && other.ProcessState.ExitCode() != int(fault.Interrupted) {
				t.Errorf("interrupted, it ended with %v", err)
			}
			if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
				t.Fatal(err)
			}
			holds(t, h, a, data)
			if got := s.requests()[1]; got != fmt.Sprintf("x.whl from %d", bufSize) {
				t.Errorf("asked for %s", got)
			}
		})
	}
}

func TestFillWaits(t *testing.T) {
	s, h := newSite(t), house(t)
	data := bytesOf(1, 1000)
	a, b := s.add("x.whl", data), s.add("y.whl", bytesOf(2, 10))
	p, err := openPartial(h.partialPath(a.SHA256)) // as another process would
	if err != nil || p == nil {
		t.Fatal(p, err)
	}
	o := quick()
	var order []string
	o.Progress = func(pr Progress) {
		order = append(order, pr.Event.String()+" "+pr.Artifact.Name)
		if pr.Event == Waiting {
			p.Write(data)
			if err := errors.Join(os.MkdirAll(filepath.Dir(h.Path(a.SHA256)), 0o755), p.commit(h.Path(a.SHA256))); err != nil {
				t.Error(err)
			}
			p.close()
		}
	}
	if err := h.Fill(t.Context(), []Artifact{a, b}, o); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, data)
	if got := strings.Join(order, ", "); got != "started y.whl, done y.whl, waiting x.whl, cached x.whl" {
		t.Error(got)
	}
}

func TestNoRoom(t *testing.T) {
	s, h := newSite(t), house(t)
	a := s.add("x.whl", bytesOf(1, 5000))
	h.free = func(string) (int64, error) { return 4000, nil }
	err := h.Fill(t.Context(), []Artifact{a}, quick())
	wantKind(t, err, fault.Temporary, "5000 bytes to fetch", "4000 bytes free", "1000 bytes more are needed", "--cache-dir")
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests were sent all the same", n)
	}
	os.WriteFile(h.partialPath(a.SHA256), s.files["x.whl"][:2000], 0o644) // what is here needs no room
	if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
		t.Error(err)
	}
}

// tmpfs mounts a small file system of memory, or skips the test.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestDiskFull(t *testing.T) {
	s := newSite(t)
	data := bytesOf(1, 3<<20)
	a := s.add("x.whl", data)
	a.Size = 0 // not known before: the need cannot be told
	dir := tmpfs(t, "1m")
	h, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	err = h.Fill(t.Context(), []Artifact{a}, quick())
	wantKind(t, err, fault.Temporary, "wheel x.whl", "the disk is full", "make room")
	if !errors.Is(err, unix.ENOSPC) || len(s.requests()) != 1 || h.Has(a.SHA256) {
		t.Errorf("%v after %d requests", err, len(s.requests()))
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	if err := h.Fill(t.Context(), []Artifact{a}, quick()); err != nil {
		t.Fatal(err)
	}
	holds(t, h, a, data)
	if got := s.requests()[1]; got == "x.whl from 0" {
		t.Error("the next run began again")
	}
}
