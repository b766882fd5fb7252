//go:build live

package spread

import (
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
	dir := t.TempDir()
	prefix, wheels := filepath.Join(dir, "env"), filepath.Join(dir, "wheels")
	python := run(t, "python3", "-c", "import os, sys; print(os.path.realpath(sys.executable), '%d.%d' % sys.version_info[:2], '%d.%d.%d' % sys.version_info[:3])")
	f := strings.Fields(python)
	s := Scheme{Prefix: prefix, Python: f[1]}
	run(t, filepath.Join(filepath.Dir(f[0]), "python"+s.Python), "-m", "venv", "--without-pip", "--symlinks", prefix)
	venv := tree(t, dir, prefix)
	compareVenv(t, venv, Venv(s, filepath.Dir(f[0]), f[2]), strings.TrimPrefix(prefix, dir+"/"), s.root())

	run(t, "python3", "-m", "venv", filepath.Join(dir, "tools"))
	pip := filepath.Join(dir, "tools/bin/pip")
	run(t, pip, "install", "-q", "-U", "pip")
	t.Log(run(t, pip, "--version"))
	run(t, pip, append([]string{"download", "-q", "--only-binary", ":all:", "--no-deps", "-d", wheels}, samples...)...)
	run(t, pip, append([]string{"--python", prefix + "/bin/python", "install", "-q", "--no-index", "--find-links", wheels, "--no-compile", "--no-deps"}, samples...)...)
	after := tree(t, dir, prefix)
	for name := range venv {
		delete(after, name)
	}

	files, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil || len(files) != len(samples) {
		t.Fatalf("%d wheels, %v", len(files), err)
	}
	for _, file := range files {
		w, c, err := whl.OpenFile(file, filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := Spread(w, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := strings.TrimPrefix(strings.TrimPrefix("/"+e.Path, dir), "/")
			got, ok := after[name]
			if !ok {
				t.Errorf("%s: pip writes no %s", w.Filename, name)
				continue
			}
			delete(after, name)
			if got.mode != e.Mode {
				t.Errorf("%s: %s has mode %v, pip's %v", w.Filename, name, e.Mode, got.mode)
			}
			want, mine := got.text, bytesOf(t, w, e)
			switch filepath.Base(name) {
			case "INSTALLER":
				want = strings.Replace(want, "pip\n", "wheelwright\n", 1)
			case "RECORD":
				want, mine = withoutInstaller(want), withoutInstaller(mine)
			}
			if mine != want {
				t.Errorf("%s: %s differs from pip's:\n%.600q\n%.600q", w.Filename, name, mine, want)
			}
		}
		t.Logf("%s: %d entries", w.Filename, len(entries))
		c.Close()
	}
	for name := range after {
		if !strings.HasSuffix(name, ".dist-info/REQUESTED") {
			t.Errorf("pip writes %s, Spread does not", name)
		}
	}
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
	for name := range got {
		if base := filepath.Base(name); !slices.ContainsFunc(want, func(e Entry) bool { return name == prefix+"/"+strings.TrimPrefix(e.Path, root) }) &&
			!strings.HasPrefix(strings.ToLower(base), "activate") && base != ".gitignore" {
			t.Errorf("venv makes %s, Venv does not", name)
		}
	}
}

// node is a file or link on disk.
type node struct {
	mode fs.FileMode
	text string
}

// tree reads every file and link under prefix, by path relative to dir.
func tree(t *testing.T, dir, prefix string) map[string]node {
	t.Helper()
	m := map[string]node{}
	err := filepath.WalkDir(prefix, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		n := node{mode: st.Mode()}
		if st.Mode().Type() == fs.ModeSymlink {
			n.text, err = os.Readlink(p)
		} else {
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

func bytesOf(t *testing.T, w *whl.Wheel, e Entry) string {
	t.Helper()
	if e.Member == nil {
		return string(e.Literal)
	}
	r, err := w.OpenMember(*e.Member)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
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
