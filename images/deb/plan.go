package deb

import (
	"context"
	"net/http"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse"
)

// Options say which base is wanted and where it comes from.
type Options struct {
	Base     string              // debian:12 or debian:13
	Packages []string            // besides the fixed ones
	Machine  string              // x86_64 or aarch64
	CacheDir string              // indexes are kept below it
	Offline  bool                // open no socket
	Env      func(string) string // os.Getenv; nil: no environment
	Client   *http.Client        // nil: one with the default transport
}

// Package is one Debian binary package of a base.
type Package struct {
	Name    string
	Version string
	Arch    string
	SHA256  string // lower-case hex
	Size    int64  // bytes of the .deb
	File    string // path on the mirror: "pool/main/…/x_1_amd64.deb"
	URL     string // address on the mirror in force; may hold credentials
	Layer   string // name of the layer that holds it
}

// Artifact is the package's file for the House.
func (p Package) Artifact() wheelhouse.Artifact {
	return wheelhouse.Artifact{
		Kind: wheelhouse.Deb, Name: p.File[strings.LastIndexByte(p.File, '/')+1:],
		SHA256: p.SHA256, Size: p.Size, Sources: []string{p.URL},
	}
}

// Plan is a base before its packages are fetched.
type Plan struct {
	Base     string    // "debian:12"
	Release  string    // point release, "12.15"; empty when the mirror does not say
	Python   string    // X.Y of its python3
	Packages []Package // sorted by name
	Choices  []Choice  // between alternatives and providers, sorted by who asks
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
	pythonRoots = []string{"python3"}
	codenames   = map[string]string{"debian:12": "bookworm", "debian:13": "trixie"}
	arches      = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}
)

// Supported says whether base is one that this package assembles.
func Supported(base string) bool { return codenames[base] != "" }

// Resolve finds the packages of a base: it reads the indexes of the release,
// its updates and its security suite, and closes over dependencies.
func Resolve(ctx context.Context, o Options) (*Plan, error) {
	codename, arch := codenames[o.Base], arches[o.Machine]
	if codename == "" || arch == "" {
		return nil, fault.New(fault.Input, "base %s for machine %s", o.Base, o.Machine).
			Because("known are debian:12 and debian:13 for x86_64 and aarch64")
	}
	f, err := newFetcher(o)
	if err != nil {
		return nil, err
	}
	u, version, err := f.read(ctx, suitesOf(o, codename), arch)
	if err != nil {
		return nil, err
	}
	for _, p := range o.Packages {
		if !validName(p) {
			return nil, fault.New(fault.Input, "image.packages: %q is not a Debian package name", p)
		}
	}
	set, err := closeOver(u, slices.Concat(baseRoots, pythonRoots, o.Packages))
	if err != nil {
		return nil, err
	}
	plan := &Plan{Base: o.Base, Release: version, Choices: set.choices}
	sort.Slice(plan.Choices, func(i, j int) bool { return plan.Choices[i].By < plan.Choices[j].By })
	base, python := set.reach(baseRoots), set.reach(pythonRoots)
	for _, name := range set.names() {
		c := *set.chosen[name]
		if err := c.complete(arch); err != nil {
			return nil, fault.New(fault.Integrity, "debian index of %s", o.Base).Wrap(err)
		}
		switch {
		case base[name]:
			c.Layer = layerBase
		case python[name]:
			c.Layer = layerPython
		default:
			c.Layer = layerPackages
		}
		plan.Packages = append(plan.Packages, c.Package)
	}
	plan.Python = minor(set.chosen["python3"].Version)
	return plan, nil
}

// suite is one part of the archive.
type suite struct{ mirror, name string }

func suitesOf(o Options, codename string) []suite {
	archive, security := defaultMirrors()
	if o.Env != nil {
		if m := o.Env(MirrorVariable); m != "" {
			archive = strings.TrimRight(m, "/")
		}
		if m := o.Env(SecurityVariable); m != "" {
			security = strings.TrimRight(m, "/")
		}
	}
	return []suite{{archive, codename}, {archive, codename + "-updates"}, {security, codename + "-security"}}
}

// read gets the indexes of the suites side by side and joins them in order.
// version is the first suite's own.
func (f *fetcher) read(ctx context.Context, suites []suite, arch string) (u *universe, version string, err error) {
	texts := make([][]byte, len(suites))
	releases := make([]*release, len(suites))
	group, gctx := errgroup.WithContext(ctx)
	for i, s := range suites {
		group.Go(func() error {
			base := s.mirror + "/dists/" + s.name
			raw, err := f.text(gctx, base+"/InRelease", maxRelease)
			if err != nil {
				return err
			}
			r, err := parseRelease(raw)
			if err != nil {
				return fault.New(fault.Integrity, "debian suite %s", redact(base)).Wrap(err)
			}
			if r.Codename != s.name {
				return fault.New(fault.Integrity, "debian suite %s", redact(base)).Because("its Release says codename %q", r.Codename)
			}
			releases[i] = r
			texts[i], err = f.index(gctx, r, base, "main/binary-"+arch+"/Packages")
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, "", err
	}
	u = &universe{packages: map[string]*candidate{}}
	for i, text := range texts {
		if err := u.add(text, suites[i].mirror); err != nil {
			return nil, "", fault.New(fault.Integrity, "debian suite %s", suites[i].name).Wrap(err)
		}
	}
	if err := u.finish(); err != nil {
		return nil, "", fault.New(fault.Integrity, "debian indexes of %s", suites[0].name).Wrap(err)
	}
	return u, releases[0].Version, nil
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
	}
	return out
}

// LayerPlan is one layer of the base before it is made.
type LayerPlan struct {
	Name    string    // base, python or packages
	Members []string  // "libc6 2.36-9+deb12u14", sorted
	Key     layer.Key // from every package of the base, for links cross layers
}

// Layers are the base's layers, lowest first; one without packages is left out.
func (p *Plan) Layers() []LayerPlan {
	var parts []string
	for _, d := range p.Packages {
		parts = append(parts, d.Layer, d.SHA256)
	}
	var out []LayerPlan
	for _, name := range []string{layerBase, layerPython, layerPackages} {
		l := LayerPlan{Name: name, Key: layer.NewKey("deb", append([]string{rules, name}, parts...)...)}
		for _, d := range p.Packages {
			if d.Layer == name {
				l.Members = append(l.Members, d.Name+" "+d.Version)
			}
		}
		if l.Members != nil {
			out = append(out, l)
		}
	}
	return out
}
