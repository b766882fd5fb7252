package lock

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	toml "github.com/pelletier/go-toml/v2"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

var update = flag.Bool("update", false, "write golden files")

func hash(c string) string { return strings.Repeat(c, 64) }

// solution is a small answer with one of each: a build tag and a GPU build, an
// index that lists neither size nor date, a local wheel, a direct reference.
func solution() (solver.Solution, Meta) {
	at := time.Date(2025, 1, 29, 16, 22, 8, 123456789, time.FixedZone("east", 3600))
	pkg := func(name, version, index string, f solver.File, requires ...pep508.Name) solver.Package {
		return solver.Package{Name: pep508.Name(name), Version: pep440.MustParse(version), Index: index, File: f, Requires: requires}
	}
	s := solver.Solution{Packages: []solver.Package{
		pkg("torch", "2.6.0+cu124", "pytorch", solver.File{Name: "torch-2.6.0+cu124-2-cp311-cp311-linux_x86_64.whl",
			URL: "https://user:hunter2@files.index.test/whl/cu124/torch-2.6.0%2Bcu124-2-cp311-cp311-linux_x86_64.whl?token=hunter2#sha256=x", SHA256: hash("a")},
			"triton", "filelock"),
		pkg("filelock", "3.16.1", "default", solver.File{Name: "filelock-3.16.1-py3-none-any.whl",
			URL: "https://files.index.test/f/filelock-3.16.1-py3-none-any.whl", SHA256: strings.ToUpper(hash("b")), Size: 16163, Uploaded: at}),
		pkg("triton", "3.2.0", "folder", solver.File{Name: "triton-3.2.0-cp311-cp311-linux_x86_64.whl",
			URL: "file:///srv/my%20dist/triton-3.2.0-cp311-cp311-linux_x86_64.whl", SHA256: hash("c"), Size: 1}, "filelock"),
		pkg("mine", "1.0", "", solver.File{Name: "mine-1.0-py3-none-any.whl", URL: "https://host.test/mine-1.0-py3-none-any.whl", SHA256: hash("d")}),
	}}
	s.Packages[0].Build = solver.Build{CUDA: "12.4"}
	s.Packages[0].Metadata.RequiresPython = ">=3.9.0"
	s.Packages[1].Metadata.RequiresPython = ">=3.8.*" // no PEP 440: left out
	s.Packages[3].Direct = "https://u:p@host.test/mine-1.0-py3-none-any.whl"
	return s, Meta{Profile: "ada_cu124", ProfileDigest: "sha256:" + hash("e"), Target: Target{"3.11", "x86_64", "2.28"},
		Indexes: map[string]string{"pytorch": "https://user:hunter2@index.test/whl/cu124/", "default": "https://index.test/simple"},
		Dir:     "/srv/locks"}
}

func full() Lock {
	l := From(solution())
	l.Matrix = []string{"torch-2.6/torchao-0.17"}
	l.Waivers = []Waiver{{"collision", "torch", `says "fine" \ tab	`}}
	l.Image = &Image{LayerFormat: 1, Lock: "sha256:" + hash("7"), Prefix: "/opt/env", Python: "3.11", User: "10001:0", Login: "wheelwright", Home: "/home/wheelwright",
		Layers: []Layer{{Members: []string{hash("a")}, Digest: "sha256:" + hash("1"), DiffID: "sha256:" + hash("2"), Size: 766 << 20},
			{[]string{hash("b"), hash("c")}, "sha256:" + hash("3"), "sha256:" + hash("4"), 12, "application/vnd.oci.image.layer.v1.tar+zstd"}},
	}
	l.Base = fullBase()
	l.Image.Base = l.Base.Digest()
	return l
}

// golden holds got against a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%s\nwant\n%s", file, got, want)
	}
}

func TestGolden(t *testing.T) {
	l := full()
	for name, got := range map[string][]byte{"full.toml": l.Marshal(), "resolved.toml": l.Resolved(), "identity.toml": l.write(identity)} {
		golden(t, name, got)
		if bytes.Contains(got, []byte("hunter2")) || bytes.Contains(got, []byte("u:p@")) {
			t.Errorf("%s holds a credential", name)
		}
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

// TestRoundTrip writes and reads random locks: the value survives, and the
// order in which its parts were given does not matter.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		l := random(r)
		text := l.Marshal()
		back, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got := back.Marshal(); !bytes.Equal(got, text) {
			t.Fatalf("read and written again\n%s\nwas\n%s", got, text)
		}
		if !back.Equal(l) || back.Digest() != l.Digest() || len(Diff(l, back)) != 0 {
			t.Fatal("read back, it differs")
		}
		r.Shuffle(len(l.Packages), func(i, j int) { l.Packages[i], l.Packages[j] = l.Packages[j], l.Packages[i] })
		for _, p := range l.Packages {
			slices.Reverse(p.Wheels)
			slices.Reverse(p.Dependencies)
		}
		if l.Base != nil {
			slices.Reverse(l.Base.Debs)
			slices.Reverse(l.Base.Choices)
			slices.Reverse(l.Base.Packages)
		}
		if !bytes.Equal(l.Marshal(), text) {
			t.Fatal("the order of the parts shows in the text")
		}
	}
}

func random(r *rand.Rand) Lock {
	word := func(n int) string {
		b := make([]byte, 1+r.IntN(n))
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz"[r.IntN(26)]
		}
		return string(b)
	}
	odd := func() string {
		b := make([]rune, r.IntN(12))
		for i := range b {
			b[i] = []rune("a\"\\\n\t\r\b\f\x01\x7f'#é🛞\u2028=[]")[r.IntN(17)]
		}
		return string(b)
	}
	hex := func() string { return strings.Repeat(string("0123456789abcdef"[r.IntN(16)]), 64) }
	l := Lock{CreatedBy: "x" + odd(), Profile: odd(), RequiresPython: "==3.11.*", Target: Target{odd(), odd(), odd()}}
	for range r.IntN(3) {
		l.Environments = append(l.Environments, odd())
		l.Matrix = append(l.Matrix, odd())
		l.Waivers = append(l.Waivers, Waiver{odd(), pep508.Name(word(5)), odd()})
	}
	if r.IntN(2) == 0 {
		l.ExcludeNewer = time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC()
	}
	seen := map[string]bool{}
	for range r.IntN(6) {
		name := word(8)
		if seen[name] {
			continue
		}
		seen[name] = true
		p := Package{Name: pep508.Name(name), Version: "1." + string('0'+rune(r.IntN(10))), Marker: odd(), Direct: r.IntN(4) == 0}
		count := 1
		if !p.Direct {
			count += r.IntN(3)
			p.Index = "https://index.test/simple/" + word(4)
		}
		for i := range count {
			w := Wheel{Name: name + "-" + p.Version + "-py3-none-" + word(3) + string('a'+rune(i)) + ".whl", SHA256: hex(), Size: r.Int64N(1 << 40)}
			if r.IntN(2) == 0 {
				w.Uploaded = time.Unix(r.Int64N(1<<33), 0)
			}
			if w.URL = "https://files.index.test/" + w.Name; r.IntN(3) == 0 {
				w.URL, w.Path = "", "../"+word(3)+"/"+w.Name
			}
			p.Wheels = append(p.Wheels, w)
			p.Dependencies = append(p.Dependencies, pep508.Name(word(6)))
		}
		l.Packages = append(l.Packages, p)
		if r.IntN(3) == 0 {
			l.Builds = map[pep508.Name]string{p.Name: odd()}
		}
	}
	if r.IntN(2) == 0 {
		l.Image = &Image{Prefix: odd(), Base: "sha256:" + hex(),
			Layers: []Layer{{[]string{odd(), odd()}, "sha256:" + hex(), "sha256:" + hex(), 9, odd()}, {nil, "sha256:" + hex(), "sha256:" + hex(), 0, ""}}, User: odd(), Login: odd(), Home: odd()}
	}
	if r.IntN(2) == 0 {
		l.Base = randomBase(r, word, odd, hex)
	}
	return l
}

func TestStringsAreTOML(t *testing.T) {
	for r := rune(0); r < 0x300; r++ {
		s := "a" + string(r) + "b"
		var got map[string]string
		text := append(append(appendKey(nil, s), '='), appendString(nil, s)...)
		if err := toml.Unmarshal(text, &got); err != nil || got[s] != s {
			t.Errorf("%q written as %s reads %q, %v", s, text, got, err)
		}
	}
	if got := string(appendString(nil, "a\xffb")); got != "\"a\uFFFDb\"" {
		t.Errorf("no UTF-8 is written %s", got)
	}
}

func TestDigest(t *testing.T) {
	base := full().Digest()
	for name, c := range map[string]struct {
		change func(*Lock)
		same   bool
	}{
		"mirror": {func(l *Lock) {
			for i := range l.Packages {
				p := &l.Packages[i]
				p.Index = "http://localhost:8080/simple"
				p.Wheels[0].URL, p.Wheels[0].Path = "http://localhost:8080/"+p.Wheels[0].Name, ""
				p.Wheels[0].Size, p.Wheels[0].Uploaded = 0, time.Time{}
			}
		}, true},
		"image":       {func(l *Lock) { l.Image = nil }, true},
		"base":        {func(l *Lock) { l.Base = nil }, true},
		"hash":        {func(l *Lock) { l.Packages[0].Wheels[0].SHA256 = hash("0") }, false},
		"file":        {func(l *Lock) { l.Packages[0].Wheels[0].Name = "filelock-3.16.1-1-py3-none-any.whl" }, false},
		"version":     {func(l *Lock) { l.Packages[0].Version = "3.16.2" }, false},
		"profile":     {func(l *Lock) { l.ProfileDigest = "sha256:" + hash("0") }, false},
		"target":      {func(l *Lock) { l.Target.Glibc = "2.36" }, false},
		"build":       {func(l *Lock) { l.Builds = nil }, false},
		"until":       {func(l *Lock) { l.ExcludeNewer = time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC) }, false},
		"waiver":      {func(l *Lock) { l.Waivers = nil }, false},
		"dependency":  {func(l *Lock) { l.Packages[3].Dependencies = nil }, false},
		"fewer":       {func(l *Lock) { l.Packages = l.Packages[1:] }, false},
		"environment": {func(l *Lock) { l.Environments = nil }, false},
	} {
		l := full()
		c.change(&l)
		if got := l.Digest(); (got == base) != c.same {
			t.Errorf("%s: digest %s, was %s", name, got, base)
		}
	}
	if !isDigest(base) {
		t.Errorf("digest is %q", base)
	}
}

func TestResolvedHasNoDerivedPart(t *testing.T) {
	l := full()
	back, err := Parse(l.Resolved())
	if err != nil {
		t.Fatal(err)
	}
	if back.Image != nil || back.Base != nil || back.Profile != "ada_cu124" {
		t.Errorf("image %v, profile %q", back.Image, back.Profile)
	}
	l.Image, l.Base = nil, nil
	if !bytes.Equal(l.Marshal(), l.Resolved()) || !back.Equal(l) {
		t.Error("without an image both parts are one")
	}
}
