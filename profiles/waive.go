package profiles

import (
	"slices"
	"strings"

	"wheelwright/solver/pep508"
)

// RuleCollision is the rule that no two wheels write one path differently.
const RuleCollision = "collision"

// Waiver sets a rule aside for one distribution. Of rule collision: where its
// wheel and others write one path differently, its file counts.
type Waiver struct {
	Rule    string `yaml:"rule" json:"rule"`
	Package string `yaml:"package" json:"package"` // normalised
	Reason  string `yaml:"reason" json:"reason"`   // one line, for people
}

// waive reads the waivers. Of two for one distribution the later counts, so
// that a profile can replace the one of a profile that it extends.
func (d *decoder) waive(n *node) []Waiver {
	var out []Waiver
	for _, item := range d.list(n) {
		d.keys(item, "rule", "package", "reason")
		if item.kind != mapNode {
			continue
		}
		for _, key := range []string{"rule", "package", "reason"} {
			if item.named[key] == nil {
				d.fail(item.at("%s is missing", key))
			}
		}
		k := item.named
		w := Waiver{Rule: d.text(k["rule"], ""), Package: d.text(k["package"], ""), Reason: strings.TrimSpace(d.line(k["reason"]))}
		if k["rule"] != nil && d.err == nil && w.Rule != RuleCollision {
			d.fail(k["rule"].at("%s: not yet supported", quote(w.Rule)).Because("the rule that can be waived is %s", RuleCollision))
		}
		name, err := pep508.ParseName(w.Package)
		d.check(k["package"], w.Package, unless(err == nil, "a distribution name is made of letters, digits, ., _ and -"))
		d.check(k["reason"], w.Reason, unless(w.Reason != "", "a waiver says why, for whoever reads the report"))
		w.Package = string(name)
		out = slices.DeleteFunc(out, func(o Waiver) bool { return o.Rule == w.Rule && o.Package == w.Package })
		out = append(out, w)
	}
	return out
}
