package profiles

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var (
	debForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	envForm   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	labelForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	userForm  = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	modeForm  = regexp.MustCompile(`^0?[0-7]{3}$`)
	imageForm = regexp.MustCompile(`^([A-Za-z0-9.-]+(:[0-9]{1,5})?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
)

// Image is how the image is made.
type Image struct {
	Base       string            `yaml:"base" json:"base"`                                  // debian:12, debian:13, scratch, oci:DIR or a registry reference
	Packages   []string          `yaml:"packages,omitempty,flow" json:"packages,omitempty"` // Debian packages besides those of the base; what image.without names is left out
	Apt        []Apt             `yaml:"apt,omitempty" json:"apt,omitempty"`                // where they come from besides Debian, in order
	Prefix     string            `yaml:"prefix" json:"prefix"`                              // absolute, clean
	User       string            `yaml:"user,omitempty" json:"user,omitempty"`              // UID, NAME, or either with :GID or :GROUP; empty: the base's own
	Env        map[string]string `yaml:"env,omitempty" json:"env,omitempty"`
	Workdir    string            `yaml:"workdir,omitempty" json:"workdir,omitempty"` // absolute
	Entrypoint []string          `yaml:"entrypoint,omitempty,flow" json:"entrypoint,omitempty"`
	Cmd        []string          `yaml:"cmd,omitempty,flow" json:"cmd,omitempty"`
	Labels     map[string]string `yaml:"labels,omitempty" json:"labels,omitempty"`
	Files      []File            `yaml:"files,omitempty" json:"files,omitempty"` // in order; of two with one place the later counts
}

// File is a file or folder of the machine that builds, for the image.
type File struct {
	From string `yaml:"from" json:"from"`                     // absolute
	To   string `yaml:"to" json:"to"`                         // absolute; with a slash at its end the folder that From goes into
	Mode string `yaml:"mode,omitempty" json:"mode,omitempty"` // of the file, or of each in the folder: four octal digits; empty: 0755 where one may run it, else 0644
}

func (d *decoder) image(n *node) Image {
	if n == nil {
		n = &node{kind: mapNode}
	}
	d.keys(n, "base", "packages", "without", "apt", "prefix", "user", "env", "workdir", "entrypoint", "cmd", "labels", "files")
	k := n.named
	img := Image{
		Base:       d.base(k["base"]),
		Prefix:     d.text(k["prefix"], "/opt/env"),
		User:       d.user(k["user"]),
		Env:        d.table(k["env"], envForm, "the name of an environment variable is made of letters, digits and _"),
		Workdir:    d.text(k["workdir"], ""),
		Entrypoint: d.texts(k["entrypoint"]),
		Cmd:        d.texts(k["cmd"]),
		Labels:     d.table(k["labels"], labelForm, "a label's key is made of letters, digits, ., _, / and -"),
		Files:      d.files(k["files"]),
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
	img.Apt = d.apt(k["apt"])
	for _, key := range []string{"packages", "apt"} {
		if k[key] != nil && img.Base == "scratch" {
			d.fail(k[key].at("not allowed with base scratch").Because("there is no Debian in it that packages could be added to").
				Try("leave %s out, or take base: debian:12", key))
		}
	}
	d.check(k["prefix"], img.Prefix, unless(cleanPath(img.Prefix) && img.Prefix != "/" && len(img.Prefix) <= 100 && !strings.ContainsAny(img.Prefix, " \t\n\"'`\\$:"),
		"the prefix is an absolute, clean path below / without spaces, quotes, $ or :, at most 100 bytes: it stands in PATH and in every script's first line"))
	d.check(k["workdir"], img.Workdir, unless(cleanPath(img.Workdir), "the working folder is an absolute, clean path"))
	return img
}

// user is a user as in a Dockerfile's USER.
func (d *decoder) user(n *node) string {
	s := d.text(n, "")
	user, group, both := strings.Cut(s, ":")
	return d.check(n, s, unless(userOrGroup(user) && (!both || userOrGroup(group)),
		`a user is UID, UID:GID, NAME or NAME:GROUP, as "10001:0": ids from 0 to 2147483646, names of a-z, 0-9, _ and - that the base knows`))
}

// userOrGroup says whether s is an id (the two highest of 31 bits are none) or
// a name.
func userOrGroup(s string) bool {
	if id, err := strconv.ParseInt(s, 10, 32); err == nil {
		return id >= 0 && id <= 1<<31-2 && strconv.FormatInt(id, 10) == s
	}
	return userForm.MatchString(s)
}

func (d *decoder) files(n *node) []File {
	var out []File
	for _, item := range d.list(n) {
		d.keys(item, "from", "to", "mode")
		if item.kind != mapNode {
			continue
		}
		for _, key := range []string{"from", "to"} {
			if item.named[key] == nil {
				d.fail(item.at("%s is missing", key))
			}
		}
		from, to, mode := item.named["from"], item.named["to"], item.named["mode"]
		f := File{From: d.text(from, ""), To: d.text(to, ""), Mode: d.text(mode, "")}
		d.check(from, f.From, unless(!strings.Contains(f.From, "://"), "from is a file or a folder of this machine"))
		d.check(to, f.To, unless(cleanPlace(f.To), "to is an absolute, clean path, with a slash at its end where it is the folder that the file goes into"))
		d.check(mode, f.Mode, unless(modeForm.MatchString(f.Mode) && strings.Trim(f.Mode, "0") != "", `a mode is octal digits that let someone read the file: "0644"`))
		if d.err == nil {
			f.From = d.folder(from, f.From)
			if len(f.Mode) == 3 {
				f.Mode = "0" + f.Mode
			}
			out = append(out, f)
		}
	}
	return out
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
	if user, rest, has := strings.Cut(s, "@"); n != nil && has && strings.Contains(rest, "/") && strings.Contains(user, ":") {
		// The value must not be printed.
		d.fail(n.at("a registry reference holds no credentials").
			Because("a profile is kept and shared").Try("docker login, or its configuration, says who you are to a registry"))
		return s
	}
	return d.check(n, s, unless(known || imageForm.MatchString(s) && s != "debian" && !strings.HasPrefix(s, "debian:"),
		"allowed: debian:12, debian:13, scratch, oci:DIR, or a registry reference such as HOST/REPO:TAG"))
}

// cleanPath says whether s is an absolute, clean path that can stand in a
// layer, where a name that begins with .wh. deletes.
func cleanPath(s string) bool {
	return strings.HasPrefix(s, "/") && path.Clean(s) == s && !strings.ContainsAny(s, "\n\r") && !strings.Contains(s, "/.wh.")
}

// cleanPlace is cleanPath with or without a slash at its end, and without
// control characters.
func cleanPlace(s string) bool {
	return (s == "/" || cleanPath(strings.TrimSuffix(s, "/"))) &&
		!strings.ContainsFunc(s, unicode.IsControl)
}
