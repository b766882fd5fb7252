package profiles

import "testing"

func TestWithCUDA(t *testing.T) {
	load := func(name string) Profile {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	mine := load("hopper_cu124")
	mine.Requires = append([]string{"datasets"}, mine.Requires...)
	arm := load("hopper_cu124")
	arm.Platform.Machine = "aarch64"
	for _, c := range []struct {
		p     Profile
		cuda  string
		want  string
		alike bool
	}{
		{load("hopper_cu124"), "12.8", "fleet_cu128", true},
		{load("hopper_cu124"), "13.0", "hopper_cu130", false}, // asks for the newest, nothing pinned
		{load("blackwell_cu124"), "12.8", "blackwell_cu128", true},
		{mine, "12.8", "fleet_cu128", false},
		{load("ada_cu124"), "13.0", "", false},
		{load("hopper_cu124"), "11.0", "", false},
		{arm, "12.8", "", false},
		{load("cpu"), "12.8", "", false},
	} {
		other, alike, ok := c.p.WithCUDA(c.cuda)
		if other.Name != c.want || alike != c.alike || ok != (c.want != "") {
			t.Errorf("%s with CUDA %s: %q, alike %v, ok %v", c.p.Name, c.cuda, other.Name, alike, ok)
		}
	}
	if load("hopper_cu124").written == nil {
		t.Error("WithCUDA changed the profile it compared")
	}
}
