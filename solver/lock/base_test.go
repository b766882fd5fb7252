package lock

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func fullBase() *Base {
	return &Base{
		Name: "debian:12", Release: "12.15", At: "2026-11-14T10:21:03Z",
		Packages: []string{"libc6-dev", "gcc"}, Apt: []string{"https://apt.index.test/team stable main"},
		Debs: []Deb{
			{"zlib1g", "1:1.2.13.dfsg-1", hash("6"), 86712, "pool/main/z/zlib/zlib1g_1.2.13.dfsg-1_amd64.deb", "debian", "python"},
			{"base-files", "12.4+deb12u8", hash("5"), 70720, "pool/main/b/base-files/base-files_12.4+deb12u8_amd64.deb", "debian", "base"},
			{"tool", "1", hash("8"), 9, "tool_1_all.deb", "https://apt.index.test/team", "packages"},
		},
		Choices: []Choice{{"debconf (>= 0.5) | debconf-2.0", "tzdata", "debconf", ""}, {"awk", "base-files", "mawk", "gawk: it conflicts with mawk"}},
	}
}

// registryBase is an image's, with what a Debian base does not have.
func registryBase() *Base {
	return &Base{
		Name: "reg.index.test/py:3@sha256:" + hash("9"), Ref: "reg.index.test/py:3@sha256:" + hash("a"),
		Config: `{"config":{"Env":["A=\"1\""]}}` + "\n", Blobs: []Blob{{hash("9"), 500}, {hash("b"), 600}, {hash("c"), 1 << 30}},
	}
}

func randomBase(r *rand.Rand, word func(int) string, odd, hex func() string) *Base {
	b := &Base{Name: word(9), Release: word(3), Config: odd(), At: "2026-11-14T10:21:03Z"}
	for i := range r.IntN(4) {
		b.Packages = append(b.Packages, word(5))
		b.Apt = append(b.Apt, word(20))
		b.Debs = append(b.Debs, Deb{word(9) + string('0'+rune(i)), "1:" + word(4), hex(), 1 + r.Int64N(1<<40), "pool/" + word(9) + ".deb", "https://h.test/" + word(3), word(6)})
		b.Choices = append(b.Choices, Choice{word(9), word(9), word(9), word(3)})
		b.Blobs = append(b.Blobs, Blob{hex(), 1 + r.Int64N(1<<40)})
	}
	return b
}

func TestBaseOfAnImageGolden(t *testing.T) {
	l := Lock{Base: registryBase()}
	golden(t, "registry.toml", l.Marshal())
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	if back := read(t, "registry.toml"); back.Base.Config != l.Base.Config || !back.Base.Same(l.Base) || !slices.Equal(back.Base.Blobs, l.Base.Blobs) {
		t.Errorf("read back %+v", back.Base)
	}
}

func baseText(body string) string {
	return head + "packages = []\n[tool.wheelwright.base]\nname = \"debian:12\"\n" + body
}

// deb is a package's table with one key replaced.
func debText(key, value string) string {
	d := map[string]string{"name": `"a"`, "version": `"1"`, "sha256": `"` + hash("a") + `"`, "size": "1", "path": `"pool/a.deb"`, "archive": `"debian"`, "layer": `"base"`}
	d[key] = value
	var fields []string
	for k, v := range d {
		if v != "" {
			fields = append(fields, k+" = "+v)
		}
	}
	return "debs = [{ " + strings.Join(fields, ", ") + " }]\n"
}

var badBases = []struct{ name, text, says string }{
	{"no sha256", debText("sha256", ""), "64 hex digits"},
	{"short sha256", debText("sha256", `"aa"`), "64 hex digits"},
	{"no size", debText("size", "0"), "size above 0"},
	{"no path", debText("path", ""), "are needed"},
	{"no layer", debText("layer", ""), "are needed"},
	{"up", debText("path", `"pool/../../a.deb"`), "not one below"},
	{"absolute", debText("path", `"/etc/a.deb"`), "not one below"},
	{"query", debText("path", `"pool/a.deb?x"`), "not one below"},
	{"folder", debText("path", `"pool/"`), "no file name"},
	{"hidden", debText("path", `"pool/.a"`), "no file name"},
	{"backslash", debText("path", `"pool\\a"`), "without spaces"},
	{"newline", debText("version", `"1\n2"`), "without spaces"},
	{"slash in name", debText("name", `"a/b"`), "no name"},
	{"archive", debText("archive", `"file:///etc"`), "are needed"},
	{"twice", strings.Replace(debText("", ""), "}]", "}, { name = \"a\", version = \"2\", sha256 = \""+hash("b")+"\", size = 1, path = \"b\", archive = \"debian\", layer = \"base\" }]", 1), "listed twice"},
	{"time", "at = \"yesterday\"\n", "no date"},
	{"blob", "blobs = [{ sha256 = \"x\", size = 1 }]\n", "blob"},
	{"choice", "choices = [{ want = \"\\u0000\" }]\n", "choice"},
	{"package", "packages = [\"a\\u001b\"]\n", "control character"},
	{"many blobs", "blobs = [" + strings.Repeat("{},", MaxBlobs+1) + "]\n", "at most"},
}

func TestBaseRefuses(t *testing.T) {
	for _, c := range badBases {
		_, err := Parse([]byte(baseText(c.text)))
		wantFault(t, err, "base", c.says)
	}
	if _, err := Parse([]byte(baseText(debText("", "")))); err != nil {
		t.Errorf("a sound one: %v", err)
	}
}

// A password in the address of an archive gets neither into the value nor into
// an error.
func TestArchiveHasNoCredential(t *testing.T) {
	text := baseText(debText("archive", `"https://u:hunter2@h.test/apt?t=hunter2"`))
	l, err := Parse([]byte(text))
	if err != nil || l.Base.Debs[0].Archive != "https://h.test/apt" {
		t.Errorf("%v, %+v", err, l.Base)
	}
	for _, spoilt := range []string{strings.Replace(text, `size = 1`, `size = 0`, 1), strings.Replace(text, `https://u`, `https ://u`, 1)} {
		if _, err := Parse([]byte(spoilt)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error is %v", err)
		}
	}
}

const oldImage = head + `packages = []
[tool.wheelwright.image]
layer_format = 1
base = "reg.index.test/py:3@sha256:99"
config = '{"config":{}}'
debs = []
`

// A lock of before there was a table for the base: an image is taken over, of
// Debian's packages it says too little.
func TestOldLocks(t *testing.T) {
	l, err := Parse([]byte(oldImage))
	if err != nil || l.Base == nil || l.Base.Name != "reg.index.test/py:3@sha256:99" || l.Base.Config != `{"config":{}}` || l.Image.Base != l.Base.Digest() {
		t.Errorf("%v, %+v", err, l.Base)
	}
	debian := strings.NewReplacer(`reg.index.test/py:3@sha256:99`, "debian:12", "debs = []", `debs = [{ name = "a", version = "1", sha256 = "`+hash("a")+`", size = 1 }]`).Replace(oldImage)
	if l, err = Parse([]byte(debian)); err != nil || l.Base != nil || l.Image == nil {
		t.Errorf("%v, %+v", err, l.Base)
	}
}

func TestSameBase(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Base)
		same   bool
	}{
		"mirror":   {func(b *Base) { b.Debs[2].Archive, b.Debs[2].Path = "https://other.test", "b.deb" }, true},
		"time":     {func(b *Base) { b.At, b.Release, b.Choices = "", "12.16", nil }, true},
		"order":    {func(b *Base) { slices.Reverse(b.Debs) }, true},
		"name":     {func(b *Base) { b.Name = "debian:13" }, false},
		"deb":      {func(b *Base) { b.Debs[0].SHA256 = hash("0") }, false},
		"layer":    {func(b *Base) { b.Debs[0].Layer = "packages" }, false},
		"one less": {func(b *Base) { b.Debs = b.Debs[1:] }, false},
		"config":   {func(b *Base) { b.Config = "{}" }, false},
	} {
		b := fullBase()
		c.change(b)
		if b.Same(fullBase()) != c.same {
			t.Errorf("%s: same is %v", name, !c.same)
		}
	}
	if fullBase().Same(nil) || !(*Base)(nil).Same(nil) {
		t.Error("no base is the same as no base alone")
	}
}

func TestDiffBase(t *testing.T) {
	a, b := fullBase(), fullBase()
	if d := DiffBase(a, b); len(d) > 0 {
		t.Errorf("equal bases differ: %v", d)
	}
	b.Release = "12.16"
	b.Debs[0].Version, b.Debs[1].SHA256, b.Debs[2].Name = "1:1.3", hash("1"), "tool2"
	var got []string
	for _, c := range DiffBase(a, b) {
		got = append(got, c.String())
	}
	want := []string{"release 12.15 -> 12.16", "base-files: sha256 " + hash("5") + " -> " + hash("1"), "removed tool 1", "added tool2 1", "zlib1g 1:1.2.13.dfsg-1 -> 1:1.3"}
	if !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if DiffBase(nil, b) != nil || DiffBase(a, nil) != nil {
		t.Error("a base that is not known differs")
	}
}

// staysBelow checks that no path of a base leads out of its archive or folder.
func staysBelow(t *testing.T, b *Base) {
	t.Helper()
	for _, d := range b.Debs {
		if !filepath.IsLocal(d.Path) || strings.ContainsAny(d.Archive, "@?#") && strings.Contains(d.Archive, "://") {
			t.Fatalf("deb %+v", d)
		}
	}
}
