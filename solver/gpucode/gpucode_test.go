package gpucode

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
)

func caps(t testing.TB, s string) (list []Capability) {
	t.Helper()
	for _, f := range strings.Fields(s) {
		c, err := ParseCapability(f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

func TestParseCapability(t *testing.T) {
	for text, want := range map[string]string{
		"8.9": "8.9", "9.0a": "9.0a", "sm_90a": "9.0a", "compute_120": "12.0", "sm_100f": "10.0f", "12.1": "12.1", "sm_37": "3.7", "compute_103a": "10.3a",
	} {
		if c, err := ParseCapability(text); err != nil || c.String() != want {
			t.Errorf("ParseCapability(%q) = %s, %v, want %s", text, c, err, want)
		}
	}
	for _, bad := range []string{"", "8", "89", "8.", ".9", "8.9b", "8.9aa", "8.10", "sm_9", "sm_8.9", "sm_", "sm_9x", "sm_1200", "08.9", "-8.9", "8.9 ", "123.0", "compute_a", "sm_sm_90", "8,9", "0.0"} {
		_, err := ParseCapability(bad)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Input || e.Next == "" {
			t.Errorf("ParseCapability(%q): %v, want an input error", bad, err)
		}
	}
}

// The rows are the rule and the builds of the field's facts, section 2.
func TestRuns(t *testing.T) {
	for _, c := range []struct{ sass, ptx, runs, not string }{
		// same major, equal or higher minor
		{"8.6", "", "8.6 8.9", "8.0 8.7 9.0 7.5"},
		{"8.0", "", "8.0 8.6 8.9", "8.7 9.0 7.5"},
		{"8.9", "", "8.9", "8.6 8.0 9.0"},
		{"8.7", "", "8.7", "8.6 8.9 8.0"},
		{"12.0", "", "12.0 12.1", "10.0 10.3 9.0"},
		{"10.0", "", "10.0 10.3", "12.0 11.0 9.0 10.1"},
		// PTX: at or above
		{"", "8.0", "8.0 8.6 8.7 8.9 9.0 10.0 11.0 12.0 12.1", "7.5"},
		{"", "12.0", "12.0 12.1", "10.0 11.0 9.0"},
		// a: this capability alone
		{"9.0a", "", "9.0", "10.0 12.0 8.9"},
		{"10.0a", "", "10.0", "10.3 12.0"},
		{"", "9.0a", "9.0", "10.0 12.0 8.9"},
		{"", "10.0a", "10.0", "10.3 12.0"},
		// f: its family
		{"10.0f", "", "10.0 10.3", "12.0 11.0 9.0"},
		{"12.0f", "", "12.0 12.1", "10.3"},
		{"", "10.0f", "10.0 10.3", "10.1 12.0 11.0"},
		{"", "10.3f", "10.3", "10.0 12.0"},
		// torch builds
		{"5.0 6.0 7.0 7.5 8.0 8.6 9.0", "", "5.0 5.2 6.0 6.1 7.0 7.5 8.0 8.6 8.9 9.0", "3.7 5.3 7.2 8.7 10.0 10.3 12.0 12.1"}, // cu124
		{"7.5 8.0 8.6 9.0 10.0 12.0", "12.0", "7.5 8.0 8.6 8.9 9.0 10.0 10.3 12.0 12.1", "7.0 6.1 8.7 11.0"},                  // cu128 2.7
		{"", "", "", "8.9 12.0"},
	} {
		code := Code{SASS: caps(t, c.sass), PTX: caps(t, c.ptx)}
		if missing := code.Missing(caps(t, c.runs)); missing != nil {
			t.Errorf("%s does not run on %v", code, missing)
		}
		not := caps(t, c.not)
		if missing := code.Missing(not); !slices.Equal(missing, not) {
			t.Errorf("%s: missing %v, want %v", code, missing, not)
		}
	}
}

func TestDeviceSuffixDoesNotCount(t *testing.T) {
	code := Code{SASS: caps(t, "9.0")}
	if !code.Runs(caps(t, "9.0a")[0]) {
		t.Error("9.0 code does not run on a device written 9.0a")
	}
}

func TestString(t *testing.T) {
	code := Code{SASS: caps(t, "12.0 8.0 9.0a 9.0 8.0 10.0"), PTX: caps(t, "12.0")}
	if got, want := code.String(), "SASS 8.0 9.0 9.0a 10.0 12.0, PTX 12.0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (Code{}).String(); got != "none" {
		t.Errorf("%q, want none", got)
	}
}

func FuzzParseCapability(f *testing.F) {
	for _, s := range []string{"8.9", "9.0a", "sm_90a", "compute_120", "sm_", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCapability(s)
		if err != nil {
			return
		}
		if again, err := ParseCapability(c.String()); err != nil || again != c {
			t.Fatalf("ParseCapability(%q) = %s, which parses to %s, %v", s, c, again, err)
		}
		if !(Code{SASS: []Capability{c}}).Runs(c) || !(Code{PTX: []Capability{c}}).Runs(c) {
			t.Fatalf("%s does not run on itself", c)
		}
	})
}
