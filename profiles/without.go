package profiles

import (
	"slices"
	"strings"

	"wheelwright/fault"
)

// leaveOut applies image.without of a profile to the image.packages that it
// inherits: they go, and the key with them, for what extends this profile
// inherits only what is left.
func leaveOut(inherited, own *node) error {
	image := own.named["image"]
	if image == nil || image.named["without"] == nil {
		return nil
	}
	without := image.named["without"]
	d := &decoder{}
	packages := packagesOf(inherited)
	var names []string
	if packages != nil {
		names = texts(packages)
	}
	for _, item := range d.list(without) {
		name := d.text(item, "")
		switch {
		case d.err != nil:
		case packagesOf(own) != nil && slices.Contains(texts(packagesOf(own)), name):
			d.fail(item.at("%s stands in image.packages of the same profile", quote(name)).
				Because("without leaves out what is inherited").Try("take it out of one of the two"))
		case !slices.Contains(names, name):
			d.fail(unknownPackage(item, name, names))
		}
		for packages != nil {
			i := slices.IndexFunc(packages.items, func(p *node) bool { return p.text == name })
			if i < 0 {
				break
			}
			packages.items = slices.Delete(packages.items, i, i+1)
		}
	}
	if d.err != nil {
		return d.err
	}
	if packages != nil && len(packages.items) == 0 {
		drop(inherited.named["image"], "packages")
	}
	drop(image, "without")
	return nil
}

func unknownPackage(item *node, name string, inherited []string) *fault.Error {
	f := item.at("%s is not among the inherited image.packages", quote(name))
	if len(inherited) == 0 {
		return f.Because("this profile inherits none: without leaves out packages of what a profile extends").Try("leave image.without out")
	}
	f.Because("inherited are %s", strings.Join(inherited, ", "))
	if o := near(name, inherited); o != "" {
		return f.Try("write %s", o)
	}
	return f.Try("leave %s out", quote(name))
}

// packagesOf is the list image.packages of a tree, nil where it has none.
func packagesOf(root *node) *node {
	if image := root.named["image"]; image != nil {
		if list := image.named["packages"]; list != nil && list.kind == listNode {
			return list
		}
	}
	return nil
}

func texts(list *node) []string {
	var out []string
	for _, item := range list.items {
		out = append(out, item.text)
	}
	return out
}
