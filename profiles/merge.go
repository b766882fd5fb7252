package profiles

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver/pep508"
)

const maxExtends = 16 // files in one chain

// tree parses src and merges it onto what it extends. chain holds the ids of
// the files that led here, src's own last.
func (l loader) tree(src *source, chain []string) (*node, error) {
	n, err := parse(src)
	if err != nil {
		return nil, err
	}
	if name, ok := n.named["name"]; !ok {
		return nil, n.at("name: missing").
			Because("every profile file has its own name; required keys: name, python, requires")
	} else if err := checkName(name); err != nil {
		return nil, err
	}
	extends, ok := n.named["extends"]
	if !ok {
		return n, leaveOut(&node{}, n)
	}
	drop(n, "extends")
	if extends.kind != scalarNode || extends.tag != "!!str" || extends.text == "" {
		return nil, extends.at("want the name of a shipped profile or a path, this is %s", extends.what())
	}
	parent, id, err := l.open(extends.text, src.dir, src.label)
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			f.What = extends.at("%s", f.What).What
		}
		return nil, err
	}
	if slices.Contains(chain, id) {
		return nil, extends.at("%s extends itself", quote(extends.text)).Because("%s", cycle(append(chain, id)))
	}
	if len(chain) >= maxExtends {
		return nil, extends.at("a chain of more than %d files", maxExtends)
	}
	base, err := l.tree(parent, append(slices.Clone(chain), id))
	if err != nil {
		return nil, err
	}
	drop(base, "name")
	drop(base, "summary")
	if err := leaveOut(base, n); err != nil {
		return nil, err
	}
	if image := base.named["image"]; image != nil && emptiesBase(n) {
		drop(image, "packages")
		drop(image, "apt")
	}
	return merge(base, n), nil
}

// emptiesBase says whether a profile takes base scratch, to which nothing can
// be added: the packages of what it extends then mean nothing. On an image
// they stay, for most are Debian's; on one that is not, resolving them is
// refused and image.without named.
func emptiesBase(n *node) bool {
	image := n.named["image"]
	return image != nil && image.named["base"] != nil && image.named["base"].text == "scratch"
}

func debianBase(s string) bool { return s == "debian:12" || s == "debian:13" }

func cycle(ids []string) string {
	shown := make([]string, len(ids))
	for i, id := range ids {
		shown[i] = filepath.Base(strings.TrimPrefix(id, "shipped "))
	}
	return strings.Join(shown, " extends ")
}

func drop(n *node, key string) {
	delete(n.named, key)
	n.names = slices.DeleteFunc(n.names, func(k string) bool { return k == key })
}

// merge lays child over parent: maps merge, lists append, anything else is
// replaced. Entries of requires, indexes and image.apt replace those of the
// same name. A command line is one value: image.entrypoint and image.cmd are
// replaced. image.packages are not inherited onto base scratch, and those that
// image.without names not at all.
func merge(parent, child *node) *node {
	switch {
	case parent == nil || parent.kind != child.kind || child.kind == scalarNode:
		return child
	case child.kind == listNode:
		n := *child
		switch child.key {
		case "image.entrypoint", "image.cmd":
		case "requires":
			n.items = replace(parent.items, child.items, requirementName)
		case "indexes":
			n.items = replace(parent.items, child.items, indexName)
		case "image.apt":
			n.items = replace(parent.items, child.items, aptName)
		default:
			n.items = slices.Concat(parent.items, child.items)
		}
		return &n
	}
	n := *child
	n.names, n.named = nil, map[string]*node{}
	for _, key := range parent.names {
		n.names, n.named[key] = append(n.names, key), parent.named[key]
	}
	for _, key := range child.names {
		if _, ok := n.named[key]; !ok {
			n.names = append(n.names, key)
		}
		n.named[key] = merge(parent.named[key], child.named[key])
	}
	return &n
}

// replace puts each named item of child where parent first has that name,
// and the others at the end. Items without a name are appended.
func replace(parent, child []*node, name func(*node) string) []*node {
	mine := map[string][]*node{}
	for _, n := range child {
		mine[name(n)] = append(mine[name(n)], n)
	}
	delete(mine, "")
	var out []*node
	placed := map[string]bool{}
	for _, n := range parent {
		key := name(n)
		items, replaced := mine[key]
		switch {
		case !replaced:
			out = append(out, n)
		case !placed[key]:
			out, placed[key] = append(out, items...), true
		}
	}
	for _, n := range child {
		if !placed[name(n)] {
			out = append(out, n)
		}
	}
	return out
}

func requirementName(n *node) string {
	r, err := pep508.Parse(n.text)
	if err != nil {
		return ""
	}
	return string(r.Name)
}

func indexName(n *node) string {
	if name := n.named["name"]; name != nil {
		return name.text
	}
	return ""
}
