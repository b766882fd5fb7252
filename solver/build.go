package solver

import (
	"fmt"
	"strings"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// Build is the GPU build that a wheel's own metadata names.
type Build struct {
	CUDA     string // "12.4"; "" for a CPU build, or when nothing names one
	Evidence string // what says so: "local version +cu124", "requires cuda-toolkit==13.0.2"; "" when nothing does
}

// readBuild reads the GPU build from m: its local version (+cu124, +cpu), or
// the CUDA runtime that a requirement in force for the target pins.
func readBuild(m *metadata) Build {
	if b, ok := versionBuild(m.Version); ok {
		return b
	}
	for _, r := range m.requires {
		if r.holds {
			if b := pinnedBuild(&r.Requirement); b.CUDA != "" {
				return b
			}
		}
	}
	return Build{}
}

func versionBuild(text string) (Build, bool) {
	v, err := pep440.Parse(text)
	if err != nil {
		return Build{}, false
	}
	return labelBuild(v.Local())
}

// labelBuild reads a local version label; false when it names no build.
func labelBuild(local string) (Build, bool) {
	for part := range strings.SplitSeq(local, ".") {
		digits, isCUDA := strings.CutPrefix(part, "cu")
		switch {
		case part == "cpu" || part == "xpu" || strings.HasPrefix(part, "rocm"):
			return Build{Evidence: "local version +" + local}, true
		case isCUDA && len(digits) >= 2 && strings.Trim(digits, "0123456789") == "":
			// The last digit is the minor of what has one digit before 10.x
			// (cu92); cu12 alone names no minor.
			major := 2
			if len(digits) == 2 {
				if major = 1; digits[0] < '6' {
					continue
				}
			}
			return Build{CUDA: digits[:major] + "." + digits[major:], Evidence: "local version +" + local}, true
		}
	}
	return Build{}, false
}

// pinnedBuild reads the CUDA runtime that a requirement pins, if it does.
func pinnedBuild(r *pep508.Requirement) Build {
	name := string(r.Name)
	if name != "cuda-toolkit" && name != "nvidia-cuda-runtime" && !strings.HasPrefix(name, "nvidia-cuda-runtime-cu") {
		return Build{}
	}
	for _, sp := range r.Specifiers.All() {
		if sp.Op != "==" && sp.Op != "===" {
			continue
		}
		major, rest, ok := strings.Cut(sp.Text, ".")
		minor, _, _ := strings.Cut(rest, ".")
		if ok && number(major) && number(minor) {
			return Build{CUDA: major + "." + minor, Evidence: "requires " + name + sp.String()}
		}
	}
	return Build{}
}

func number(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// checkBuild holds a build against a rule; group is "" when nothing rejects it.
func checkBuild(rule BuildRule, v pep440.Version, b Build) (group, text string) {
	if rule.CUDA != "" && b.CUDA != rule.CUDA {
		group = "is not built for CUDA " + rule.CUDA
		switch {
		case b.CUDA != "":
			return group, fmt.Sprintf("is built for CUDA %s (%s), not %s", b.CUDA, b.Evidence, rule.CUDA)
		case b.Evidence != "":
			return group, fmt.Sprintf("is not built for CUDA %s (%s)", rule.CUDA, b.Evidence)
		}
		return group, fmt.Sprintf("names no CUDA it is built for, and CUDA %s is asked for", rule.CUDA)
	}
	for _, k := range rule.Known {
		if k.CUDA != b.CUDA || !k.Versions.Match(v) {
			continue
		}
		missing := k.Code.Missing(rule.Compute)
		if len(missing) == 0 {
			return "", ""
		}
		var names []string
		for _, c := range missing {
			names = append(names, c.String())
		}
		lacks := strings.Join(names, ", ")
		text = fmt.Sprintf("has no machine code for compute capability %s (CUDA %s build: %s", lacks, k.CUDA, k.Code)
		if rule.Source != "" {
			text += "; " + rule.Source
		}
		return "has no machine code for compute capability " + lacks, text + ")"
	}
	return "", ""
}
