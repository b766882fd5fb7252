package builder

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/layer"
	"wheelwright/solver/lock"
	"wheelwright/solver/pep508"
)

// insideLock is a lock of two wheels and what it says of its image.
func insideLock() lock.Lock {
	wheel := func(name string) lock.Package {
		file := name + "-1.0-py3-none-any.whl"
		return lock.Package{Name: pep508.Name(name), Version: "1.0", Wheels: []lock.Wheel{{Name: file, Path: "dist/" + file, SHA256: strings.Repeat("a", 64)}}}
	}
	return lock.Lock{
		Profile: "p", ProfileDigest: sum("p"), Target: lock.Target{Python: "3.11", Machine: "x86_64", Glibc: "2.28"},
		Packages: []lock.Package{wheel("alpha"), wheel("beta")},
		Image: &lock.Image{LayerFormat: 1, Prefix: "/opt/env", Python: "3.11", Layers: []lock.Layer{
			{Members: []string{"environment at /opt/env"}, Digest: sum("e"), DiffID: sum("E")},
			{Members: []string{"alpha 1.0"}, Digest: sum("a"), DiffID: sum("A")},
			{Members: []string{"beta 1.0"}, Digest: sum("b"), DiffID: sum("B")},
		}},
	}
}

// sum is some digest, another for each letter.
func sum(letter string) string {
	return "sha256:" + strings.Repeat(hex.EncodeToString([]byte(letter)), 32)
}

// foundImage is an image of such a lock.
func foundImage(l lock.Lock) *images.Found {
	f := &images.Found{
		Digest: sum("d"), ID: sum("i"), Platform: "linux/amd64", Prefix: "/opt/env", Lock: l.Resolved(),
		Labels: map[string]string{label + "title": l.Profile, label + "version": l.Digest(), label + "base.name": "debian:12"},
	}
	for _, x := range l.Image.Layers {
		var y images.FoundLayer
		y.Members, y.Digest, y.DiffID, y.Size, y.Ours = x.Members, x.Digest, x.DiffID, 10, true
		f.Layers = append(f.Layers, y)
	}
	return f
}

func TestInspectVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		image           func(*images.Found)
		lock            func(*lock.Lock) // the one here; nil: there is none
		inside, besides string           // the verdicts
		says            string
	}{
		"equal":   {nil, func(*lock.Lock) {}, Equal, Equal, ""},
		"no lock": {nil, nil, Equal, None, ""},
		"no layers recorded": {nil, func(l *lock.Lock) { l.Image = nil }, Equal, Equal,
			"the lock does not say which layers"},
		"another version": {nil, func(l *lock.Lock) {
			l.Packages[1].Version, l.Packages[1].Wheels[0].Name = "2.0", "beta-2.0-py3-none-any.whl"
		}, Equal, Differs, "from here to the image: beta"},
		"another target": {nil, func(l *lock.Lock) { l.Target.Glibc = "2.31" }, Equal, Differs, "2.31 here"},
		"another layer": {nil, func(l *lock.Lock) { l.Image.Layers[1].DiffID = sum("X") }, Equal, Differs,
			"no layer of the image is the lock's of alpha 1.0"},
		"one layer more": {nil, func(l *lock.Lock) { l.Image.Layers = l.Image.Layers[:2] }, Equal, Differs,
			"the lock describes no layer as the image's of beta 1.0"},
		"another order": {nil, func(l *lock.Lock) { slices.Reverse(l.Image.Layers) }, Equal, Differs, "another order"},
		"another base":  {nil, func(l *lock.Lock) { l.Image.Layers[0].DiffID = sum("X") }, Equal, Equal, "what is below its wheels is not"},
		"a layer put on top": {func(f *images.Found) {
			f.Layers = append(f.Layers, images.FoundLayer{Layer: images.Layer{Sum: layer.Sum{DiffID: sum("T"), Digest: sum("t")}}})
		}, func(*lock.Lock) {}, Equal, Differs, sum("t") + ", which another program made"},
		"a layer put on top of a lock without layers": {func(f *images.Found) {
			f.Layers = append(f.Layers, images.FoundLayer{Layer: images.Layer{Sum: layer.Sum{DiffID: sum("T"), Digest: sum("t")}}})
		}, func(l *lock.Lock) { l.Image = nil }, Equal, Differs, sum("t")},
		"a layer on top that says it is ours": {func(f *images.Found) {
			f.Layers = append(f.Layers, images.FoundLayer{Layer: images.Layer{Members: []string{"files"}, Sum: layer.Sum{DiffID: sum("T")}}, Ours: true})
		}, func(*lock.Lock) {}, Equal, Differs, "the image's of files"},
		"another compression": {nil, func(l *lock.Lock) { l.Image.Layers[1].Digest = sum("X") }, Equal, Equal,
			"compressed otherwise"},
		"other label": {func(f *images.Found) { f.Labels[label+"version"] = sum("x") }, func(*lock.Lock) {}, Differs, Equal, "the label says " + sum("x")},
		"no label":    {func(f *images.Found) { delete(f.Labels, label+"version") }, nil, Differs, None, "no label"},
		"no lock inside": {func(f *images.Found) { f.Lock = nil }, func(*lock.Lock) {}, None, Equal,
			""}, // by its label
		"no lock inside and another here": {func(f *images.Found) { f.Lock = nil }, func(l *lock.Lock) { l.Target.Glibc = "2.31" }, None, Differs, "the image is of the lock"},
		"garbage inside":                  {func(f *images.Found) { f.Lock = []byte("\x1b[2J") }, func(*lock.Lock) {}, Differs, Equal, "is not read"},
		"foreign": {func(f *images.Found) {
			f.Lock = nil
			for i := range f.Layers {
				f.Layers[i].Ours = false
			}
		}, func(*lock.Lock) {}, None, None, ""},
		"a path as a profile": {func(f *images.Found) { f.Lock, f.Labels[label+"title"] = nil, "../p" }, func(*lock.Lock) {}, None, None, ""},
	} {
		t.Chdir(t.TempDir())
		l := insideLock()
		f := foundImage(l)
		if c.image != nil {
			c.image(f)
		}
		if c.lock != nil {
			c.lock(&l)
			if err := os.WriteFile("pylock.p.toml", l.Marshal(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r := report("oci:x", f, nil)
		if r.Inside.State != c.inside || r.Here.State != c.besides {
			t.Errorf("%s: inside %+v, here %+v; want %s and %s", name, r.Inside, r.Here, c.inside, c.besides)
		}
		if told := strings.Join(append(append([]string{r.Inside.Note, r.Here.Note}, r.Inside.Reasons...), r.Here.Reasons...), "\n"); !strings.Contains(told, c.says) || c.says == "" && strings.TrimSpace(told) != "" {
			t.Errorf("%s: told is %q, want %q", name, told, c.says)
		}
		if want := c.inside == Equal && c.besides != Differs; r.Right() != want {
			t.Errorf("%s: right is %v", name, r.Right())
		}
	}
}

// The lock of another Python is found by its own name; one asked for is taken
// whatever it is called.
func TestInspectFindsTheLock(t *testing.T) {
	t.Chdir(t.TempDir())
	l := insideLock()
	f := foundImage(l)
	other := insideLock()
	other.Target.Python = "3.12"
	for name, x := range map[string]lock.Lock{"pylock.p.toml": other, "pylock.p-py311.toml": l, "mine.toml": other} {
		if err := os.WriteFile(name, x.Marshal(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if r := report("x", f, nil); r.Here.State != Equal || filepath.Base(r.Here.Lock) != "pylock.p-py311.toml" {
		t.Errorf("%+v", r.Here)
	}
	asked, err := OpenLock(LockRef{File: "mine.toml"})
	if err != nil {
		t.Fatal(err)
	}
	if r := report("x", f, asked); r.Here.State != Differs || filepath.Base(r.Here.Lock) != "mine.toml" {
		t.Errorf("%+v", r.Here)
	}
	os.WriteFile("pylock.p-py311.toml", []byte("no lock"), 0o644)
	os.Remove("pylock.p.toml")
	if r := report("x", f, nil); r.Here.State != Differs || !strings.Contains(r.Here.Reasons[0], "not read") {
		t.Errorf("a lock here that is none: %+v", r.Here)
	}
}

func TestInspectRefusesWhatIsAskedWrong(t *testing.T) {
	for name, o := range map[string]InspectOptions{
		"machine": {Machine: "amd64"}, "lock": {Lock: "nowhere.toml"}, "certificates": {Registry: Registry{CAFile: "nowhere.pem"}},
	} {
		if _, err := Inspect(t.Context(), "oci:nowhere", o); fault.KindOf(err) != fault.Input || strings.Contains(err.Error(), "oci:nowhere") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
