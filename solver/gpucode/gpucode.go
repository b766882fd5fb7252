// Package gpucode says which GPU machine code runs on which device: NVIDIA's
// rules of binary (SASS) and PTX compatibility.
package gpucode

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"wheelwright/fault"
)

// Capability is a CUDA compute capability: of a device, or of what code was
// built for.
type Capability struct {
	Major, Minor int
	Suffix       byte // of code: 'a' for this capability alone, 'f' for its family; 0: portable. Devices have none
}

// ParseCapability reads "8.9" or "9.0a", or a compiler's name for it: "sm_90a",
// "compute_120" (the last digit is the minor number). Errors are fault.Input.
func ParseCapability(s string) (Capability, error) {
	digits, bare := s, false
	for _, prefix := range []string{"sm_", "compute_"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			digits, bare = rest, true
		}
	}
	var c Capability
	if n := len(digits); n > 0 && (digits[n-1] == 'a' || digits[n-1] == 'f') {
		c.Suffix, digits = digits[n-1], digits[:n-1]
	}
	major, minor, dotted := strings.Cut(digits, ".")
	if bare && !dotted && len(digits) >= 2 {
		major, minor, dotted = digits[:len(digits)-1], digits[len(digits)-1:], true
	} else if bare {
		dotted = false
	}
	ok := dotted && len(minor) == 1 && isDigit(minor[0]) && (len(major) == 1 || len(major) == 2) && major[0] != '0'
	for i := range len(major) {
		ok = ok && isDigit(major[i])
	}
	if !ok {
		e := fault.New(fault.Input, "compute capability %q is not one", s)
		e.Next = `write it as "8.9", "9.0a", "sm_90a" or "compute_120"`
		return Capability{}, e
	}
	c.Major, _ = strconv.Atoi(major)
	c.Minor = int(minor[0] - '0')
	return c, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// String is "8.9" or "9.0a".
func (c Capability) String() string {
	s := strconv.Itoa(c.Major) + "." + strconv.Itoa(c.Minor)
	if c.Suffix != 0 {
		s += string(rune(c.Suffix))
	}
	return s
}

// Compare orders by number, and portable code before 'a' before 'f'.
func (c Capability) Compare(d Capability) int {
	return cmp.Or(cmp.Compare(c.Major, d.Major), cmp.Compare(c.Minor, d.Minor), cmp.Compare(c.Suffix, d.Suffix))
}

// embedded capabilities are those of GPUs inside an SoC (Tegra, Jetson): no
// machine code goes between them and others (CUDA programming guide, "Binary
// Compatibility").
var embedded = map[Capability]bool{
	{3, 2, 0}: true, {5, 3, 0}: true, {6, 2, 0}: true, {7, 2, 0}: true, {8, 7, 0}: true, {10, 1, 0}: true,
}

// device is c without its suffix.
func (c Capability) device() Capability { return Capability{Major: c.Major, Minor: c.Minor} }

// family says whether device d takes what was built for c's family: the same
// major and an equal or higher minor number, an embedded device its own only.
func (c Capability) family(d Capability) bool {
	c = c.device()
	if c == d {
		return true
	}
	return c.Major == d.Major && c.Minor < d.Minor && !embedded[c] && !embedded[d]
}

// sassRuns says whether machine code for c runs on d.
func (c Capability) sassRuns(d Capability) bool {
	if c.Suffix == 'a' {
		return c.device() == d
	}
	return c.family(d)
}

// ptxRuns says whether the driver can compile PTX for c on d.
func (c Capability) ptxRuns(d Capability) bool {
	switch c.Suffix {
	case 'a':
		return c.device() == d
	case 'f':
		return c.family(d)
	}
	return c.Compare(d) <= 0
}

// Code is what a file or a set of files holds for GPUs: machine code (SASS)
// and PTX, by the capability each was built for. The zero Code is none.
type Code struct{ SASS, PTX []Capability }

// Runs says whether some of the code runs on a device of capability d, whose
// Suffix does not count.
func (c Code) Runs(d Capability) bool {
	d = d.device()
	return slices.ContainsFunc(c.SASS, func(s Capability) bool { return s.sassRuns(d) }) ||
		slices.ContainsFunc(c.PTX, func(p Capability) bool { return p.ptxRuns(d) })
}

// Missing lists the devices of want on which none of the code runs, in
// want's order; nil if it runs on all.
func (c Code) Missing(want []Capability) []Capability {
	var missing []Capability
	for _, d := range want {
		if !c.Runs(d) {
			missing = append(missing, d)
		}
	}
	return missing
}

// String is "SASS 7.5 8.0, PTX 12.0", in order; "none" for the zero Code.
func (c Code) String() string {
	var parts []string
	for _, kind := range []struct {
		name string
		of   []Capability
	}{{"SASS", c.SASS}, {"PTX", c.PTX}} {
		if len(kind.of) == 0 {
			continue
		}
		words := []string{kind.name}
		for _, x := range slices.Compact(slices.SortedFunc(slices.Values(kind.of), Capability.Compare)) {
			words = append(words, x.String())
		}
		parts = append(parts, strings.Join(words, " "))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
