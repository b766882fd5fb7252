package profiles

import (
	"fmt"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/gpucode"
)

// Refusal says why no build can exist that the profile asks for, or is nil.
// It speaks from the tables alone: where they know builds for the profile's
// CUDA release and machine and none of those has machine code for every
// compute capability asked for. What they do not know is not refused.
func (p Profile) Refusal() *fault.Error {
	if p.GPU == nil {
		return nil
	}
	rules := p.rules()
	if i := slices.IndexFunc(rules, impossible); i >= 0 {
		return p.refuse(rules[i])
	}
	return nil
}

// impossible says whether the builds known for a rule's CUDA release are
// there and none of them runs on every device.
func impossible(rule solver.BuildRule) bool {
	built := buildsFor(rule.Known, rule.CUDA)
	return len(built) > 0 && !covered(built, rule.Compute)
}

func (p Profile) refuse(rule solver.BuildRule) *fault.Error {
	built := buildsFor(rule.Known, rule.CUDA)
	missing := slices.DeleteFunc(slices.Clone(rule.Compute), func(c gpucode.Capability) bool {
		return covered(built, []gpucode.Capability{c})
	})
	f := fault.New(fault.Unsatisfiable, "profile %s cannot be built: no %s built for CUDA %s has machine code for compute capability %s",
		p.Name, rule.Name, rule.CUDA, named(missing, "or"))
	if len(missing) == 0 {
		f = fault.New(fault.Unsatisfiable, "profile %s cannot be built: no single %s built for CUDA %s has machine code for all of compute capability %s",
			p.Name, rule.Name, rule.CUDA, named(rule.Compute, "and"))
	}
	for _, b := range built {
		f.Because("%s %s built for CUDA %s carries %s (%s)", rule.Name, ranges([]solver.KnownBuild{b}), b.CUDA, b.Code, rule.Source)
	}
	if newest := newestFor(rule.CUDA); newest != "" {
		if beyond := slices.DeleteFunc(slices.Clone(missing), func(c gpucode.Capability) bool {
			return compareCapability(c, capability(newest)) <= 0
		}); len(beyond) > 0 {
			f.Because("CUDA %s compiles for compute capability %s at the newest, older than %s", rule.CUDA, newest, products(beyond))
		}
	}
	cuda := nearestCUDA(rule)
	switch {
	case cuda == "":
		f.Because("no %s that was measured, for any CUDA release, has machine code for %s", rule.Name, together(rule.Compute))
		if len(rule.Compute) > 1 {
			return f.Try("ask for fewer compute capabilities, one profile for each group")
		}
		return f.Try("build a wheel of %s for it and list its folder: indexes: [{path: DIR, packages: [%s]}, …]", rule.Name, rule.Name)
	case compareVersions(cuda, rule.CUDA) > 0:
		f.Because("the floor is CUDA %s: %s", cuda, offers(rule, cuda))
	default:
		f.Because("the newest CUDA release with it is %s: %s", cuda, offers(rule, cuda))
	}
	if other, ok := p.alternative(); ok {
		f.Try("use %s (CUDA %s): wheelwright build --profile %s", other.Name, other.GPU.CUDA, other.Name)
		if !slices.Contains(Names(), p.Name) {
			f.Next += fmt.Sprintf("; or set gpu.cuda: %q", cuda)
		}
		return f
	}
	return f.Try("set gpu.cuda: %q", cuda)
}

// buildsFor are the known builds of one CUDA release.
func buildsFor(known []solver.KnownBuild, cuda string) []solver.KnownBuild {
	var out []solver.KnownBuild
	for _, b := range known {
		if b.CUDA == cuda {
			out = append(out, b)
		}
	}
	return out
}

// covered says whether one of the builds runs on every device.
func covered(builds []solver.KnownBuild, compute []gpucode.Capability) bool {
	return slices.ContainsFunc(builds, func(b solver.KnownBuild) bool { return len(b.Code.Missing(compute)) == 0 })
}

// nearestCUDA is the CUDA release closest to the rule's with a build that
// covers its compute capabilities: the oldest above it, else the newest
// below; empty if there is none.
func nearestCUDA(rule solver.BuildRule) string {
	above, below := "", ""
	for _, b := range rule.Known {
		if !covered([]solver.KnownBuild{b}, rule.Compute) {
			continue
		}
		switch order := compareVersions(b.CUDA, rule.CUDA); {
		case order > 0 && (above == "" || compareVersions(b.CUDA, above) < 0):
			above = b.CUDA
		case order < 0 && (below == "" || compareVersions(b.CUDA, below) > 0):
			below = b.CUDA
		}
	}
	if above != "" {
		return above
	}
	return below
}

// offers says which releases built with cuda cover the rule.
func offers(rule solver.BuildRule, cuda string) string {
	built := slices.DeleteFunc(buildsFor(rule.Known, cuda), func(b solver.KnownBuild) bool {
		return len(b.Code.Missing(rule.Compute)) > 0
	})
	return fmt.Sprintf("%s %s has machine code for %s", rule.Name, ranges(built), named(rule.Compute, "and"))
}

// ranges is the builds' versions for a reader, those that follow each other
// joined: ">=2.7,<2.12". The tables write every range as >=X,<Y, ascending.
func ranges(builds []solver.KnownBuild) string {
	var bounds [][2]string
	for _, b := range builds {
		var from, to string
		for _, s := range b.Versions.All() {
			switch s.Op {
			case ">=":
				from = s.Text
			case "<":
				to = s.Text
			}
		}
		if last := len(bounds) - 1; last >= 0 && bounds[last][1] == from {
			bounds[last][1] = to
			continue
		}
		bounds = append(bounds, [2]string{from, to})
	}
	text := make([]string, len(bounds))
	for i, b := range bounds {
		text[i] = ">=" + b[0] + ",<" + b[1]
	}
	return strings.Join(text, " or ")
}

func newestFor(cuda string) string {
	for _, c := range facts().cuda {
		if c.CUDA == cuda {
			return c.Newest
		}
	}
	return ""
}

// named is "8.0, 8.6 and 9.0".
func named(list []gpucode.Capability, word string) string {
	var text []string
	for _, c := range list {
		text = append(text, c.String())
	}
	if n := len(text); n > 1 {
		text = append(text[:n-2], text[n-2]+" "+word+" "+text[n-1])
	}
	return strings.Join(text, ", ")
}

// together is named, for what must serve every one.
func together(list []gpucode.Capability) string {
	if len(list) > 1 {
		return "all of " + named(list, "and")
	}
	return named(list, "and")
}

// products is each capability with what carries it.
func products(list []gpucode.Capability) string {
	var text []string
	for _, c := range list {
		s := c.String()
		for _, g := range facts().gpus {
			if g.Compute == s {
				s += " (" + g.Family + ": " + strings.Join(g.Products, ", ") + ")"
			}
		}
		text = append(text, s)
	}
	return strings.Join(text, ", ")
}
