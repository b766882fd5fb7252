//go:build live

package spread

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wheelwright/wheelhouse/whl"
)

// samples are distributions that between them have every kind of thing an
// installer does: compiled modules, headers, data files, binaries and Python
// text in .data/scripts, console scripts, executable members.
var samples = []string{"numpy", "ninja", "greenlet", "accelerate", "black", "ruff", "jmespath", "jupyterlab-widgets",
	"docutils", "pyyaml", "debugpy", "setuptools", "pybind11", "tqdm", "cmake"}

// TestAsPip installs real wheels with the newest pip and compares file tree,
// modes and contents with Spread, and the environment itself with Venv.
func TestAsPip(t *testing.T) {
	p := newPip(t)
	wheels := filepath.Join(p.dir, "wheels")
	run(t, p.exe, append([]string{"download", "-q", "--only-binary", ":all:", "--no-deps", "-d", wheels}, samples...)...)
	files, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil || len(files) != len(samples) {
		t.Fatalf("%d wheels, %v", len(files), err)
	}
	p.compare(t, files)
}

// TestSetAsPip does the same with every wheel of the folder that
// WHEELWRIGHT_WHEELS names, as wheelwright wheelhouse fill lays them out. The
// wheels must fit python3.
func TestSetAsPip(t *testing.T) {
	dir := os.Getenv("WHEELWRIGHT_WHEELS")
	if dir == "" {
		t.Skip("WHEELWRIGHT_WHEELS names no folder")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds %d wheels, %v", dir, len(files), err)
	}
	newPip(t).compare(t, files)
}

// pip is the newest pip and an environment that it installs into.
type pip struct {
	dir, exe string
	prefix   string
	scheme   Scheme
	venv     map[string]node // what the environment is before
}

// newPip makes an environment of python3 and compares it with Venv.
func newPip(t *testing.T) *pip {
	t.Helper()
	dir := t.TempDir()
	f := strings.Fields(run(t, "python3", "-c", "import os, sys; print(os.path.realpath(sys.executable), '%d.%d' % sys.version_info[:2], '%d.%d.%d' % sys.version_info[:3])"))
	p := &pip{dir: dir, exe: filepath.Join(dir, "tools/bin/pip"), prefix: filepath.Join(dir, "env")}
	p.scheme = Scheme{Prefix: p.prefix, Python: f[1]}
	run(t, filepath.Join(filepath.Dir(f[0]), "python"+f[1]), "-m", "venv", "--without-pip", "--symlinks", p.prefix)
	p.venv = tree(t, dir, p.prefix)
	compareVenv(t, p.venv, Venv(p.scheme, filepath.Dir(f[0]), f[2]), "env", p.scheme.root())
	run(t, "python3", "-m", "venv", filepath.Join(dir, "tools"))
	run(t, p.exe, "install", "-q", "-U", "pip")
	t.Log(run(t, p.exe, "--version"))
	return p
}

// compare installs the wheels and holds what is there against Spread: the same
// files, modes, links and bytes but for INSTALLER, REQUESTED and their lines in
// RECORD; and, of folders, those that the files stand in, open to all.
func (p *pip) compare(t *testing.T, files []string) {
	t.Helper()
	args := []string{"--python", p.prefix + "/bin/python", "install", "-q", "--no-index", "--no-compile", "--no-deps", "--find-links", filepath.Dir(files[0])}
	for _, file := range files { // by name: of a path pip would write direct_url.json
		part := strings.SplitN(filepath.Base(file), "-", 3)
		args = append(args, part[0]+"=="+part[1])
	}
	run(t, p.exe, args...)
	after := tree(t, p.dir, p.prefix)
	for name := range p.venv {
		delete(after, name)
	}
	seen := map[string]bool{}
	for _, file := range files {
		w, c, err := whl.OpenFile(file, filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := Spread(w, p.scheme)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := strings.TrimPrefix(strings.TrimPrefix("/"+e.Path, p.dir), "/")
			got, ok := after[name]
			if !ok {
				t.Errorf("%s: pip writes no %s", w.Filename, name)
				continue
			}
			seen[name] = true
			if got.mode != e.Mode {
				t.Errorf("%s: %s has mode %v, pip's %v", w.Filename, name, e.Mode, got.mode)
			}
			want, mine := onDisk(t, filepath.Join(p.dir, name)), bytesOf(t, w, e)
			switch filepath.Base(name) {
			case "INSTALLER":
				want = edited(t, want, func(s string) string { return strings.Replace(s, "pip\n", "wheelwright\n", 1) })
			case "RECORD":
				want, mine = edited(t, want, withoutInstaller), edited(t, mine, withoutInstaller)
			}
			if at, equal := same(t, want, mine); !equal {
				t.Errorf("%s: %s differs from pip's from byte %d on", w.Filename, name, at)
			}
		}
		t.Logf("%s: %d entries", w.Filename, len(entries))
		c.Close()
	}
	for name, n := range after {
		switch {
		case n.mode.IsDir() && n.mode.Perm() != 0o755:
			t.Errorf("%s has mode %v, layers give folders 0755", name, n.mode)
		case !n.mode.IsDir() && !seen[name] && !strings.HasSuffix(name, ".dist-info/REQUESTED"):
			t.Errorf("pip writes %s, Spread does not", name)
		}
	}
	t.Logf("%d wheels, %d files", len(files), len(seen))
}

func withoutInstaller(record string) string {
	lines := strings.SplitAfter(record, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return strings.Contains(l, ".dist-info/INSTALLER,") || strings.Contains(l, ".dist-info/REQUESTED,")
	}), "")
}

func compareVenv(t *testing.T, got map[string]node, want []Entry, prefix, root string) {
	t.Helper()
	for _, e := range want {
		name := prefix + "/" + strings.TrimPrefix(e.Path, root)
		n, ok := got[name]
		text := n.text
		if strings.HasSuffix(name, "/pyvenv.cfg") {
			text, _, _ = strings.Cut(text, "command = ")
			if s, _, ok := strings.Cut(text, "executable = "); ok && !strings.Contains(string(e.Literal), text) {
				text = s
			}
		}
		switch {
		case !ok:
			t.Errorf("venv makes no %s", name)
		case n.mode.Type() != e.Mode.Type():
			t.Errorf("%s has mode %v, venv's %v", name, e.Mode, n.mode)
		case e.Link == "" && string(e.Literal) != text:
			t.Errorf("%s is %q, venv's %q", name, e.Literal, text)
		}
	}
	for name, n := range got {
		if base := filepath.Base(name); !n.mode.IsDir() && !slices.ContainsFunc(want, func(e Entry) bool { return name == prefix+"/"+strings.TrimPrefix(e.Path, root) }) &&
			!strings.HasPrefix(strings.ToLower(base), "activate") && base != ".gitignore" {
			t.Errorf("venv makes %s, Venv does not", name)
		}
	}
}

// node is a file, folder or link on disk.
type node struct {
	mode fs.FileMode
	text string // of a small file, or where a link leads
}

// tree reads everything below prefix, by path relative to dir.
func tree(t *testing.T, dir, prefix string) map[string]node {
	t.Helper()
	m := map[string]node{}
	err := filepath.WalkDir(prefix, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		n := node{mode: st.Mode()}
		switch {
		case st.Mode().Type() == fs.ModeSymlink:
			n.text, err = os.Readlink(p)
		case st.Mode().IsRegular() && st.Size() < 1<<10:
			var raw []byte
			raw, err = os.ReadFile(p)
			n.text = string(raw)
		}
		rel, _ := filepath.Rel(dir, p)
		m[rel] = n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func onDisk(t *testing.T, p string) io.ReadCloser {
	t.Helper()
	if target, err := os.Readlink(p); err == nil {
		return io.NopCloser(strings.NewReader("link to " + target))
	}
	f, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func bytesOf(t *testing.T, w *whl.Wheel, e Entry) io.ReadCloser {
	t.Helper()
	switch {
	case e.Link != "":
		return io.NopCloser(strings.NewReader("link to " + e.Link))
	case e.Member == nil:
		return io.NopCloser(bytes.NewReader(e.Literal))
	}
	r, err := w.OpenMember(*e.Member)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// edited is r's text, changed by f.
func edited(t *testing.T, r io.ReadCloser, f func(string) string) io.ReadCloser {
	t.Helper()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	return io.NopCloser(strings.NewReader(f(string(raw))))
}

// same compares to the end and closes both; at is the first difference.
func same(t *testing.T, x, y io.ReadCloser) (at int64, equal bool) {
	t.Helper()
	defer x.Close()
	defer y.Close()
	a, b := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, err1 := io.ReadFull(x, a)
		m, err2 := io.ReadFull(y, b)
		for _, err := range []error{err1, err2} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Fatal(err)
			}
		}
		for i := range min(n, m) {
			if a[i] != b[i] {
				return at + int64(i), false
			}
		}
		if n != m || err1 != nil {
			return at + int64(min(n, m)), n == m
		}
		at += int64(n)
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PIP_DISABLE_PIP_VERSION_CHECK=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
