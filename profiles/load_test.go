package profiles

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with a file, or writes it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestShippedProfiles(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != name {
				t.Errorf("the file of %s names itself %s", name, p.Name)
			}
			if p.Summary == "" {
				t.Error("no summary")
			}
			if _, err := p.Problem(); err != nil {
				t.Error(err)
			}
			golden(t, "testdata/shipped/"+name+".yaml", p.YAML())
		})
	}
	files, err := filepath.Glob("testdata/shipped/*.yaml")
	if err != nil || len(files) != len(Names()) {
		t.Errorf("%d golden files for %d profiles (%v)", len(files), len(Names()), err)
	}
}

// memory reads the files of an archive from the folder /here.
func memory(a archive) loader {
	return loader{read: func(path string) ([]byte, error) {
		for _, f := range a {
			if filepath.Join("/here", f.name) == path {
				return f.data, nil
			}
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}}
}

// TestFiles runs testdata/*/*.txtar: the first file is the profile, the last
// is what Load makes of it, "want" the merged text or "error" the message;
// the others are what it extends.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".txtar"), func(t *testing.T) {
			a := readArchive(t, file)
			first, last := a[0], &a[len(a)-1]
			src := &source{label: first.name, dir: filepath.Dir(filepath.Join("/here", first.name)), data: first.data}
			p, err := memory(a).profile(src, filepath.Join("/here", first.name))
			kind, text := "want", ""
			if err != nil {
				kind, text = "error", fault.Render(err)
				if fault.KindOf(err) != fault.Input {
					t.Errorf("kind %d, want %d", fault.KindOf(err), fault.Input)
				}
			} else {
				text = string(p.YAML())
			}
			if kind != last.name {
				t.Fatalf("got %s, the case has %s:\n%s", kind, last.name, text)
			}
			if *update {
				last.data = []byte(text)
				if err := os.WriteFile(file, a.bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(last.data), text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownName(t *testing.T) {
	for name, nearest := range map[string]string{
		"ada_cu12":     "ada_cu124",
		"hoper_cu130":  "hopper_cu130",
		"CPU":          "cpu",
		"turing-cu118": "turing_cu118",
		"_base":        "cpu",
		"":             "cpu",
	} {
		_, err := Load(name)
		if err == nil {
			t.Errorf("%q was loaded", name)
			continue
		}
		text := fault.Render(err)
		if fault.KindOf(err) != fault.Input || !strings.Contains(text, "next: use "+nearest+",") || !strings.Contains(text, strings.Join(Names(), ", ")) {
			t.Errorf("%q, kind %d:\n%s", name, fault.KindOf(err), text)
		}
	}
}

func TestLoadPath(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("shared/base.yaml", "name: base\npython: \"3.12\"\nrequires: [torch]\nindexes: [{path: wheels}]\nimage: {base: \"oci:root\"}\n")
	top := write("mine.yml", "name: mine\nextends: shared/base.yaml\nindexes: [{find-links: links}]\nrequires: [\"demo @ file:demo-1.0-py3-none-any.whl\"]\n")
	p, err := Load(top)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Indexes[0].Path, filepath.Join(dir, "shared/wheels"); got != want {
		t.Errorf("path of the parent is %s, want %s", got, want)
	}
	if got, want := p.Indexes[1].FindLinks, filepath.Join(dir, "links"); got != want {
		t.Errorf("find-links is %s, want %s", got, want)
	}
	if got, want := p.Image.Base, "oci:"+filepath.Join(dir, "shared/root"); got != want {
		t.Errorf("base is %s, want %s", got, want)
	}
	if got, want := p.Requires[1], "demo @ file://"+filepath.Join(dir, "demo-1.0-py3-none-any.whl"); got != want {
		t.Errorf("direct reference is %s, want %s", got, want)
	}
	if strings.Contains(string(p.YAML()), dir) {
		t.Errorf("canonical text holds the folder of this machine:\n%s", p.YAML())
	}
	again, err := Load(write("again.yaml", string(p.YAML())))
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest() != again.Digest() {
		t.Errorf("read back, the text changed:\n%s", cmp.Diff(string(p.YAML()), string(again.YAML())))
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := Load(write("again.json", string(data)))
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if p.Digest() == asJSON.Digest() {
		t.Error("absolute folders written by hand are not part of the digest")
	}
	if diff := cmp.Diff(p.Indexes, asJSON.Indexes, cmp.AllowUnexported(Index{})); diff != "" {
		t.Error(diff)
	}
	write("large.yaml", "# "+strings.Repeat("x", maxBytes)+"\n"+string(p.YAML()))
	for _, bad := range []string{filepath.Join(dir, "large.yaml"), dir + "/", filepath.Join(dir, "none.yaml"), "/dev/zero"} {
		if _, err := Load(bad); fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestWithPython(t *testing.T) {
	p, err := Load("ada_cu124")
	if err != nil {
		t.Fatal(err)
	}
	before := p.Digest()
	q, err := p.WithPython("3.12")
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest() != before || p.Python != "3.11" {
		t.Error("the receiver changed")
	}
	if q.Digest() == before || !strings.Contains(string(q.YAML()), `python: "3.12"`) {
		t.Error("the text did not change")
	}
	problem, err := q.Problem()
	if err != nil {
		t.Fatal(err)
	}
	if got := problem.Env["python_full_version"]; got != "3.12.0" {
		t.Errorf("python_full_version is %q", got)
	}
	if got := problem.Target.Python; got.Major != 3 || got.Minor != 12 {
		t.Errorf("target is %v", got)
	}
	exact, err := p.WithPython("3.13.2")
	if err != nil || exact.PythonFull() != "3.13.2" || exact.PythonShort() != "3.13" {
		t.Errorf("%v %q %q", err, exact.PythonFull(), exact.PythonShort())
	}
	for _, bad := range []string{"", "3", "3.8", "3.15", "3.11.", "3.011", "py311", "3.13t"} {
		if _, err := p.WithPython(bad); fault.KindOf(err) != fault.Input {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCredentialsStayOut(t *testing.T) {
	text := "name: x\npython: \"3.11\"\nrequires: [torch]\nindexes:\n  - {name: corp, url: \"https://user:hunter2@index.test/simple/\"}\n"
	p, err := loader{}.profile(&source{label: "x.yaml", dir: "/here", data: []byte(text)}, "")
	if err != nil {
		t.Fatal(err)
	}
	user, password, ok := p.Indexes[0].Credentials()
	if user != "user" || password != "hunter2" || !ok {
		t.Errorf("credentials are %q %q %v", user, password, ok)
	}
	data, _ := json.Marshal(p)
	if strings.Contains(string(p.YAML())+string(data), "hunter2") {
		t.Error("the password is printed")
	}
}
