package images

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/images/deb"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse"
)

// system is what a base image says of itself: the release, and what is
// installed.
type system struct {
	ID       string `json:"id"`       // of os-release: "debian"
	Name     string `json:"name"`     // PRETTY_NAME
	Codename string `json:"codename"` // VERSION_CODENAME: "bookworm"
	Status   []byte `json:"status"`   // var/lib/dpkg/status, then the files of status.d
	Odd      string `json:"odd,omitempty"`
}

// addPackages resolves image.packages for an image: what it lacks of them is
// put on it as one layer. Those of a lock are taken as they are.
func (b *Base) addPackages(ctx context.Context, o BaseOptions) error {
	if len(o.Packages) == 0 {
		return nil
	}
	b.options = deb.Options{
		Base: o.Ref, Packages: o.Packages, Apt: o.Apt, Machine: o.Machine, CacheDir: o.CacheDir,
		Offline: o.Offline, Env: o.Env, Client: o.Client,
	}
	if o.Pinned == nil {
		var err error
		if b.options.Installed, err = b.installed(ctx, o); err != nil {
			return err
		}
	}
	plan, err := planned(ctx, b.options, o.Pinned)
	if err != nil {
		return err
	}
	plan.On = &deb.Ground{Look: b.look}
	for _, l := range b.layers {
		plan.On.Layers = append(plan.On.Layers, l.digest.String())
	}
	b.takes(plan)
	b.Release = "" // that of the archive, not of the image
	return nil
}

// look reads every layer of the image.
func (b *Base) look(ctx context.Context) (*deb.Files, error) {
	b.lie()
	u, err := whole(ctx, b.layers)
	if err != nil {
		return nil, err
	}
	return u.files(b.layers), nil
}

// lie says of a registry's layers where they are in the House.
func (b *Base) lie() {
	if b.kind == baseRegistry {
		for _, l := range b.layers {
			// Once: others may be reading it by now.
			if at := b.where(l.digest.Hex); l.from == nil || l.from.Path() != at {
				l.lies(at)
			}
		}
	}
}

// installed is what the image has, if it is one of Debian's. What was once read
// of these layers is remembered, so that they need not be here.
func (b *Base) installed(ctx context.Context, o BaseOptions) (*deb.Installed, error) {
	var parts []string
	for _, l := range b.layers {
		parts = append(parts, l.digest.String())
	}
	kept := filepath.Join(o.CacheDir, "base", "dpkg-"+string(layer.NewKey("dpkg of a base", parts...))+".json")
	s, err := remembered(kept, func() (*system, error) {
		if b.kind == baseRegistry && o.Fetch != nil {
			if err := o.Fetch(ctx, b.layerFiles(), b.Open); err != nil {
				return nil, err
			}
		}
		b.lie()
		for _, l := range b.layers {
			if err := checkBlob(ctx, l, b.kind == baseLayout); err != nil {
				return nil, err
			}
		}
		u, err := whole(ctx, b.layers)
		if err != nil {
			return nil, err
		}
		return u.system(), nil
	})
	if err != nil {
		return nil, err
	}
	why := ""
	switch {
	case s.ID == "":
		why = "it has no /etc/os-release, so that nothing says which system it is"
	case s.ID != "debian":
		why = "it is " + cmp.Or(s.Name, s.ID) + ", and packages are taken from Debian's archive alone"
	case s.Odd != "":
		why = s.Odd
	case len(bytes.TrimSpace(s.Status)) == 0:
		why = "it has no dpkg database: neither /var/lib/dpkg/status nor status.d"
	}
	if why != "" {
		return nil, noPackages(o, why)
	}
	return &deb.Installed{Status: s.Status, Codename: s.Codename}, nil
}

// noPackages refuses image.packages where there are any.
func noPackages(o BaseOptions, why string) error {
	if len(o.Packages) == 0 {
		return nil
	}
	list := strings.Join(o.Packages, ", ")
	return fault.New(fault.Unsatisfiable, "image.packages (%s) on base %s", list, o.Ref).Because("%s", why).
		Try("take a Debian image as image.base, or one that has them, or leave them out: image.without: [%s]", list)
}

// layerFiles are the image's layers as files for the House.
func (b *Base) layerFiles() []wheelhouse.Artifact {
	return slices.DeleteFunc(b.imageFiles(), func(a wheelhouse.Artifact) bool {
		return !b.Has("sha256:" + a.SHA256)
	})
}

// system is what the layers say together.
func (u *union) system() *system {
	s := &system{}
	var release []byte
	for _, p := range []string{osRelease, osReleaseUsr} {
		if n := u.leads(p); n != nil && release == nil {
			release = n.Text
		}
	}
	is := parseOSRelease(release)
	s.ID, s.Name, s.Codename = is["ID"], is["PRETTY_NAME"], is["VERSION_CODENAME"]
	for _, p := range slices.Sorted(maps.Keys(u.nodes)) {
		n := u.nodes[p]
		if p != dpkgStatus && (!strings.HasPrefix(p, dpkgStatusD) || strings.HasSuffix(p, ".md5sums")) || !isRecord(p) {
			continue
		}
		if n.Odd != "" {
			s.Odd = fmt.Sprintf("its /%s is %s, which cannot be read", p, n.Odd)
			continue
		}
		s.Status = append(append(s.Status, n.Text...), "\n\n"...)
	}
	return s
}
