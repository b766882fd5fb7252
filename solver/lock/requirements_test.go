package lock

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"wheelwright/solver/pep508"
)

// TestRequirementsGolden exports locks of this tool, of uv and of pip.
func TestRequirementsGolden(t *testing.T) {
	for name, l := range map[string]Lock{"full": full(), "uv": read(t, "uv.toml"), "pip": read(t, "pip.toml")} {
		got, err := l.Requirements("https://index.test/simple")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".requirements.txt", got)
		onlyRequirements(t, got)
	}
}

var requirementLine = regexp.MustCompile(`^[a-z0-9-]+(==[a-z0-9.+!]+| @ (https?|file):\S+)( ; [^\\]*\S)? \\$`)

// onlyRequirements fails where a line of an export is none of its own forms:
// where text of a lock became an option, a comment's end or a second line.
func onlyRequirements(t *testing.T, text []byte) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "# "), strings.HasPrefix(line, "    # via "):
		case strings.HasPrefix(line, "--index-url http"), strings.HasPrefix(line, "--extra-index-url http"):
			if strings.Count(line, " ") != 1 {
				t.Errorf("more than an address: %q", line)
			}
		case strings.HasPrefix(line, "    --hash=sha256:"):
			if !isSHA256(strings.TrimSuffix(strings.TrimPrefix(line, "    --hash=sha256:"), ` \`)) {
				t.Errorf("no sha256: %q", line)
			}
		case !requirementLine.MatchString(line), strings.Contains(line, "${"):
			t.Errorf("no line of a requirements file: %q", line)
		}
	}
}

// TestRequirementsOfIndexes: which indexes stand in the file, given where the
// packages come from.
func TestRequirementsOfIndexes(t *testing.T) {
	const byDefault, mirror, cu118 = "https://index.test/simple", "https://mirror.test/simple", "https://torch.test/whl/cu118"
	for name, c := range map[string]struct {
		indexes []string // of one package each; empty: a local wheel
		want    string
	}{
		"the default alone is unsaid":        {[]string{byDefault, byDefault + "/"}, ""},
		"a mirror alone replaces it":         {[]string{mirror, mirror}, "--index-url " + mirror},
		"beside the default the other joins": {[]string{cu118, cu118, byDefault}, "--extra-index-url " + cu118},
		"the one with most comes first":      {[]string{cu118, mirror, mirror}, "--index-url " + mirror + "\n--extra-index-url " + cu118},
		"of two with as many the first name": {[]string{cu118, mirror}, "--index-url " + mirror + "\n--extra-index-url " + cu118},
		"local wheels need none":             {[]string{"", ""}, ""},
		"local wheels name none":             {[]string{"", mirror}, "--index-url " + mirror},
	} {
		var l Lock
		for i, index := range c.indexes {
			file := string(rune('a'+i)) + "-1-py3-none-any.whl"
			w := Wheel{Name: file, URL: "https://files.test/" + file, SHA256: hash("a")}
			if index == "" {
				w.URL, w.Path = "", "dist/"+file
			}
			l.Packages = append(l.Packages, Package{Name: pep508.Name(file[:1]), Version: "1", Index: index, Wheels: []Wheel{w}})
		}
		text, err := l.Requirements(byDefault)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "--") {
				got = append(got, line)
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestRequirementsRefuseWhatPipReadsOtherwise: text of a foreign lock that
// would be more than the requirement it belongs to.
func TestRequirementsRefuseWhatPipReadsOtherwise(t *testing.T) {
	for _, marker := range []string{"os_name == 'a'\n--index-url https://evil.test", "os_name == '${HOME}'", "nonsense", "os_name == 'a' # x",
		"os_name == 'a #'", "os_name == 'a --index-url https://evil.test'"} {
		l := full()
		pick(&l, "torch").Marker = marker
		if text, err := l.Requirements(""); err == nil {
			t.Errorf("marker %q is written:\n%s", marker, text)
		}
	}
	l := full()
	l.Profile, l.Target.Glibc = "a\n--index-url https://evil.test", "2\r\n-r x"
	pick(&l, "triton").Wheels[0].Path = "../${HOME}/a --hash=x #/triton-3.2.0-cp311-cp311-linux_x86_64.whl"
	text, err := l.Requirements("")
	if err != nil {
		t.Fatal(err)
	}
	onlyRequirements(t, text)
	if want := "triton @ file:../$%7BHOME%7D/a%20--hash=x%20%23/triton-3.2.0-cp311-cp311-linux_x86_64.whl"; !strings.Contains(string(text), want) {
		t.Errorf("want %s in\n%s", want, text)
	}
}

// TestPlain: what is left has PEP 751's keys alone.
func TestPlain(t *testing.T) {
	text := full().Plain().Marshal()
	if bytes.Contains(text, []byte("[tool")) || len(Diff(full(), mustParse(t, text))) != 0 {
		t.Errorf("got\n%s", text)
	}
}

func mustParse(t *testing.T, text []byte) Lock {
	t.Helper()
	l, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestMoved(t *testing.T) {
	for _, c := range []struct{ path, from, to, want string }{
		{"dist/x.whl", "/a/locks", "/a/locks/sub", "../dist/x.whl"},
		{"../my dist/x.whl", "/a/locks", "/a", "my dist/x.whl"},
		{"/srv/x.whl", "/a", "/b", "/srv/x.whl"},
		{"", "/a", "/b", ""},
	} {
		l := Lock{Packages: []Package{{Name: "x", Wheels: []Wheel{{Path: c.path}}}}}
		moved := l.Moved(c.from, c.to)
		if got := moved.Packages[0].Wheels[0].Path; got != c.want {
			t.Errorf("%s from %s to %s: %s, want %s", c.path, c.from, c.to, got, c.want)
		}
		if l.Packages[0].Wheels[0].Path != c.path {
			t.Error("the lock itself was changed")
		}
	}
}
