package deb

import (
	"context"
	"net/http"
	"strings"
	"time"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse"
)

// Options say which base is wanted and where it comes from.
type Options struct {
	Base      string              // debian:12 or debian:13
	Packages  []string            // besides the fixed ones
	Apt       []Source            // repositories besides Debian's own
	Machine   string              // x86_64 or aarch64
	CacheDir  string              // indexes are kept below it
	Offline   bool                // open no socket
	Env       func(string) string // os.Getenv; nil: no environment
	Client    *http.Client        // nil: one with the default transport
	Now       func() time.Time    // what a Release's Valid-Until is held against; nil: time.Now
	Installed *Installed          // what a Debian image has; nil: a base of its own is assembled
}

// Installed is what a Debian image says of itself.
type Installed struct {
	Status   []byte // var/lib/dpkg/status, and the files of status.d joined to it
	Codename string // VERSION_CODENAME of its os-release: "bookworm"
}

// Package is one Debian binary package of a base.
type Package struct {
	Name    string
	Version string
	Arch    string
	SHA256  string // lower-case hex
	Size    int64  // bytes of the .deb
	Path    string // below its archive: "pool/main/…/x_1_amd64.deb"
	Archive string // "debian", "debian-security" or the URL of an image.apt entry, without credentials
	URL     string // address on the mirror in force; may hold credentials
	Layer   string // name of the layer that holds it
}

// Artifact is the package's file for the House, without an address.
func (p Package) Artifact() wheelhouse.Artifact {
	return wheelhouse.Artifact{
		Kind: wheelhouse.Deb, Name: p.Path[strings.LastIndexByte(p.Path, '/')+1:], SHA256: p.SHA256, Size: p.Size,
	}
}

// Plan is a base before its packages are fetched.
type Plan struct {
	Base     string    // "debian:12"
	Release  string    // point release, "12.15"; empty when the mirror does not say
	At       string    // newest Date of the Releases read, RFC 3339 in UTC
	Python   string    // X.Y of its python3
	Packages []Package // sorted by name
	Choices  []Choice  // between alternatives and providers, sorted by who asks
	Notes    []string  // what a user should hear of the sources: a line each, no credentials

	On *Ground // the image that they are put on; nil: they are a base of their own

	options Options // of the Resolve or Pinned that made it
}

// Layers of a base, lowest first. What a package asked for in the profile
// brings along stands on top, so that it never changes the two below.
const (
	layerBase     = "base"
	layerPython   = "python"
	layerPackages = "packages"
)

var (
	baseRoots = []string{
		"base-files", "base-passwd", "ca-certificates", "dash", "libc-bin", "libc6",
		"libgomp1", "libstdc++6", "netbase", "tzdata",
	}
	pythonRoots = []string{"python3", "python3-venv"} // python -m venv is a part of Python elsewhere
	codenames   = map[string]string{"debian:12": "bookworm", "debian:13": "trixie"}
	arches      = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}
)

// Supported says whether base is one that this package assembles.
func Supported(base string) bool { return codenames[base] != "" }

// Resolve finds the packages of a base: it reads the indexes of the release,
// its updates and its security suite, and closes over dependencies.
func Resolve(ctx context.Context, o Options) (*Plan, error) {
	codename, err := o.codename()
	if err != nil {
		return nil, err
	}
	arch := arches[o.Machine]
	if codename == "" || arch == "" {
		return nil, unknownBase(o)
	}
	f, err := newFetcher(o)
	if err != nil {
		return nil, err
	}
	suites, notes, err := suitesOf(o, codename, arch)
	if err != nil {
		return nil, err
	}
	has, err := f.read(ctx, suites, arch)
	if err != nil {
		return nil, err
	}
	for _, p := range o.Packages {
		if !validName(p) {
			return nil, fault.New(fault.Input, "image.packages: %q is not a Debian package name", p)
		}
	}
	on, err := o.Installed.read()
	if err != nil {
		return nil, err
	}
	set, err := closeOver(has.universe, arch, on, o.stages())
	if err != nil {
		return nil, err
	}
	plan := &Plan{Base: o.Base, Release: has.release, At: has.at, Choices: set.choices, Notes: append(notes, has.notes...), options: o}
	for _, name := range set.names() {
		c := *set.chosen[name].candidate
		if err := c.complete(arch); err != nil {
			return nil, fault.New(fault.Integrity, "debian index of %s", o.Base).Wrap(err)
		}
		c.Layer = set.layers[name]
		plan.Packages = append(plan.Packages, c.Package)
	}
	if p := set.chosen["python3"]; p != nil {
		plan.Python = minor(p.Version)
	}
	return plan, nil
}

// minor is X.Y of a Debian version of python3, "3.11.2-1+b1".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	y, _ := takeRun(parts[1], true)
	return parts[0] + "." + y
}

// Artifacts are the files to have before Unpack.
func (p *Plan) Artifacts() []wheelhouse.Artifact {
	out := make([]wheelhouse.Artifact, len(p.Packages))
	for i, d := range p.Packages {
		out[i] = d.Artifact()
		out[i].Sources = p.options.Sources(d, p.At)
	}
	return out
}

// LayerPlan is one layer of the base before it is made.
type LayerPlan struct {
	Name    string    // base, python or packages
	Members []string  // "libc6 2.36-9+deb12u14", sorted
	Key     layer.Key // from its packages and those of the layers below, which it stands on
}

// Layers are the base's layers, lowest first; one without packages is left out.
func (p *Plan) Layers() []LayerPlan {
	parts := []string{rules}
	if p.On != nil {
		parts = append(append(parts, "on"), p.On.Layers...)
	}
	var out []LayerPlan
	for _, name := range []string{layerBase, layerPython, layerPackages} {
		l := LayerPlan{Name: name}
		for _, d := range p.Packages {
			if d.Layer == name {
				l.Members = append(l.Members, d.Name+" "+d.Version)
				parts = append(parts, name, d.SHA256)
			}
		}
		if l.Members != nil {
			l.Key = layer.NewKey("deb", parts...)
			out = append(out, l)
		}
	}
	return out
}
