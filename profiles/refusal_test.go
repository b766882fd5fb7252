package profiles

import (
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
)

// profileFor is a user's own profile for some GPUs and a CUDA release.
func profileFor(t *testing.T, machine, cuda string, compute ...string) Profile {
	t.Helper()
	text := "name: mine\npython: \"3.11\"\nplatform: {machine: " + machine + "}\nrequires: [torch]\n" +
		"gpu:\n  cuda: \"" + cuda + "\"\n  compute: [\"" + strings.Join(compute, `", "`) + "\"]\n"
	p, err := loader{}.profile(&source{label: "mine.yaml", dir: "/here", data: []byte(text)}, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestShippedRefusals(t *testing.T) {
	var refused []string
	for _, name := range Names() {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if f := p.Refusal(); f != nil {
			refused = append(refused, name)
			golden(t, "testdata/refused/"+name+".txt", []byte(fault.Render(f)))
			if f.Kind != fault.Unsatisfiable {
				t.Errorf("%s: kind %d", name, f.Kind)
			}
		}
	}
	if !slices.Equal(refused, []string{"blackwell_cu124"}) {
		t.Errorf("refused: %v", refused)
	}
}

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		cuda    string
		compute []string
		next    string // empty: not refused
	}{
		{"12.4", []string{"12.0"}, "use blackwell_cu128 "},
		{"11.8", []string{"10.0"}, "use blackwell_cu128 "},
		{"12.6", []string{"8.9", "12.0"}, "use fleet_cu128 "},
		{"12.4", []string{"10.3"}, `set gpu.cuda: "12.8"`},
		{"13.0", []string{"7.0"}, `set gpu.cuda: "12.8"`},
		{"13.0", []string{"6.1"}, `set gpu.cuda: "12.6"`},
		{"12.1", []string{"3.7"}, `set gpu.cuda: "11.8"`},
		{"12.8", []string{"3.7", "12.0"}, "ask for fewer compute capabilities"},
		{"12.4", []string{"8.7"}, "build a wheel of torch"},
		{"12.4", []string{"8.9", "9.0"}, ""},
		{"12.8", []string{"7.0", "12.1"}, ""}, // SASS 12.0 runs on 12.1; 7.0 came with 2.8
		{"12.2", []string{"12.0"}, ""},        // no build of this CUDA release is known
		{"14.0", []string{"15.0"}, ""},
	} {
		f := profileFor(t, "x86_64", c.cuda, c.compute...).Refusal()
		switch {
		case f == nil && c.next != "":
			t.Errorf("CUDA %s on %v is not refused", c.cuda, c.compute)
		case f != nil && (c.next == "" || !strings.HasPrefix(f.Next, c.next)):
			t.Errorf("CUDA %s on %v:\n%swant next %q", c.cuda, c.compute, fault.Render(f), c.next)
		}
	}
	if f := profileFor(t, "aarch64", "12.4", "12.0").Refusal(); f != nil {
		t.Errorf("what was measured on x86_64 refuses aarch64:\n%s", fault.Render(f))
	}
	for _, line := range []string{
		"indexes: [{path: ./dist, packages: [torch]}, {name: pypi}]",
		"requires: [\"torch @ file:torch-2.6.0+cu124-cp311-cp311-linux_x86_64.whl\"]",
	} {
		text := "name: mine\nextends: blackwell_cu124\n" + line + "\n"
		p, err := loader{}.profile(&source{label: "mine.yaml", dir: "/here", data: []byte(text)}, "")
		if err != nil {
			t.Fatal(err)
		}
		if f := p.Refusal(); f != nil {
			t.Errorf("official wheels refuse a build of one's own (%s):\n%s", line, fault.Render(f))
		}
	}
	golden(t, "testdata/refused/own.txt", []byte(fault.Render(profileFor(t, "x86_64", "12.4", "12.0").Refusal())))
	golden(t, "testdata/refused/older.txt", []byte(fault.Render(profileFor(t, "x86_64", "13.0", "7.0").Refusal())))
	golden(t, "testdata/refused/none.txt", []byte(fault.Render(profileFor(t, "x86_64", "12.8", "3.7", "12.0").Refusal())))
}

func TestBetter(t *testing.T) {
	one, two := []string{"9.0"}, []string{"9.0", "12.0"}
	for _, c := range []struct {
		a, b GPU
		cuda string
		want bool
	}{
		{GPU{one, "13.0"}, GPU{two, "12.4"}, "12.4", true}, // fewer capabilities come before a near CUDA
		{GPU{two, "12.4"}, GPU{one, "13.0"}, "12.4", false},
		{GPU{one, "12.4"}, GPU{one, "13.0"}, "12.1", true},
		{GPU{one, "12.4"}, GPU{one, "13.0"}, "12.9", false},
		{GPU{one, "12.8"}, GPU{one, "12.8"}, "12.4", false}, // a tie keeps the first
	} {
		if better(&c.a, &c.b, c.cuda) != c.want {
			t.Errorf("%v before %v for CUDA %s is not %v", c.a, c.b, c.cuda, c.want)
		}
	}
}
