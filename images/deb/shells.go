package deb

import (
	"path"
	"strings"

	"wheelwright/images/layer"
)

// shells does what update-shells of debianutils does on a new system: the
// template, then the shells that packages name in shells.d, each also by the
// path that links on its way lead to.
func (t *Tree) shells() (bool, error) {
	const dir = "usr/share/debianutils/"
	if !t.runs("/usr/sbin/update-shells") {
		return false, nil
	}
	var text strings.Builder
	listed := map[string]bool{}
	var more []string
	for _, p := range keys(t.nodes) {
		if p != dir+"shells" && path.Dir(p)+"/" != dir+"shells.d/" || !t.nodes[p].Mode.IsRegular() {
			continue
		}
		data, err := content(t.follow(p).Entry)
		if err != nil {
			return false, err
		}
		for _, line := range strings.SplitAfter(string(data), "\n") {
			shell, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "#")
			if p == dir+"shells" && !(shell != "" && listed[shell]) {
				text.WriteString(line)
				listed[shell] = true
			}
			if strings.HasPrefix(shell, "/") {
				more = append(more, shell, "/"+t.where(path.Clean(shell)))
			}
		}
	}
	for _, shell := range more {
		if !listed[shell] {
			text.WriteString(shell + "\n")
			listed[shell] = true
		}
	}
	t.make(layer.Literal("etc/shells", 0o644, []byte(text.String())))
	return true, nil
}
