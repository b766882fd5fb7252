package lock

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
)

func wantFault(t *testing.T, err error, says ...string) {
	t.Helper()
	if fault.KindOf(err) != fault.Input {
		t.Errorf("got %v, want an input fault", err)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q does not say %q", err, s)
		}
	}
}

func read(t *testing.T, name string) Lock {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestForeign reads what uv 0.13.9 and pip 26.3 wrote for one small set (hosts
// replaced): uv with several wheels and an sdist, pip with nested tables.
func TestForeign(t *testing.T) {
	uv, pip := read(t, "uv.toml"), read(t, "pip.toml")
	p, ok := uv.Package("charset-normalizer")
	if !ok || len(p.Wheels) != 3 || p.Index != "https://index.test/simple" {
		t.Fatalf("uv: %+v", p)
	}
	w := p.Wheels[0]
	if w.Name != "charset_normalizer-3.5.2-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl" ||
		w.Size != 269972 || !w.Uploaded.Equal(time.Date(2026, 9, 30, 4, 35, 14, 0, time.UTC)) || w.SHA256[:4] != "211d" {
		t.Errorf("uv: %+v", w)
	}
	if uv.CreatedBy != "uv" || uv.RequiresPython != "==3.11.*" || len(uv.Packages) != 3 {
		t.Errorf("uv: %+v", uv)
	}
	if r, _ := uv.Package("lazy-importer"); r.Marker != "python_full_version < '3.15'" {
		t.Errorf("uv: marker %q", r.Marker)
	}
	r, _ := pip.Package("requests")
	if !r.Direct || r.Version != "2.32.3" || r.Wheels[0].Name != "requests-2.32.3-py3-none-any.whl" {
		t.Errorf("pip: a direct reference reads %+v", r)
	}
	for _, l := range []Lock{uv, pip} {
		again, err := Parse(l.Marshal())
		if err != nil || !again.Equal(l) {
			t.Errorf("%s: written and read again it differs (%v)", l.CreatedBy, err)
		}
		if strings.Contains(string(l.Marshal()), "tool.wheelwright") {
			t.Errorf("%s: a foreign lock gained our table", l.CreatedBy)
		}
	}
}

const head = "lock-version = \"1.0\"\ncreated-by = \"x\"\n"

// one is a lock of one package whose wheel is given; the wheel is in line 6.
func one(wheel string) string {
	return head + "[[packages]]\nname = \"demo\"\nversion = \"1.0\"\nwheels = [" + wheel + "]\n"
}

func TestParseRefuses(t *testing.T) {
	good := `hashes = { sha256 = "` + hash("a") + `" }`
	url := `url = "https://h.test/demo-1.0-py3-none-any.whl", `
	for _, c := range []struct {
		name, text string
		says       []string
	}{
		{"not TOML", "lock-version = \n", []string{"line 1"}},
		{"wrong type", head + "packages = 3\n", []string{"line 3"}},
		{"no version", "created-by = \"x\"\npackages = []\n", []string{"lock-version"}},
		{"version 2", "lock-version = \"2.0\"\n", []string{"2.0", "only 1.x"}},
		{"version 10", "lock-version = \"10.0\"\n", []string{"only 1.x"}},
		{"version text", "lock-version = \"1.x\"\n", []string{"no version"}},
		{"requires-python", head + "requires-python = \"3\"\n", []string{"requires-python", `"3"`}},
		{"no name", head + "[[packages]]\nversion = \"1\"\n", []string{"line 3", "without a name"}},
		{"bad name", head + "[[packages]]\nname = \"-x-%s\"\n", []string{`"-x-%s"`, "no name"}},
		{"bad version", head + "[[packages]]\nname = \"a\"\nversion = \"one\"\n", []string{"line 3", `"one"`}},
		{"no wheel", head + "[[packages]]\nname = \"a\"\n\n[[packages]]\nname = \"b\"\n", []string{"line 3", `"a": has no wheel`}},
		{"sdist only", head + "[[packages]]\nname = \"a\"\nsdist = { url = \"https://h.test/a-1.tar.gz\", " + good + " }\n", []string{"has no wheel"}},
		{"vcs", head + "[[packages]]\nname = \"a\"\n[packages.vcs]\ntype = \"git\"\n", []string{"version control"}},
		{"directory", head + "[[packages]]\nname = \"a\"\ndirectory = { path = \".\" }\n", []string{"source folder"}},
		{"both", head + "[[packages]]\nname = \"demo\"\narchive = { " + url + good + " }\nwheels = [{ " + url + good + " }]\n", []string{"both"}},
		{"archive sdist", head + "[[packages]]\nname = \"a\"\narchive = { url = \"https://h.test/a-1.tar.gz\", " + good + " }\n", []string{"line 5", "is no wheel"}},
		{"no hash", one(`{ ` + url + ` hashes = { sha512 = "aa" } }`), []string{"line 6", "sha256"}},
		{"short hash", one(`{ ` + url + ` hashes = { sha256 = "aa" } }`), []string{"line 6", `"aa"`}},
		{"hash letters", one(`{ ` + url + ` hashes = { sha256 = "` + hash("g") + `" } }`), []string{"64 hex digits"}},
		{"second wheel", one("\n{ " + url + good + " },\n{ " + url + "},\n"), []string{"line 8"}},
		{"size", one(`{ ` + url + `size = -1, ` + good + ` }`), []string{"size -1"}},
		{"no address", one(`{ name = "demo-1.0-py3-none-any.whl", ` + good + ` }`), []string{"neither path nor a url"}},
		{"other scheme", one(`{ url = "ftp://h.test/demo-1.0-py3-none-any.whl", ` + good + ` }`), []string{"neither path nor a url"}},
		{"relative url", one(`{ url = "demo-1.0-py3-none-any.whl", ` + good + ` }`), []string{"neither path nor a url"}},
		{"url in path", one(`{ path = "https://u:p@h.test/demo-1.0-py3-none-any.whl", ` + good + ` }`), []string{"line 6", "not a path"}},
		{"folder in name", one(`{ name = "../demo-1.0-py3-none-any.whl", ` + url + good + ` }`), []string{"plain file name"}},
		{"newline in name", one(`{ name = "demo-1.0-py3-none-any.whl\n.whl", ` + url + good + ` }`), []string{"plain file name"}},
		{"backslash", one(`{ name = "a\\demo-1.0-py3-none-any.whl", ` + url + good + ` }`), []string{"plain file name"}},
		{"other name", one(`{ name = "demon-1.0-py3-none-any.whl", ` + url + good + ` }`), []string{"belongs to demon"}},
		{"other version", one(`{ name = "demo-1.0.1-py3-none-any.whl", ` + url + good + ` }`), []string{"not of version 1.0"}},
		{"local version", one(`{ name = "demo-1.0+cu124-py3-none-any.whl", ` + url + good + ` }`), []string{"not of version 1.0"}},
		{"no wheel name", one(`{ name = "demo.whl", ` + url + good + ` }`), []string{"not the name of a wheel"}},
		{"upload-time", one(`{ ` + url + `upload-time = "yesterday", ` + good + ` }`), []string{"upload-time"}},
		{"upload date", one(`{ ` + url + `upload-time = 2024-01-01, ` + good + ` }`), []string{"upload-time"}},
		{"twice", one("{ "+url+good+" }") + one("{ " + url + good + " }")[len(head):], []string{"line 7", "twice"}},
		{"dependency", head + "[[packages]]\nname = \"a\"\ndependencies = [{ name = \"b c\" }]\n", []string{"dependency"}},
		{"profile digest", head + "packages = []\n[tool.wheelwright]\nprofile-digest = \"x\"\n", []string{"profile-digest"}},
		{"layer", head + "packages = []\n[[tool.wheelwright.image.layers]]\ndigest = \"x\"\n", []string{"layer 1"}},
		{"base", head + "packages = []\n[tool.wheelwright.base]\nrelease = \"12.9\"\n", []string{"base: no name"}},
		{"base digest", head + "packages = []\n[tool.wheelwright.image]\nbase-digest = \"x\"\n", []string{"base-digest"}},
		{"build", head + "packages = []\n[tool.wheelwright.builds]\n\"a b\" = { cuda = \"12.4\" }\n", []string{"builds"}},
		{"too large", strings.Repeat("#", MaxText+1), []string{"at most"}},
		{"deep", head + "x = " + strings.Repeat("[", 1<<20), []string{"nested"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			wantFault(t, err, c.says...)
		})
	}
}

// TestNoCredentialInAnything: an address with a password gives it neither to
// the value nor to an error.
func TestNoCredentialInAnything(t *testing.T) {
	good := one(`{ url = "https://u:hunter2@h.test/demo-1.0-py3-none-any.whl?t=hunter2", hashes = { sha256 = "` + hash("a") + `" } }`)
	l, err := Parse([]byte(good))
	if err != nil || strings.Contains(string(l.Marshal()), "hunter2") {
		t.Errorf("%v\n%s", err, l.Marshal())
	}
	for _, text := range []string{
		strings.Replace(good, hash("a"), "x", 1),
		strings.Replace(good, `/demo-1.0`, `/demo-1.1`, 1),
		strings.Replace(good, `https:`, `htt ps:`, 1),
		strings.Replace(good, ` }]`, ` ]`, 1),
		strings.Replace(good, "url =", "size =", 1),
	} {
		if _, err := Parse([]byte(text)); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(fault.Render(err), "hunter2") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestUploadTimeWithoutZoneIsUTC(t *testing.T) {
	l, err := Parse([]byte(one(`{ path = 'x\demo-1.0-py3-none-any.whl', upload-time = 2024-05-06T07:08:09.9, hashes = { sha256 = "` + strings.ToUpper(hash("a")) + `" } }`)))
	if err != nil {
		t.Fatal(err)
	}
	w := l.Packages[0].Wheels[0]
	if w.Uploaded.Format(time.RFC3339Nano) != "2024-05-06T07:08:09Z" || w.SHA256 != hash("a") || w.Name != "demo-1.0-py3-none-any.whl" {
		t.Errorf("%+v", w)
	}
}

// FuzzParse: no panic; what is read can be written and read again, and no
// file name leaves its folder.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"uv.toml", "pip.toml", "full.toml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, c := range badBases {
		f.Add([]byte(baseText(c.text)))
	}
	f.Add([]byte(oldImage))
	f.Add([]byte(one(`{ name = "../x", hashes = {} }`)))
	f.Add([]byte(head + "packages = [{ name = \"a\", wheels = [{}] }]"))
	f.Add([]byte(head + "packages.x = 1\n[packages.wheels]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Parse(text)
		if err != nil {
			if fault.KindOf(err) != fault.Input || len(err.Error()) > 2000 {
				t.Fatalf("error %v", err)
			}
			return
		}
		for _, w := range l.Files() {
			u, err := url.Parse(w.URL)
			if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || filepath.Base(w.Name) != w.Name {
				t.Fatalf("wheel %+v, %v", w, err)
			}
		}
		again, err := Parse(l.Marshal())
		if err != nil || !bytes.Equal(again.Marshal(), l.Marshal()) || again.Digest() != l.Digest() {
			t.Fatalf("written and read again: %v\n%s", err, l.Marshal())
		}
		if l.Base != nil {
			staysBelow(t, l.Base)
		}
		if text, err := l.Requirements("https://index.test/simple"); err == nil {
			onlyRequirements(t, text)
		} else if fault.KindOf(err) != fault.Input {
			t.Fatalf("exported: %v", err)
		}
	})
}
