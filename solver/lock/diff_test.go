package lock

import (
	"slices"
	"testing"
	"time"

	"wheelwright/solver/pep508"
)

func TestDiff(t *testing.T) {
	a, b := full(), full()
	if d := Diff(a, b); len(d) != 0 {
		t.Errorf("equal locks differ: %v", d)
	}
	pick(&b, "filelock").Version = "3.17.0"
	pick(&b, "filelock").Wheels = []Wheel{{Name: "filelock-3.17.0-py3-none-any.whl", SHA256: hash("0")}}
	pick(&b, "torch").Wheels = []Wheel{{Name: "torch-2.6.0+cu124-cp311-cp311-linux_x86_64.whl", SHA256: hash("0")}}
	pick(&b, "triton").Wheels = []Wheel{{Name: "triton-3.2.0-cp311-cp311-linux_x86_64.whl", SHA256: hash("0"), Path: "elsewhere"}}
	*pick(&b, "mine") = Package{Name: "yours", Version: "2", Wheels: []Wheel{{Name: "yours-2-py3-none-any.whl"}}}
	want := []Change{
		{Kind: Version, Name: "filelock", From: "3.16.1", To: "3.17.0"},
		{Kind: Removed, Name: "mine", From: "1.0"},
		{Kind: Files, Name: "torch", From: "torch-2.6.0+cu124-2-cp311-cp311-linux_x86_64.whl", To: "torch-2.6.0+cu124-cp311-cp311-linux_x86_64.whl"},
		{Kind: Hash, Name: "triton", From: hash("c"), To: hash("0"), File: "triton-3.2.0-cp311-cp311-linux_x86_64.whl"},
		{Kind: Added, Name: "yours", To: "2"},
	}
	if got := Diff(a, b); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// pick is a package of l by name.
func pick(l *Lock, name pep508.Name) *Package {
	return &l.Packages[slices.IndexFunc(l.Packages, func(p Package) bool { return p.Name == name })]
}

// TestDiffOfTheSameFiles: what changes where no file did.
func TestDiffOfTheSameFiles(t *testing.T) {
	a, b := full(), full()
	b.Builds = map[pep508.Name]string{"torch": "12.6"}
	pick(&b, "torch").Dependencies = []pep508.Name{"filelock", "mine"}
	pick(&b, "filelock").Marker = `sys_platform == "linux"`
	want := []Change{
		{Kind: Marker, Name: "filelock", To: `sys_platform == "linux"`},
		{Kind: Build, Name: "torch", From: "12.4", To: "12.6", FromCUDA: "12.4", ToCUDA: "12.6"},
		{Kind: Needs, Name: "torch", From: "triton", To: "mine", FromCUDA: "12.4", ToCUDA: "12.6"},
	}
	if got := Diff(a, b); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for i, text := range []string{
		`filelock: marker none -> sys_platform == "linux"`,
		"torch: build 12.4 -> 12.6",
		"torch: now needs mine, no longer needs triton",
	} {
		if got := want[i].String(); got != text {
			t.Errorf("said %q, want %q", got, text)
		}
	}
}

// TestDiffWithAnotherTool: uv says neither builds nor dependencies, and that
// is no difference.
func TestDiffWithAnotherTool(t *testing.T) {
	a := full()
	b := a.Plain()
	b.Packages = slices.Clone(b.Packages)
	for i := range b.Packages {
		b.Packages[i].Dependencies = nil
	}
	if d := Diff(a, b); len(d) != 0 {
		t.Errorf("packages differ: %v", d)
	}
	if d := Fields(a, b); len(d) != 0 {
		t.Errorf("fields differ: %v", d)
	}
	pick(&b, "torch").Version = "2.7.0"
	if d := Diff(a, b); len(d) != 1 || d[0].FromCUDA != "" {
		t.Errorf("got %v: the other tool does not say that there is no CUDA", d)
	}
}

func TestDirection(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{"2.9.1", "2.10.0", 1}, {"2.10.0", "2.9.1", -1}, {"1.0rc1", "1.0", 1}, {"1.0", "1!0.1", 1},
		{"2.6.0+cu124", "2.6.0+cu118", 0}, {"2.6.0", "2.6.0+cu124", 0}, {"2.6.0+cu124", "2.7.0+cu118", 1},
		{"1.0, 2.0", "2.0", 0}, {"2.0", "1.0, 2.0", 0},
	} {
		if got := (Change{Kind: Version, From: c.from, To: c.to}).Direction(); got != c.want {
			t.Errorf("%s -> %s: %d, want %d", c.from, c.to, got, c.want)
		}
	}
	if (Change{Kind: Files, From: "1", To: "2"}).Direction() != 0 {
		t.Error("a file has no direction")
	}
}

func TestFields(t *testing.T) {
	for key, c := range map[string]struct {
		change   func(*Lock)
		from, to string
	}{
		"profile":         {func(l *Lock) { l.Profile, l.ProfileDigest = "lab", "sha256:"+hash("0") }, "ada_cu124", "lab"},
		"profile-digest":  {func(l *Lock) { l.ProfileDigest = "sha256:" + hash("0") }, "sha256:" + hash("e"), "sha256:" + hash("0")},
		"python":          {func(l *Lock) { l.Target.Python, l.RequiresPython = "3.12", "==3.12.*" }, "3.11", "3.12"},
		"machine":         {func(l *Lock) { l.Target.Machine = "aarch64"; l.Environments = environments(l.Target) }, "x86_64", "aarch64"},
		"glibc":           {func(l *Lock) { l.Target.Glibc = "2.36" }, "2.28", "2.36"},
		"exclude-newer":   {func(l *Lock) { l.ExcludeNewer = time.Date(2026, 6, 2, 0, 0, 0, 1, time.UTC) }, "", "2026-06-02T00:00:00.000000001Z"},
		"matrix":          {func(l *Lock) { l.Matrix = append(l.Matrix, "a", "a") }, "torch-2.6/torchao-0.17", "a, torch-2.6/torchao-0.17"},
		"waive":           {func(l *Lock) { l.Waivers = nil }, "collision of torch (says \"fine\" \\ tab\t)", ""},
		"requires-python": {func(l *Lock) { l.RequiresPython = ">=3.11" }, "==3.11.*", ">=3.11"},
		"environments":    {func(l *Lock) { l.Environments = nil }, environments(full().Target)[0], ""},
	} {
		a, b := full(), full()
		c.change(&b)
		if got, want := Fields(a, b), []Field{{key, c.from, c.to}}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}

// TestNothingIsLost: locks of one tool between which nothing is told have one
// digest, and the other way round.
func TestNothingIsLost(t *testing.T) {
	equal := 0
	for _, pair := range pairs() {
		a, b := pair[0], pair[1]
		told := len(Diff(a, b)) + len(Fields(a, b))
		if same := a.Digest() == b.Digest(); same != (told == 0) {
			t.Errorf("same digest: %v, differences: %v %v\n%s\n%s", same, Diff(a, b), Fields(a, b), a.Marshal(), b.Marshal())
		} else if same {
			equal++
		}
	}
	if equal == 0 {
		t.Error("no pair was equal")
	}
}

// pairs are locks of this tool and what one edit makes of them.
func pairs() (out [][2]Lock) {
	for _, edit := range []func(*Lock){
		func(l *Lock) { l.Profile = "lab" },
		func(l *Lock) { l.ProfileDigest = "sha256:" + hash("0") },
		func(l *Lock) { l.Target.Python = "3.11.4" },
		func(l *Lock) { l.Target.Machine = "aarch64" },
		func(l *Lock) { l.Target.Glibc = "2.36" },
		func(l *Lock) { l.RequiresPython = "" },
		func(l *Lock) { l.Environments = append(l.Environments, "os_name == 'posix'") },
		func(l *Lock) { l.ExcludeNewer = time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC) },
		func(l *Lock) { l.Matrix = nil },
		func(l *Lock) { l.Waivers[0].Rule = "other" },
		func(l *Lock) { l.Waivers[0].Package = "other" },
		func(l *Lock) { l.Waivers[0].Reason = "other" },
		func(l *Lock) { l.Builds = nil },
		func(l *Lock) { l.Packages = l.Packages[1:] },
		func(l *Lock) {
			l.Packages = append(l.Packages, Package{Name: "new", Version: "1", Wheels: []Wheel{{Name: "new-1-py3-none-any.whl", SHA256: hash("9")}}})
		},
		func(l *Lock) { pick(l, "torch").Version = "2.6.1" },
		func(l *Lock) { pick(l, "torch").Marker = "os_name == 'posix'" },
		func(l *Lock) { pick(l, "torch").Dependencies = nil },
		func(l *Lock) { pick(l, "mine").Dependencies = []pep508.Name{"torch"} },
		func(l *Lock) { pick(l, "torch").Wheels[0].Name = "torch-2.6.0+cu124-1-cp311-cp311-linux_x86_64.whl" },
		func(l *Lock) { pick(l, "torch").Wheels[0].SHA256 = hash("0") },
		func(l *Lock) { pick(l, "torch").Wheels[0].URL = "https://mirror.test/x" },
		func(l *Lock) { pick(l, "torch").Wheels[0].Size = 7 },
		func(l *Lock) { pick(l, "torch").Index = "" },
		func(l *Lock) { l.Image = nil },
		func(*Lock) {},
	} {
		l := full()
		edit(&l)
		out = append(out, [2]Lock{full(), l}, [2]Lock{l, full()})
	}
	return out
}
