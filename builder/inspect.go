package builder

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/solver/lock"
)

// InspectOptions say how an image is looked at.
type InspectOptions struct {
	Lock     string   // the lock to compare with, as LockRef.File; empty: ./pylock.PROFILE.toml where it stands
	Machine  string   // x86_64 or aarch64: which of several images; empty: this one
	Registry Registry // how registries are reached
}

// InspectReport is what an image says of itself, and whether it equals its
// lock. It is written as JSON by the command line.
type InspectReport struct {
	Name       string          `json:"name"`             // as it was asked for
	Digest     string          `json:"digest,omitempty"` // of the manifest; empty where there is none
	ID         string          `json:"id"`               // digest of the configuration
	Tags       []string        `json:"tags"`             // its names in a layout or an archive
	Profile    string          `json:"profile,omitempty"`
	Platform   string          `json:"platform"` // "linux/amd64"
	Created    string          `json:"created,omitempty"`
	User       string          `json:"user,omitempty"` // empty: root
	Workdir    string          `json:"workdir,omitempty"`
	Entrypoint []string        `json:"entrypoint,omitempty"`
	Cmd        []string        `json:"cmd,omitempty"`
	Base       InspectBase     `json:"base"`
	Size       int64           `json:"size"`                  // bytes of all layers, as they are stored
	LockDigest string          `json:"lock_digest,omitempty"` // as its label says
	Inside     Verdict         `json:"lock_inside"`           // the lock in the image against that label
	Here       Verdict         `json:"lock_here"`             // the lock of this folder against the image
	Layers     []InspectLayer  `json:"layers"`                // lowest first
	Packages   []PackageReport `json:"packages"`              // of the lock in the image
}

// InspectBase is what an image stands on; empty where it does not say.
type InspectBase struct {
	Name   string `json:"name,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// InspectLayer is one layer. Members is what its history says: of a layer of
// wheelwright's what it holds, of another the command that made it.
type InspectLayer struct {
	Digest  string   `json:"digest,omitempty"`
	DiffID  string   `json:"diff_id"`
	Size    int64    `json:"size"`
	Ours    bool     `json:"ours"`
	Members []string `json:"members"`
}

// Verdict is how an image and a lock compare.
type Verdict struct {
	State   string   `json:"state"`          // Equal, Differs or None
	Lock    string   `json:"lock,omitempty"` // the lock's file
	Reasons []string `json:"reasons,omitempty"`
	Note    string   `json:"note,omitempty"` // what could not be compared, or is no difference
}

// The states of a Verdict.
const (
	Equal   = "equal"
	Differs = "differs"
	None    = "none" // there is no such lock
)

func unequal(reason string, args ...any) Verdict {
	return Verdict{State: Differs, Reasons: []string{fmt.Sprintf(reason, args...)}}
}

// Right says whether the image equals its lock: it holds the one its label
// names, and the lock that stands here, if one does, is the same.
func (r *InspectReport) Right() bool { return r.Inside.State == Equal && r.Here.State != Differs }

// Inspect tells of the image at ref: oci:DIR[:TAG], oci-archive:FILE[:TAG],
// docker-archive:FILE[:TAG or NAME:TAG] or a registry reference.
func Inspect(ctx context.Context, ref string, o InspectOptions) (*InspectReport, error) {
	source, err := images.ParseSource(ref)
	if err != nil {
		return nil, err
	}
	if o.Machine != "" && o.Machine != "x86_64" && o.Machine != "aarch64" {
		return nil, fault.New(fault.Input, "--machine %q", o.Machine).Because("known are x86_64 and aarch64")
	}
	registry, err := o.Registry.options()
	if err != nil {
		return nil, err
	}
	var asked *Standing
	if o.Lock != "" {
		if asked, err = OpenLock(LockRef{File: o.Lock}); err != nil {
			return nil, err
		}
	}
	found, err := images.Inspect(ctx, source, images.InspectOptions{Machine: o.Machine, Registry: registry})
	if err != nil {
		return nil, err
	}
	return report(ref, found, asked), nil
}

const label = "org.opencontainers.image."

// report is what is said of a found image; asked is the lock to compare it
// with, nil for the one of its profile.
func report(name string, f *images.Found, asked *Standing) *InspectReport {
	r := &InspectReport{
		Name: name, Digest: f.Digest, ID: f.ID, Tags: append([]string{}, f.Tags...),
		Profile: f.Labels[label+"title"], Platform: f.Platform,
		User: f.User, Workdir: f.Workdir, Entrypoint: f.Entrypoint, Cmd: f.Cmd,
		Base:       InspectBase{f.Labels[label+"base.name"], f.Labels[label+"base.digest"]},
		LockDigest: f.Labels[label+"version"], Layers: []InspectLayer{}, Packages: []PackageReport{},
	}
	if !f.Created.IsZero() {
		r.Created = f.Created.UTC().Format(time.RFC3339)
	}
	for _, l := range f.Layers {
		r.Size += l.Size
		r.Layers = append(r.Layers, InspectLayer{l.Digest, l.DiffID, l.Size, l.Ours, append([]string{}, l.Members...)})
	}
	if !slices.ContainsFunc(r.Layers, func(l InspectLayer) bool { return l.Ours }) {
		r.Profile, r.LockDigest = "", "" // another program's words for something else
	}
	var inside *lock.Lock
	r.Inside, inside = lockInside(f, r.LockDigest)
	if inside != nil {
		r.Profile = inside.Profile
		for _, w := range inside.Files() {
			r.Packages = append(r.Packages, PackageReport{
				Name: string(w.Package), Version: w.Version, CUDA: inside.Builds[w.Package],
				File: w.Name, SHA256: w.SHA256, Size: w.Size,
			})
		}
	}
	r.Here = lockHere(r, inside, asked)
	return r
}

// lockInside compares the lock in the image with the digest on its label.
func lockInside(f *images.Found, digest string) (Verdict, *lock.Lock) {
	if f.Lock == nil {
		return Verdict{State: None}, nil
	}
	l, err := lock.Parse(f.Lock)
	switch {
	case err != nil:
		return unequal("the lock in the image is not read: %v", err), nil
	case digest == "":
		return unequal("the image has no label with the digest of its lock"), &l
	case digest != l.Digest():
		return unequal("the label says %s, the lock in the image is %s", digest, l.Digest()), &l
	}
	return Verdict{State: Equal}, &l
}

// lockHere compares the image with the lock that stands.
func lockHere(r *InspectReport, inside *lock.Lock, asked *Standing) Verdict {
	if asked != nil {
		return against(r, inside, asked)
	}
	if !profileName.MatchString(r.Profile) { // it becomes a file name
		return Verdict{State: None}
	}
	names := []string{lockName(r.Profile, "")}
	if inside != nil && pythonForm.MatchString(inside.Target.Python) {
		names = append(names, lockName(r.Profile, inside.Target.Python))
	}
	v := Verdict{State: None}
	for _, name := range names { // the profile's own, and those of lock --python
		if !isFile(name) {
			continue
		}
		next := Verdict{}
		if s, err := openLock(name, ""); err != nil {
			next = unequal("the lock here is not read: %v", err)
			next.Lock = name
		} else {
			next = against(r, inside, s)
		}
		if v.State == None || next.State == Equal {
			v = next
		}
	}
	return v
}

// against compares the image with one lock: first the set, then the layers that
// the lock's derived part describes.
func against(r *InspectReport, inside *lock.Lock, s *Standing) Verdict {
	v := Verdict{State: Equal, Lock: s.Path}
	digest := r.LockDigest
	if inside != nil {
		digest = inside.Digest()
	}
	if digest == "" {
		v.State, v.Reasons = Differs, []string{"the image holds no lock"}
		return v
	}
	if want := s.Lock.Digest(); digest != want {
		v.State, v.Reasons = Differs, []string{fmt.Sprintf("the image is of the lock %s, %s is %s", digest, filepath.Base(s.Path), want)}
		if inside != nil {
			v.Reasons = append(v.Reasons, changes(s.Lock, *inside)...)
		}
		return v
	}
	if s.Lock.Image == nil {
		v.Reasons, v.Note = foreignAbove(r.Layers), "the lock does not say which layers it gives; wheelwright build records them"
	} else {
		v.Reasons, v.Note = compareLayers(s.Lock, r.Layers)
	}
	if len(v.Reasons) > 0 {
		v.State = Differs
	}
	return v
}

// maxChanges is how many differences are told of two sets.
const maxChanges = 10

// changes tell how the image's lock differs from the one here.
func changes(here, image lock.Lock) []string {
	var out []string
	for _, c := range lock.Diff(here, image) {
		out = append(out, "from here to the image: "+c.String())
	}
	for _, f := range lock.Fields(here, image) {
		out = append(out, fmt.Sprintf("%s: %s here, %s in the image", f.Key, f.From, f.To))
	}
	if n := len(out); n > maxChanges {
		out = append(out[:maxChanges], fmt.Sprintf("and %d more differences", n-maxChanges))
	}
	return out
}

// foreignAbove tells of layers of other programs above wheelwright's: they may
// replace any file below.
func foreignAbove(have []InspectLayer) (reasons []string) {
	for _, x := range slices.Backward(have) {
		if x.Ours {
			break
		}
		reasons = append(reasons, undescribed(x))
	}
	return reasons
}

func undescribed(x InspectLayer) string {
	name := strings.Join(x.Members, ", ")
	if !x.Ours {
		name = cmp.Or(x.Digest, x.DiffID) + ", which another program made"
	}
	return "the lock describes no layer as the image's of " + name
}

// compareLayers compares the layers of wheels that a lock describes, and what
// stands above them, with those of an image, by the digests of their content
// that the image states: another compression is no difference, and what is
// below the wheels follows the base.
func compareLayers(l lock.Lock, have []InspectLayer) (reasons []string, note string) {
	wheels := map[string]bool{}
	for _, f := range l.Files() {
		wheels[string(f.Package)+" "+f.Version] = true
	}
	ofWheels := func(members []string) bool { return len(members) > 0 && wheels[members[0]] }
	digests := map[string]string{} // by diffID
	var there []string
	for _, x := range have {
		digests[x.DiffID] = x.Digest
		if x.Ours && ofWheels(x.Members) {
			there = append(there, x.DiffID)
		}
	}
	var want []string
	for _, x := range l.Image.Layers {
		if !ofWheels(x.Members) {
			if _, ok := digests[x.DiffID]; !ok && want == nil {
				note = "what is below its wheels is not what the lock describes"
			}
			continue
		}
		want = append(want, x.DiffID)
		switch digest, ok := digests[x.DiffID]; {
		case !ok:
			reasons = append(reasons, "no layer of the image is the lock's of "+strings.Join(x.Members, ", "))
		case digest != x.Digest:
			note = "layers are compressed otherwise; that they hold the same files is the image's word"
		}
	}
	above := false
	for _, x := range have {
		described := slices.ContainsFunc(l.Image.Layers, func(y lock.Layer) bool { return y.DiffID == x.DiffID })
		if !described && (above || x.Ours && ofWheels(x.Members)) {
			reasons = append(reasons, undescribed(x))
		}
		above = above || slices.Contains(want, x.DiffID)
	}
	if len(reasons) == 0 && !slices.Equal(want, there) {
		reasons = append(reasons, "the layers of wheels stand in another order")
	}
	return reasons, note
}
