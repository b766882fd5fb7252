package profiles

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver/gpucode"
	"wheelwright/solver/pep508"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9_-]{1,100}$`)
	pythonForm = regexp.MustCompile(`^3\.(9|1[0-4])(\.(0|[1-9][0-9]?))?$`)
	glibcForm  = regexp.MustCompile(`^2\.([5-9]|[1-9][0-9])$`)
	cudaForm   = regexp.MustCompile(`^[1-9][0-9]?\.[0-9]{1,2}$`)
	envForm    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	debForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	labelForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	userForm   = regexp.MustCompile(`^[0-9]{1,10}(:[0-9]{1,10})?$`)
	modeForm   = regexp.MustCompile(`^0?[0-7]{3}$`)
	imageForm  = regexp.MustCompile(`^([A-Za-z0-9.-]+(:[0-9]{1,5})?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
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

func (d *decoder) waive(n *node) {
	for _, item := range d.list(n) {
		d.keys(item, "rule", "package", "reason")
		for _, key := range []string{"rule", "package", "reason"} {
			if item.kind == mapNode && item.named[key] == nil {
				d.fail(item.at("%s is missing", key))
			}
			d.text(item.named[key], "")
		}
	}
	d.later(n, "waive", "there is no rule to waive yet", "leave waive out")
}

func (d *decoder) image(n *node) Image {
	if n == nil {
		n = &node{kind: mapNode}
	}
	d.keys(n, "base", "packages", "prefix", "user", "env", "workdir", "entrypoint", "cmd", "labels", "files")
	k := n.named
	img := Image{
		Base:       d.base(k["base"]),
		Prefix:     d.text(k["prefix"], "/opt/env"),
		Env:        d.table(k["env"], envForm, "the name of an environment variable is made of letters, digits and _"),
		Workdir:    d.text(k["workdir"], ""),
		Entrypoint: d.texts(k["entrypoint"]),
		Cmd:        d.texts(k["cmd"]),
		Labels:     d.table(k["labels"], labelForm, "a label's key is made of letters, digits, ., _, / and -"),
	}
	if env := k["env"]; env != nil && env.named["LD_LIBRARY_PATH"] != nil {
		d.fail(env.named["LD_LIBRARY_PATH"].at("not allowed").
			Because("it overrides the RUNPATH by which the wheels find their own CUDA libraries").Try("leave it out"))
	}
	for _, item := range d.list(k["packages"]) {
		s := d.text(item, "")
		d.check(item, s, unless(debForm.MatchString(s), "a Debian package name is made of a-z, 0-9, +, - and ."))
		if !slices.Contains(img.Packages, s) {
			img.Packages = append(img.Packages, s)
		}
	}
	if !debianBase(img.Base) {
		d.later(k["packages"], "image.packages", "packages are added to debian:12 and debian:13 only", "leave packages out, or take base: debian:12")
	}
	d.check(k["prefix"], img.Prefix, unless(cleanPath(img.Prefix) && img.Prefix != "/" && len(img.Prefix) <= 100 && !strings.ContainsAny(img.Prefix, " \t\n\"'`\\$:"),
		"the prefix is an absolute, clean path below / without spaces, quotes, $ or :, at most 100 bytes: it stands in PATH and in every script's first line"))
	d.check(k["workdir"], img.Workdir, unless(cleanPath(img.Workdir), "the working folder is an absolute, clean path"))
	user := d.text(k["user"], "")
	d.check(k["user"], user, unless(userForm.MatchString(user), `a user is "UID" or "UID:GID", numbers`))
	d.later(k["user"], "image.user", "images do not set it yet", "leave user out")
	d.files(k["files"])
	return img
}

func (d *decoder) files(n *node) {
	for _, item := range d.list(n) {
		d.keys(item, "from", "to", "mode")
		for _, key := range []string{"from", "to"} {
			if item.kind == mapNode && item.named[key] == nil {
				d.fail(item.at("%s is missing", key))
			}
		}
		d.text(item.named["from"], "")
		to, mode := d.text(item.named["to"], ""), d.text(item.named["mode"], "0644")
		d.check(item.named["to"], to, unless(cleanPath(to), "to is an absolute, clean path"))
		d.check(item.named["mode"], mode, unless(modeForm.MatchString(mode), `a mode is three octal digits: "0644"`))
	}
	d.later(n, "image.files", "images do not carry files yet", "leave files out")
}

// base checks image.base. What looks like an unsupported Debian release or
// a folder without oci: is refused before it can pass for a registry's image.
func (d *decoder) base(n *node) string {
	s := d.text(n, "debian:12")
	if dir, ok := strings.CutPrefix(s, "oci:"); ok {
		if dir == "" {
			return d.check(n, s, "oci: wants a folder: oci:DIR")
		}
		return "oci:" + d.folder(n, dir)
	}
	known := debianBase(s) || s == "scratch"
	return d.check(n, s, unless(known || imageForm.MatchString(s) && s != "debian" && !strings.HasPrefix(s, "debian:"),
		"allowed: debian:12, debian:13, scratch, oci:DIR, or a registry reference such as HOST/REPO:TAG"))
}

func cleanPath(s string) bool {
	return strings.HasPrefix(s, "/") && path.Clean(s) == s && !strings.ContainsAny(s, "\n\r")
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
