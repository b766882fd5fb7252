//go:build live

package lock

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// index stands for the default index of pip and uv, whose name no file spells.
const index = "https://index.test/simple"

// TestPipAndUVReadOurLock makes a lock of real wheels (one from a folder, one
// a direct reference) and has the newest pip and uv install it, every hash
// checked, into fresh environments.
func TestPipAndUVReadOurLock(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run(t, "python3", "-m", "venv", at("tools"))
	run(t, at("tools/bin/pip"), "install", "-q", "-U", "pip")
	t.Log(run(t, at("tools/bin/pip"), "--version"), run(t, "uv", "--version"))
	python := strings.TrimSpace(run(t, "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"))

	run(t, at("tools/bin/pip"), "install", "-q", "--dry-run", "--ignore-installed", "--only-binary", ":all:", "--report", at("report.json"), "requests", "numpy", "six")
	run(t, at("tools/bin/pip"), "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", at("my dist"), "idna")
	var report struct {
		Install []struct {
			Info struct {
				URL     string
				Archive struct{ Hashes struct{ SHA256 string } } `json:"archive_info"`
			} `json:"download_info"`
			Metadata struct {
				Name, Version  string
				RequiresPython string `json:"requires_python"`
			}
		}
	}
	raw, err := os.ReadFile(at("report.json"))
	if err == nil {
		err = json.Unmarshal(raw, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	var s solver.Solution
	for _, i := range report.Install {
		p := solver.Package{Name: pep508.Normalize(i.Metadata.Name), Version: pep440.MustParse(i.Metadata.Version),
			Index: "default", File: solver.File{Name: i.Info.URL[strings.LastIndex(i.Info.URL, "/")+1:], URL: i.Info.URL, SHA256: i.Info.Archive.Hashes.SHA256}}
		p.Metadata.RequiresPython = i.Metadata.RequiresPython
		switch p.Name {
		case "idna":
			p.File.URL = "file://" + strings.ReplaceAll(at("my dist/"+p.File.Name), " ", "%20")
		case "six":
			p.Direct = p.File.URL
		case "requests":
			p.Requires = []pep508.Name{"idna", "urllib3"}
		}
		s.Packages = append(s.Packages, p)
	}
	l := From(s, Meta{Profile: "live", ProfileDigest: "sha256:" + hash("0"), Target: Target{python, "x86_64", "2.28"}, Dir: dir, Indexes: map[string]string{"default": index}})
	l.Image = full().Image
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("pylock.live.toml"), l.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", l.Marshal())

	t.Log(run(t, "uv", "pip", "install", "--dry-run", "--python", at("tools/bin/python"), "-r", at("pylock.live.toml")))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	text, err := l.Moved(dir, here).Requirements(index)
	if err == nil {
		err = os.WriteFile(at("requirements.txt"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	t.Log(run(t, at("tools/bin/pip"), "install", "--dry-run", "--ignore-installed", "--require-hashes", "--no-deps", "-r", at("requirements.txt")))
	t.Log(run(t, "uv", "pip", "install", "--dry-run", "--python", at("tools/bin/python"), "-r", at("requirements.txt")))

	run(t, "python3", "-m", "venv", "--without-pip", at("byuv"))
	run(t, "python3", "-m", "venv", "--without-pip", at("bypip"))
	run(t, "uv", "pip", "install", "--python", at("byuv/bin/python"), "-r", at("pylock.live.toml"))
	run(t, at("tools/bin/pip"), "--python", at("bypip/bin/python"), "install", "-r", at("pylock.live.toml"))
	for _, env := range []string{"byuv", "bypip"} {
		t.Log(run(t, "uv", "pip", "check", "--python", at(env+"/bin/python")))
		if got := run(t, "uv", "pip", "freeze", "--python", at(env+"/bin/python")); strings.Count(got, "==")+strings.Count(got, " @ ") != len(s.Packages) {
			t.Errorf("%s has %s", env, got)
		}
	}

	broken := From(s, Meta{Target: l.Target, Dir: dir})
	broken.Packages[0].Wheels[0].SHA256 = hash("0")
	if err := os.WriteFile(at("pylock.broken.toml"), broken.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "python3", "-m", "venv", "--without-pip", at("none"))
	if out, err := exec.Command(at("tools/bin/pip"), "--python", at("none/bin/python"), "install", "-r", at("pylock.broken.toml")).CombinedOutput(); err == nil {
		t.Errorf("pip took a lock with a wrong hash: %s", out)
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PIP_DISABLE_PIP_VERSION_CHECK=1", "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
