package builder

import (
	"strings"

	"wheelwright/images"
	"wheelwright/images/deb"
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
)

// lockBase is a base as the lock has it.
func (b *Builder) lockBase(base *images.Base) *lock.Base {
	out := &lock.Base{
		Name: base.Name(), Release: base.Release, At: base.At, Config: string(base.Config()),
		Packages: sorted(b.Profile.Image.Packages), Apt: b.aptLines(),
	}
	if strings.Contains(base.Ref, "@") {
		out.Ref = base.Ref
	}
	for _, d := range base.Debs {
		out.Debs = append(out.Debs, lock.Deb{
			Name: d.Name, Version: d.Version, SHA256: d.SHA256, Size: d.Size, Path: d.Path, Archive: d.Archive, Layer: d.Layer,
		})
	}
	for _, c := range base.Choices {
		out.Choices = append(out.Choices, lock.Choice(c))
	}
	for _, a := range base.Artifacts() {
		if a.Kind == wheelhouse.Blob {
			out.Blobs = append(out.Blobs, lock.Blob{SHA256: a.SHA256, Size: a.Size})
		}
	}
	return out
}

// pinnedBase is a lock's base as the images package has it.
func pinnedBase(l *lock.Base) *images.Pinned {
	p := &images.Pinned{Name: l.Name, Release: l.Release, At: l.At, Debs: lockDebs(l)}
	for _, c := range l.Choices {
		p.Choices = append(p.Choices, deb.Choice(c))
	}
	return p
}

// lockDebs are the packages of a lock's base.
func lockDebs(l *lock.Base) []deb.Package {
	var out []deb.Package
	for _, d := range l.Debs {
		out = append(out, deb.Package{
			Name: d.Name, Version: d.Version, SHA256: d.SHA256, Size: d.Size, Path: d.Path, Archive: d.Archive, Layer: d.Layer,
		})
	}
	return out
}

// baseArtifacts are the files of a lock's base, without addresses.
func baseArtifacts(l *lock.Base) []wheelhouse.Artifact {
	if l == nil {
		return nil
	}
	var out []wheelhouse.Artifact
	for _, x := range l.Blobs {
		out = append(out, wheelhouse.Artifact{Kind: wheelhouse.Blob, Name: "sha256-" + x.SHA256, SHA256: x.SHA256, Size: x.Size})
	}
	for _, d := range lockDebs(l) {
		out = append(out, d.Artifact())
	}
	return out
}

// BaseBuilt is what an image stands on. It is written as JSON by the command
// line.
type BaseBuilt struct {
	Name     string        `json:"name"`              // with its digest, where it is an image
	Release  string        `json:"release,omitempty"` // of a Debian base: "12.15"
	Locked   bool          `json:"locked"`            // the lock had it so; false: this build found it out
	Packages []BasePackage `json:"packages"`          // Debian's, by name
	Choices  []BaseChoice  `json:"choices"`           // between alternatives and providers
	Unrun    []BaseUnrun   `json:"unrun,omitempty"`   // maintainer scripts that were not run; push, which unpacks nothing, does not say
}

// BaseUnrun is a package whose maintainer scripts were not run.
type BaseUnrun struct {
	Package string   `json:"package"`
	Version string   `json:"version"`
	Scripts []string `json:"scripts"`
	Done    []string `json:"done,omitempty"` // what of them was done otherwise
	Left    []string `json:"left,omitempty"` // what of them was not
}

// BasePackage is one Debian package of a base.
type BasePackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Layer   string `json:"layer"` // base, python or packages
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"` // bytes of the .deb
}

// BaseChoice is one decision.
type BaseChoice struct {
	Want string `json:"want"` // the clause as the package has it
	By   string `json:"by"`   // the package that asks
	Took string `json:"took"`
	Over string `json:"over,omitempty"` // what was preferred, and why it could not be
}

// builtBase is what is reported of a lock's base and of its opening.
func builtBase(l *lock.Base, from *opening) *BaseBuilt {
	if l == nil {
		return nil
	}
	out := &BaseBuilt{Name: l.Name, Release: l.Release, Locked: from.pinned, Packages: []BasePackage{}, Choices: []BaseChoice{}}
	if from.base != nil {
		for _, u := range from.base.Unrun {
			out.Unrun = append(out.Unrun, BaseUnrun(u))
		}
	}
	for _, d := range l.Debs {
		out.Packages = append(out.Packages, BasePackage{d.Name, d.Version, d.Layer, d.SHA256, d.Size})
	}
	for _, c := range l.Choices {
		out.Choices = append(out.Choices, BaseChoice(c))
	}
	return out
}
