package lock

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// parts chooses what of a lock is written.
type parts int

const (
	whole    parts = iota // both parts
	resolved              // without the derived part
	identity              // resolved, and of every file its name and sha256 only
)

// Marshal is the canonical text, both parts: the same value gives the same
// bytes, whatever the order of its slices of packages, wheels and
// dependencies.
func (l Lock) Marshal() []byte { return l.write(whole) }

// Resolved is the canonical text without the derived part: what an image
// carries.
func (l Lock) Resolved() []byte { return l.write(resolved) }

// Digest is "sha256:" and the hex digest of the resolved text without what an
// index says of where a file is: index, url, path, upload-time, and size,
// which not every index lists and which the sha256 implies. A lock made
// against a mirror of the same files has the same digest.
func (l Lock) Digest() string {
	sum := sha256.Sum256(l.write(identity))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (l Lock) write(p parts) []byte {
	var w writer
	w.pair("lock-version", "1.0")
	w.pair("created-by", cmp.Or(l.CreatedBy, Creator))
	if len(l.Environments) > 0 {
		w.assign("environments")
		w.array(texts(l.Environments))
	}
	w.optional("requires-python", l.RequiresPython)
	if len(l.Packages) == 0 {
		w.assign("packages")
		w.array(nil)
	}
	for _, pkg := range sortedPackages(l.Packages) {
		w.header("[[packages]]")
		w.pkg(pkg, p)
	}
	w.tool(l)
	if p == whole && l.Base != nil {
		w.base(l.Base)
	}
	if p == whole && l.Image != nil {
		w.image(l.Image)
	}
	return w.text
}

func sortedPackages(packages []Package) []Package {
	return slices.SortedStableFunc(slices.Values(packages), func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Marker, b.Marker))
	})
}

// pkg writes the keys of one package in PEP 751's order.
func (w *writer) pkg(p Package, part parts) {
	w.pair("name", string(p.Name))
	w.optional("version", p.Version)
	w.optional("marker", p.Marker)
	w.optional("requires-python", p.RequiresPython)
	if len(p.Dependencies) > 0 {
		var rows []inline
		for _, d := range slices.Compact(slices.Sorted(slices.Values(p.Dependencies))) {
			rows = append(rows, inline{{"name", text(string(d))}})
		}
		w.assign("dependencies")
		w.array(values(rows))
	}
	wheels := slices.SortedStableFunc(slices.Values(p.Wheels), compareWheels)
	if p.Direct && len(wheels) == 1 {
		w.assign("archive")
		w.value(fileTable(wheels[0], part, part == identity))
		return
	}
	if part != identity {
		w.optional("index", p.Index)
	}
	var rows []inline
	for _, f := range wheels {
		rows = append(rows, fileTable(f, part, true))
	}
	w.assign("wheels")
	w.array(values(rows))
}

// fileTable is the inline table of one file. packages.archive has no name key.
func fileTable(f Wheel, part parts, named bool) inline {
	var t inline
	if named {
		t = append(t, field{"name", text(f.Name)})
	}
	if part != identity {
		if f.Path != "" {
			t = append(t, field{"path", text(f.Path)})
		} else if f.URL != "" {
			t = append(t, field{"url", text(f.URL)})
		}
		if at := f.Uploaded.UTC(); !f.Uploaded.IsZero() && at.Year() > 0 && at.Year() <= 9999 {
			t = append(t, field{"upload-time", bare(at.Format(time.RFC3339))})
		}
		if f.Size > 0 {
			t = append(t, field{"size", number(f.Size)})
		}
	}
	return append(t, field{"hashes", inline{{"sha256", text(f.SHA256)}}})
}

// tool writes [tool.wheelwright], which a foreign lock does not have.
func (w *writer) tool(l Lock) {
	if l.Profile == "" && l.ProfileDigest == "" && l.Target == (Target{}) &&
		len(l.Builds)+len(l.Matrix)+len(l.Waivers) == 0 {
		return
	}
	w.header("[tool.wheelwright]")
	w.optional("profile", l.Profile)
	w.optional("profile-digest", l.ProfileDigest)
	if t := l.Target; t != (Target{}) {
		w.assign("target")
		w.value(present(field{"python", text(t.Python)}, field{"machine", text(t.Machine)}, field{"glibc", text(t.Glibc)}))
	}
	if at := l.ExcludeNewer.UTC(); !l.ExcludeNewer.IsZero() && at.Year() > 0 && at.Year() <= 9999 {
		w.assign("exclude-newer")
		w.value(bare(at.Format(time.RFC3339Nano)))
	}
	if len(l.Builds) > 0 {
		var t inline
		for _, name := range slices.Sorted(maps.Keys(l.Builds)) {
			t = append(t, field{string(name), inline{{"cuda", text(l.Builds[name])}}})
		}
		w.assign("builds")
		w.value(t)
	}
	if len(l.Matrix) > 0 {
		w.assign("matrix")
		w.array(texts(slices.Compact(slices.Sorted(slices.Values(l.Matrix)))))
	}
	if len(l.Waivers) > 0 {
		var rows []inline
		for _, v := range slices.SortedStableFunc(slices.Values(l.Waivers), compareWaivers) {
			rows = append(rows, inline{{"rule", text(v.Rule)}, {"package", text(string(v.Package))}, {"reason", text(v.Reason)}})
		}
		w.assign("waive")
		w.array(values(rows))
	}
}

func compareWheels(a, b Wheel) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256))
}

func compareWaivers(a, b Waiver) int {
	return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Reason, b.Reason))
}

// image writes [tool.wheelwright.image]. Layers keep their order: it is the image's.
func (w *writer) image(i *Image) {
	w.header("[tool.wheelwright.image]")
	w.assign("layer_format")
	w.value(number(int64(i.LayerFormat)))
	w.optional("lock-digest", i.Lock)
	w.optional("prefix", i.Prefix)
	w.optional("python", i.Python)
	w.optional("user", i.User)
	w.optional("login", i.Login)
	w.optional("home", i.Home)
	w.optional("base-digest", i.Base)
	for _, layer := range i.Layers {
		w.header("[[tool.wheelwright.image.layers]]")
		w.pair("digest", layer.Digest)
		w.pair("diff-id", layer.DiffID)
		w.assign("size")
		w.value(number(layer.Size))
		w.optional("media-type", layer.Media)
		if len(layer.Members) > 0 {
			w.assign("members")
			w.array(texts(layer.Members))
		}
	}
}

// present drops the fields whose text is empty.
func present(fields ...field) inline {
	return slices.DeleteFunc(fields, func(f field) bool { return f.value == text("") })
}
