package profiles

import (
	"regexp"
	"slices"

	"wheelwright/fault"
	"wheelwright/solver/gpucode"
	"wheelwright/solver/pep508"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9_-]{1,100}$`)
	pythonForm = regexp.MustCompile(`^3\.(9|1[0-4])(\.(0|[1-9][0-9]?))?$`)
	glibcForm  = regexp.MustCompile(`^2\.([5-9]|[1-9][0-9])$`)
	cudaForm   = regexp.MustCompile(`^[1-9][0-9]?\.[0-9]{1,2}$`)
)

// unless is why where ok is false.
func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

func checkName(n *node) error {
	d := &decoder{}
	d.check(n, n.text, unless(d.text(n, "") != "" && nameForm.MatchString(n.text),
		"a name is made of a-z, 0-9, _ and -, at most 100 of them"))
	if d.err != nil {
		return d.err
	}
	return nil
}

func checkPython(s string) string {
	return unless(pythonForm.MatchString(s), "allowed: 3.9 to 3.14, as X.Y or X.Y.Z")
}

func inputError(what, why string) error { return fault.New(fault.Input, "%s", what).Because("%s", why) }

func (d *decoder) python(n *node) string {
	s := d.text(n, "")
	return d.check(n, s, checkPython(s))
}

func (d *decoder) platform(n *node) Platform {
	if n == nil {
		n = &node{kind: mapNode}
	}
	d.keys(n, "machine", "glibc")
	p := Platform{
		Machine: d.oneOf(n.named["machine"], "x86_64", "x86_64", "aarch64"),
		Glibc:   d.text(n.named["glibc"], "2.28"),
	}
	d.check(n.named["glibc"], p.Glibc, unless(glibcForm.MatchString(p.Glibc), `allowed: "2.5" to "2.99"`))
	return p
}

func (d *decoder) gpu(n *node) *GPU {
	if n == nil {
		return nil
	}
	d.keys(n, "compute", "cuda")
	if n.kind != mapNode {
		return nil
	}
	for _, key := range []string{"compute", "cuda"} {
		if n.named[key] == nil {
			d.fail(n.at("%s is missing", key).Because("gpu has both compute and cuda; a profile without a GPU has no gpu key"))
		}
	}
	g := &GPU{CUDA: d.text(n.named["cuda"], "")}
	d.check(n.named["cuda"], g.CUDA, unless(cudaForm.MatchString(g.CUDA), `a CUDA release is major.minor: "12.4"`))
	var compute []gpucode.Capability
	for _, item := range d.list(n.named["compute"]) {
		s := d.text(item, "")
		c, err := gpucode.ParseCapability(s)
		d.check(item, s, unless(err == nil && c.Suffix == 0 && c.String() == s, `the compute capability of a device is major.minor: "8.9"`))
		compute = append(compute, c)
	}
	if list := n.named["compute"]; list != nil && len(compute) == 0 {
		d.fail(list.at("empty").Because("gpu.compute lists at least one compute capability"))
	}
	slices.SortFunc(compute, compareCapability)
	for _, c := range slices.Compact(compute) {
		g.Compute = append(g.Compute, c.String())
	}
	return g
}

func (d *decoder) entry(n *node) {
	d.texts(n)
	d.later(n, "entry", "entries are not run yet", "leave entry out")
}

func (d *decoder) matrix(n *node) {
	d.texts(n)
	d.later(n, "matrix", "matrix records are not read yet", "leave matrix out")
}

// table is a map of strings; a value may be empty.
func (d *decoder) table(n *node, form *regexp.Regexp, why string) map[string]string {
	if !d.is(n, mapNode, "a map") {
		return nil
	}
	out := map[string]string{}
	for _, name := range n.names {
		v := n.named[name]
		if !form.MatchString(name) {
			d.fail(v.at("the key %s is not allowed", quote(name)).Because("%s", why))
		}
		if v.kind == scalarNode && v.tag == "!!str" && v.text == "" {
			out[name] = ""
			continue
		}
		out[name] = d.text(v, "")
	}
	return out
}

func (d *decoder) packageNames(n *node) []string {
	var out []string
	for _, item := range d.list(n) {
		s := d.text(item, "")
		name, err := pep508.ParseName(s)
		d.check(item, s, unless(err == nil, "a distribution name is made of letters, digits, ., _ and -"))
		if !slices.Contains(out, string(name)) {
			out = append(out, string(name))
		}
	}
	return out
}

func compareCapability(a, b gpucode.Capability) int {
	if a.Major != b.Major {
		return a.Major - b.Major
	}
	return a.Minor - b.Minor
}
