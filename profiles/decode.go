package profiles

import (
	"slices"
	"strings"
	"unicode"

	"wheelwright/fault"
	"wheelwright/solver"
)

// decoder turns a merged tree into a Profile. The first fault stays; what is
// valid but takes effect in a later version is told only where nothing else
// is wrong.
type decoder struct {
	top      string // folder of the profile the user named
	absolute bool   // folders absolute, or as written relative to top
	err      *fault.Error
	notYet   *fault.Error
	origins  map[string]string // of requirements; see Profile
}

func decode(root *node, top string, absolute bool) (Profile, error) {
	d := &decoder{top: top, absolute: absolute, origins: map[string]string{}}
	d.keys(root, "name", "extends", "summary", "python", "platform", "gpu", "requires", "prefer", "constraints",
		"overrides", "exclude", "prerelease", "allow-old", "indexes", "entry", "matrix", "waive", "image")
	for _, key := range []string{"name", "python", "requires"} {
		if root.named[key] == nil {
			d.fail(root.at("%s: missing", key).Because("required keys: name, python, requires"))
		}
	}
	k := root.named
	p := Profile{
		Name:        d.text(k["name"], ""),
		Summary:     d.line(k["summary"]),
		Python:      d.python(k["python"]),
		Platform:    d.platform(k["platform"]),
		GPU:         d.gpu(k["gpu"]),
		Requires:    d.requirements(k["requires"], required),
		Prefer:      solver.Prefer(d.oneOf(k["prefer"], string(solver.PreferFreshest), string(solver.PreferFreshest), string(solver.PreferOrder))),
		Constraints: d.requirements(k["constraints"], constraint),
		Overrides:   d.requirements(k["overrides"], override),
		Exclude:     d.requirements(k["exclude"], exclusion),
		Prerelease: solver.Prerelease(d.oneOf(k["prerelease"], string(solver.PrereleaseIfNecessary),
			string(solver.PrereleaseIfNecessary), string(solver.PrereleaseAllow), string(solver.PrereleaseNever))),
		AllowOld: d.packageNames(k["allow-old"]),
		Indexes:  d.indexes(k["indexes"]),
	}
	if n := k["requires"]; n != nil && len(p.Requires) == 0 {
		d.fail(n.at("empty").Because("a profile requires at least one distribution"))
	}
	d.entry(k["entry"])
	d.matrix(k["matrix"])
	p.Waive = d.waive(k["waive"])
	p.Image = d.image(k["image"])
	p.origins = d.origins
	switch {
	case d.err != nil:
		return Profile{}, d.err
	case d.notYet != nil:
		return Profile{}, d.notYet
	}
	return p, nil
}

func (d *decoder) fail(f *fault.Error) {
	if d.err == nil {
		d.err = f
	}
}

// later refuses a valid key without effect in this version.
func (d *decoder) later(n *node, what, why, next string) {
	if n != nil && d.notYet == nil {
		d.notYet = n.at("not yet supported").Because("%s is a valid key of a profile, but %s; it is refused rather than ignored", what, why).Try("%s", next)
	}
}

// keys refuses keys of a map that are not allowed there.
func (d *decoder) keys(n *node, allowed ...string) {
	if !d.is(n, mapNode, "a map") {
		return
	}
	for _, name := range n.names {
		if slices.Contains(allowed, name) {
			continue
		}
		f := n.named[name].at("unknown key").Because("allowed here: %s", strings.Join(allowed, ", "))
		if name == "<<" {
			f.Try("use extends to share between profiles")
		} else if o := near(name, allowed); o != "" {
			f.Try("write %s", o)
		}
		d.fail(f)
	}
}

// is says whether n is there and of a kind; another kind is a fault.
func (d *decoder) is(n *node, want kind, name string) bool {
	if n == nil {
		return false
	}
	if n.kind != want {
		d.fail(n.at("want %s, this is %s", name, n.what()))
		return false
	}
	return true
}

// text is a string, dflt where the key is absent.
func (d *decoder) text(n *node, dflt string) string {
	switch {
	case n == nil:
		return dflt
	case n.kind == scalarNode && n.tag == "!!str":
		if n.text == "" {
			d.fail(n.at("empty"))
		}
		if strings.ContainsFunc(n.text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\ufeff' }) {
			d.fail(n.at("%s holds a control character", quote(n.text)))
		}
		return n.text
	case n.kind == scalarNode && n.tag != "!!null":
		d.fail(n.at("want a string, this is %s", n.what()).Try("write it in quotes: %s", quote(n.text)))
	default:
		d.fail(n.at("want a string, this is %s", n.what()))
	}
	return dflt
}

// line is an optional string of one line.
func (d *decoder) line(n *node) string {
	s := d.text(n, "")
	if strings.ContainsAny(s, "\r\n") {
		d.fail(n.at("want one line, this has several"))
	}
	return s
}

// oneOf is one of the allowed strings.
func (d *decoder) oneOf(n *node, dflt string, allowed ...string) string {
	s := d.text(n, dflt)
	if n != nil && d.err == nil && !slices.Contains(allowed, s) {
		f := n.at("%s is not allowed", quote(s)).Because("allowed: %s", strings.Join(allowed, ", "))
		if o := near(s, allowed); o != "" {
			f.Try("write %s", o)
		}
		d.fail(f)
	}
	return s
}

// list is the items of a list; empty where the key is absent.
func (d *decoder) list(n *node) []*node {
	if !d.is(n, listNode, "a list") {
		return nil
	}
	return n.items
}

// texts is a list of strings.
func (d *decoder) texts(n *node) []string {
	var out []string
	for _, item := range d.list(n) {
		out = append(out, d.text(item, ""))
	}
	return out
}

// check fails with why unless it is empty.
func (d *decoder) check(n *node, value, why string) string {
	if n != nil && d.err == nil && why != "" {
		d.fail(n.at("%s is not allowed", quote(value)).Because("%s", why))
	}
	return value
}
