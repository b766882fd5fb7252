package images

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// host writes files below a folder: NAME is a file whose text is its name,
// NAME! one that may be run, NAME/ a folder, NAME>TARGET a link.
func host(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		link, target, isLink := strings.Cut(name, ">")
		plain, run := strings.CutSuffix(link, "!")
		p := filepath.Join(root, plain)
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		switch {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(p, 0o755)
		case isLink:
			err = os.Symlink(target, p)
		case run:
			err = os.WriteFile(p, []byte(plain), 0o700)
		default:
			err = os.WriteFile(p, []byte(plain), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// files lists what files become above a base with /bin -> usr/bin, a sticky
// /tmp and an /etc of its own.
func files(t *testing.T, list ...File) (string, error) {
	t.Helper()
	s := &Spec{User: "10001:7"}
	g := mustGround(t, s, tarLayer(t, sym("bin", "usr/bin"), dir("usr/bin", 0o755, 0), dir("tmp", 0o1777, 0), dir("etc", 0o750, 8), sym("etc/localtime", "UTC")))
	entries, err := g.fileEntries(list)
	if err != nil {
		return "", err
	}
	r, err := layer.NewRecipe(entries)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	for i, e := range entries {
		entries[i].Path = strings.Replace(e.Path, "opt/env", "env", 1) // listed leaves out opt
	}
	return listed(t, entries), nil
}

func TestFiles(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	root := host(t, "motd", "run.sh!", "app/main.py", "app/bin/go!", "app/bin/again>go", "app/up>./bin/../main.py", "app/empty/", "link>app", "over/main.py", "bin/tool!")
	at := func(name string) string { return filepath.Join(root, name) }
	for _, c := range []struct {
		name  string
		files []File
		want  string
	}{
		{"file", []File{{From: at("motd"), To: "/srv/x/motd"}}, "-rw-r--r-- 0:0 srv/x/motd\nmotd"},
		{"into", []File{{From: at("run.sh"), To: "/srv/"}}, "-rwxr-xr-x 0:0 srv/run.sh\nrun.sh"},
		{"at the top", []File{{From: at("motd"), To: "/"}}, "-rw-r--r-- 0:0 motd\nmotd"},
		{"mode", []File{{From: at("run.sh"), To: "/srv/run", Mode: 0o400}}, "-r-------- 0:0 srv/run\nrun.sh"},
		{"folder", []File{{From: at("app"), To: "/srv/app"}},
			"-rw-r--r-- 0:0 srv/app/main.py\napp/main.py\n-rwxr-xr-x 0:0 srv/app/bin/go\napp/bin/go\nLrwxrwxrwx 0:0 srv/app/bin/again -> go\n" +
				"Lrwxrwxrwx 0:0 srv/app/up -> ./bin/../main.py\ndrwxr-xr-x 0:0 srv/app\ndrwxr-xr-x 0:0 srv/app/bin\ndrwxr-xr-x 0:0 srv/app/empty"},
		{"a link to a folder", []File{{From: at("link"), To: "/srv/", Mode: 0o600}}, // by the link's own name
			"-rw------- 0:0 srv/link/bin/go\napp/bin/go\n-rw------- 0:0 srv/link/main.py\napp/main.py\nLrwxrwxrwx 0:0 srv/link/bin/again -> go\n" +
				"Lrwxrwxrwx 0:0 srv/link/up -> ./bin/../main.py\ndrwxr-xr-x 0:0 srv/link\ndrwxr-xr-x 0:0 srv/link/bin\ndrwxr-xr-x 0:0 srv/link/empty"},
		{"later counts", []File{{From: at("app/main.py"), To: "/x"}, {From: at("over"), To: "/"}, {From: at("motd"), To: "/x"}},
			"-rw-r--r-- 0:0 over/main.py\nover/main.py\n-rw-r--r-- 0:0 x\nmotd\ndrwxr-xr-x 0:0 over"},
		{"through a link of the base", []File{{From: at("motd"), To: "/bin/motd"}}, "-rw-r--r-- 0:0 usr/bin/motd\nmotd\ndrwxr-xr-x 0:0 usr\ndrwxr-xr-x 0:0 usr/bin"},
		{"a folder onto a link", []File{{From: at("bin"), To: "/"}}, "-rwxr-xr-x 0:0 usr/bin/tool\nbin/tool\ndrwxr-xr-x 0:0 usr\ndrwxr-xr-x 0:0 usr/bin"},
		{"a file onto a link", []File{{From: at("motd"), To: "/etc/localtime"}}, "-rw-r--r-- 0:0 etc/localtime\nmotd\ndrwxr-x--- 8:0 etc"},
		{"folders stay", []File{{From: at("motd"), To: "/tmp/"}, {From: at("app/empty"), To: "/etc"}}, "-rw-r--r-- 0:0 tmp/motd\nmotd\ndtrwxrwxrwx 0:0 tmp"},
		{"home", []File{{From: at("motd"), To: "/home/wheelwright/.config/motd"}},
			"-rw-r--r-- 0:0 home/wheelwright/.config/motd\nmotd\ndrwxr-xr-x 10001:7 home/wheelwright"},
		{"lib64", []File{{From: at("motd"), To: "/opt/env/lib64/motd"}}, "-rw-r--r-- 0:0 env/lib/motd\nmotd\ndrwxr-xr-x 0:0 env\ndrwxr-xr-x 0:0 env/lib\ndrwxr-xr-x 0:0 opt"},
	} {
		got, err := files(t, c.files...)
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, c.want)
		}
	}
}

func TestFilesRefused(t *testing.T) {
	root := host(t, "motd", "abs/x>/etc/passwd", "up/x>../motd", "deep/a/b/x>../../../motd", "wh/.wh.motd", "ctl/a\nb", "utf8/\xff", "app/x", "tree/x/y", "pipe/", "sock/", "loop>loop")
	at := func(name string) string { return filepath.Join(root, name) }
	if err := syscall.Mkfifo(at("pipe/p"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", at("sock/s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.WriteFile(at("app/large"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(at("app/large"), maxFileBytes+1); err != nil { // a hole
		t.Fatal(err)
	}
	for _, c := range []struct {
		says  string
		files []File
	}{
		{"none: it cannot be read", []File{{From: at("none"), To: "/x"}}},
		{"cannot be read", []File{{From: at("loop"), To: "/x"}}},
		{"x is a symbolic link to /etc/passwd", []File{{From: at("abs"), To: "/x"}}},
		{"x is a symbolic link to ../motd", []File{{From: at("up"), To: "/x"}}},
		{"a/b/x is a symbolic link to ../../../motd", []File{{From: at("deep"), To: "/x"}}},
		{`".wh.motd" cannot stand in a layer`, []File{{From: at("wh"), To: "/x"}}},
		{`"a\nb" cannot stand in a layer`, []File{{From: at("ctl"), To: "/x"}}},
		{`"/x/.wh.motd" cannot stand in a layer`, []File{{From: at("wh/.wh.motd"), To: "/x/"}}},
		{`"\xff" cannot stand in a layer`, []File{{From: at("utf8"), To: "/x"}}},
		{"p is neither a file nor a folder", []File{{From: at("pipe"), To: "/x"}}},
		{"s is neither a file nor a folder", []File{{From: at("sock/s"), To: "/"}}},
		{"neither a file nor a folder", []File{{From: os.DevNull, To: "/x"}}},
		{"more than 8 GiB", []File{{From: at("app"), To: "/x"}}},
		{"/etc is a folder of the image", []File{{From: at("motd"), To: "/etc"}}},
		{"/opt/env/bin is a folder of the image", []File{{From: at("motd"), To: "/opt/env/bin"}}},
		{"next: end to with a slash: /opt/", []File{{From: at("motd"), To: "/opt"}}},
		{"/x is a folder, and a file", []File{{From: at("motd"), To: "/x"}, {From: at("tree"), To: "/x"}}},
		{"/x is a folder, and a file", []File{{From: at("tree"), To: "/x"}, {From: at("motd"), To: "/x"}}},
		{"/x/y/z stands below /x/y, which is no folder", []File{{From: at("tree/x"), To: "/x"}, {From: at("motd"), To: "/x/y/z"}}},
	} {
		got, err := files(t, c.files...)
		if fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), c.says) {
			t.Errorf("%q: %s, %v", c.says, got, err)
		}
	}
}

// A tree of too many files is given up early.
func TestTooManyFiles(t *testing.T) {
	g := mustGround(t, &Spec{})
	c := collecting{g: g, at: map[string]layer.Entry{}, file: File{From: host(t, "a", "b"), To: "/x"}, count: maxFiles - 1}
	if err := c.add(); fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), fmt.Sprint(maxFiles)) {
		t.Errorf("%v", err)
	}
	if err := (&collecting{g: g, at: map[string]layer.Entry{}, file: File{From: host(t, "a"), To: "/x", Mode: fs.ModeSetuid | 0o755}}).add(); err != nil {
		t.Errorf("%v", err)
	}
}
