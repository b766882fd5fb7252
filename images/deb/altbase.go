package deb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// writeAlternatives records the generic names that the packages brought, as
// update-alternatives keeps them, on an image that has that program. A name
// that the image has already stays as it is there.
func (t *Tree) writeAlternatives() {
	if t.on == nil || !t.has("/usr/bin/update-alternatives") {
		return
	}
	for _, name := range keys(t.alternatives) {
		p := dpkgFolder + "alternatives/" + name
		all := slices.DeleteFunc(slices.Clone(t.alternatives[name]), func(a alternative) bool { return !t.has(a.target) })
		if len(all) == 0 || t.nodes[p] != nil {
			continue
		}
		t.write(p, 0o644, alternativesText(all))
	}
}

// alternativesText is the file of one name: whether the choice is automatic,
// the generic path, each slave's name and path, then for each choice its
// target, its priority and the slaves' targets.
func alternativesText(all []alternative) []byte {
	slices.SortFunc(all, func(a, b alternative) int { return cmp.Compare(a.target, b.target) })
	slaves := map[string]string{}
	for _, a := range all {
		for _, s := range a.slaves {
			slaves[s.name] = s.link
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "auto\n%s\n", all[0].link)
	for _, s := range keys(slaves) {
		fmt.Fprintf(&b, "%s\n%s\n", s, slaves[s])
	}
	b.WriteString("\n")
	for _, a := range all {
		fmt.Fprintf(&b, "%s\n%d\n", a.target, a.priority)
		for _, s := range keys(slaves) {
			for _, own := range a.slaves {
				if own.name == s {
					b.WriteString(own.target)
				}
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
	return []byte(b.String())
}
