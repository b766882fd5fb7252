package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

func TestExitStatus(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		for _, n := range []int{0, 1, 42, 255} {
			if o := w.run(t, w.command(t, "exit", fmt.Sprint(n))); o.Result.Code != n || o.Result.Signal != 0 || o.Err != "" {
				t.Errorf("%d: %+v", n, o)
			}
		}
		for _, s := range []syscall.Signal{unix.SIGTERM, unix.SIGKILL, unix.SIGSEGV} {
			if o := w.run(t, w.command(t, "raise", fmt.Sprint(int(s)))); o.Result.Signal != s {
				// Go's runtime turns a SIGSEGV that it was sent into exit status 2.
				if s != unix.SIGSEGV || o.Result.Code != 2 {
					t.Errorf("%v: %+v", s, o)
				}
			}
		}
	})
}

func TestNotExecuted(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		for _, c := range []struct {
			program, says string
			code          int
		}{
			{"/bin/missing", "not found", 127}, {"missing", "PATH is /bin", 127}, {"plain", "permission denied", 126}, {"/etc", "cannot be executed", 126},
		} {
			cmd := w.command(t, "exit", "0")
			cmd.Args[0] = c.program
			if o := w.run(t, cmd); o.Result.Code != c.code || !strings.Contains(o.Err, c.says) || !strings.Contains(o.Err, "next: ") {
				t.Errorf("%s: %+v", c.program, o)
			}
		}
	})
}

// What the command sees of itself is what was asked for and nothing else.
func TestStatus(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		c := w.command(t, "status")
		c.Args[0] = "probe"
		c.Env, c.Dir, c.Hostname = []string{"PATH=/nowhere:/bin", "A=b c", "EMPTY="}, "/home/me", "box"
		o := w.run(t, c)
		for _, want := range []string{"ids 4321 4321 1234 1234\n", "dir /home/me\n", "host box\n", `env ["PATH=/nowhere:/bin" "A=b c" "EMPTY="]` + "\n",
			"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Groups:\t"} {
			if !strings.Contains(o.Out, want) {
				t.Errorf("no %q in\n%s", want, o.Out)
			}
		}
		for line := range strings.Lines(o.Out) {
			f := strings.Fields(line)
			switch {
			case len(f) > 2 && f[0] == "fd" && f[1] > "2" && !strings.Contains(line, "anon_inode") && !strings.Contains(line, "/proc/self/fd"):
				t.Errorf("a descriptor of the host: %s", line)
			case len(f) == 6 && f[1] == "/" && !strings.Contains(f[3], "ro,nosuid,nodev"):
				t.Errorf("root: %s", line)
			}
		}
	})
}

func TestStreamsAndExtra(t *testing.T) {
	{
		w := self()
		in, feed := pipe(t)
		from, out := pipe(t)
		c := w.command(t, "cat")
		c.Stdin, c.Stdout, c.Stderr = in, out, os.Stderr
		go func() { feed.WriteString("through\n"); feed.Close() }()
		r, err := c.Run(context.Background())
		out.Close()
		text := drain(from)
		if err != nil || r.Code != 0 || text != "through\n" {
			t.Errorf("%+v %v %q", r, err, text)
		}

		third, words := pipe(t)
		back, fourth := pipe(t)
		from, out = pipe(t)
		c = w.command(t, "extra")
		c.Stdout, c.Stderr, c.Extra = out, os.Stderr, []*os.File{third, fourth}
		words.WriteString("three")
		words.Close()
		r, err = c.Run(context.Background())
		out.Close()
		fourth.Close()
		if a, b := drain(from), drain(back); err != nil || r.Code != 0 || a != "three" || b != "four" {
			t.Errorf("%+v %v %q %q", r, err, a, b)
		}
	}
}

// self is the caller that the test itself is.
func self() who {
	if os.Geteuid() == 0 {
		return root
	}
	return nobody
}

func pipe(t *testing.T) (*os.File, *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func drain(f *os.File) string {
	var b bytes.Buffer
	b.ReadFrom(f)
	return b.String()
}

func TestBinds(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		dir := filepath.Join(stage, "bound-"+string(w))
		os.MkdirAll(dir, 0o777)
		os.Chmod(dir, 0o777)
		file := filepath.Join(dir, "fact")
		os.WriteFile(file, []byte("bound\n"), 0o644)
		for _, to := range []string{"/data", "/open/new/deep", "/tmp/data", "/etc", "/link/below", "/dev/data", "/usr/share/x"} {
			c := w.command(t, "read", to+"/fact")
			before := sum(t, c.Root)
			c.Binds = append(c.Binds, Bind{From: dir, To: to, ReadOnly: true})
			if o := w.run(t, c); o.Out != "bound\n<nil>" || o.Err != "" {
				t.Errorf("%s: %+v", to, o)
			}
			c.Args = []string{"/bin/probe", "write", to + "/out", "x"}
			if o := w.run(t, c); !strings.Contains(o.Out, "read-only") {
				t.Errorf("%s: read-only, and %+v", to, o)
			}
			if to == "/open/new/deep" { // what stood there still does
				c.Args = []string{"/bin/probe", "read", "/open/file"}
				if o := w.run(t, c); o.Out != "open\n<nil>" {
					t.Errorf("%+v", o)
				}
			}
			c.Binds[len(c.Binds)-1].ReadOnly = false
			c.Args = []string{"/bin/probe", "write", to + "/out", "x"}
			if o := w.run(t, c); o.Out != "<nil>\n" {
				t.Errorf("%s: writable, and %+v", to, o)
			}
			if data, err := os.ReadFile(filepath.Join(dir, "out")); string(data) != "x" {
				t.Errorf("%s: %q %v", to, data, err)
			}
			os.Remove(filepath.Join(dir, "out"))
			if after := sum(t, c.Root); after != before {
				t.Errorf("%s: the root has changed", to)
			}
		}
		c := w.command(t, "read", "/etc/other")
		c.Binds = append(c.Binds, Bind{From: file, To: "/etc/other", ReadOnly: true})
		if o := w.run(t, c); o.Out != "bound\n<nil>" {
			t.Errorf("a file: %+v", o)
		}
		for _, bad := range []Bind{{From: file, To: "/etc"}, {From: dir, To: "/etc/fact"}, {From: dir + "/none", To: "/x"}} {
			c := w.command(t, "exit", "0")
			c.Binds = append(c.Binds, bad)
			if o := w.run(t, c); o.Kind != fault.Input || !strings.Contains(o.Err, "bind of") {
				t.Errorf("%+v: %+v", bad, o)
			}
		}
	})
}

func TestNetwork(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		if o := w.act(t, "server"); !strings.HasPrefix(o.Out, "hello") {
			t.Errorf("%+v", o)
		}
		resolver, err := os.ReadFile("/etc/resolv.conf")
		if err != nil {
			t.Skip("this machine has no resolver")
		}
		c := w.command(t, "read", "/etc/resolv.conf")
		c.HostNetwork = true
		if o := w.run(t, c); o.Out != string(resolver)+"<nil>" {
			t.Errorf("%+v", o)
		}
	})
}

// Signals to the caller reach the command, and the caller lives on.
func TestRelay(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "wait")
		read, write := pipe(t)
		cmd, finish := w.start(t, c, func(cmd *exec.Cmd) { cmd.Stdout = write; cmd.SysProcAttr.Setsid = true })
		write.Close()
		lines := make(chan string, 10)
		go func() {
			buf := make([]byte, 100)
			for {
				n, err := read.Read(buf)
				if err != nil {
					return
				}
				lines <- string(buf[:n])
			}
		}()
		expect := func(want string) {
			select {
			case got := <-lines:
				if got != want+"\n" {
					t.Errorf("got %q, want %q", got, want)
				}
			case <-time.After(5 * time.Second):
				t.Errorf("no %q", want)
			}
		}
		expect("ready")
		for _, s := range []syscall.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR2} {
			cmd.Process.Signal(s)
			expect("got " + s.String())
		}
		if o := finish(); o.Result.Code != 5 {
			t.Errorf("%+v", o)
		}
	})
}

// What the caller ignores its command ignores: it runs under nohup, or behind a
// shell's &.
func TestIgnored(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		_, finish := w.start(t, w.command(t, "status"), func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "IGNORE=1") })
		o := finish()
		_, text, _ := strings.Cut(o.Out, "SigIgn:\t")
		text, _, _ = strings.Cut(text, "\n")
		// Only these two bits: who started the tests may ignore others.
		mask, err := strconv.ParseUint(text, 16, 64)
		if w != cage && (err != nil || mask&3 != 3) || !strings.Contains(o.Out, "ignores hangup interrupt\n") {
			t.Errorf("%+v", o)
		}
	})
}

func TestContext(t *testing.T) {
	c := self().command(t, "sleep", "CONTEXT")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	r, err := c.Run(ctx)
	if fault.KindOf(err) != fault.Interrupted || r.Signal != syscall.SIGKILL || time.Since(begin) > 5*time.Second {
		t.Errorf("%+v %v", r, err)
	}
	if left := processes("sleep CONTEXT"); len(left) > 0 {
		t.Error(left)
	}
	if _, err := c.Run(ctx); fault.KindOf(err) != fault.Interrupted {
		t.Error(err)
	}
}

func TestForbidden(t *testing.T) {
	locked.needs(t)
	c := nobody.command(t, "exit", "0")
	o := locked.run(t, c)
	if o.Kind != fault.Unsatisfiable || !strings.Contains(o.Err, "user.max_user_namespaces is 0") || !strings.Contains(o.Err, "next: as root: sysctl -w user.max_user_namespaces=") {
		t.Errorf("%+v", o)
	}
}

// Under the host's user 0 no command is run: it could write to /proc/sys.
func TestNoOtherID(t *testing.T) {
	bound.needs(t)
	o := bound.run(t, bound.command(t, "exit", "0"))
	if o.Kind != fault.Unsatisfiable || !strings.Contains(o.Err, "no other id") || !strings.Contains(o.Err, "CAP_SETUID") {
		t.Errorf("%+v", o)
	}
}

// What is missing is told before the command says anything.
func TestTold(t *testing.T) {
	for w, want := range map[who]string{cage: "told no mount namespace", masked: "memory is not limited"} {
		t.Run(string(w), func(t *testing.T) {
			c := w.command(t, "exits") // no such act, which it says
			c.Limits.Memory = 1 << 30
			_, finish := w.start(t, c, func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "TELL=1") })
			o := finish()
			told, said, _ := strings.Cut(o.Out, "\n")
			if o.Result.Code != 99 || !strings.HasPrefix(told, "told ") || !strings.Contains(told, want) || !strings.HasSuffix(said, "no act exits\n") {
				t.Errorf("%+v", o)
			}
			if w == masked && strings.Contains(told, "watched") { // what it cannot see
				t.Error(told)
			}
		})
	}
}

// Devices can be written to, though nothing about them can be changed.
func TestDevices(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		if o := w.act(t, "devices"); o.Out != "<nil>\n" {
			t.Errorf("%+v", o)
		}
	})
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]Command{
		"no command": {Root: "/"}, "root": {Root: "x", Args: []string{"a"}}, "id": {Root: "/", Args: []string{"a"}, UID: -1},
		"zero": {Root: "/", Args: []string{"a\x00"}}, "home": {Root: "/", Args: []string{"a"}, Home: "x"},
		"bind": {Root: "/", Args: []string{"a"}, Binds: []Bind{{From: "x", To: "/y"}}}, "over": {Root: "/", Args: []string{"a"}, Binds: []Bind{{From: "/x", To: "/"}}},
		"no root": {Root: "/nonexistent/root", Args: []string{"a"}},
	} {
		if _, err := c.Run(context.Background()); fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", name, err)
		}
	}
}
