package images

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"wheelwright/fault"
)

// Destination is where an image goes: a layout folder or a repository.
type Destination struct {
	Dir    string // of oci:DIR; empty for a registry
	Tag    string
	Tagged bool // Tag was given with the destination

	ref name.Tag
}

// ParseDestination reads oci:DIR[:TAG] or HOST/REPO[:TAG]; tag stands in
// where none is given.
func ParseDestination(s, tag string) (Destination, error) {
	refuse := func(why string) (Destination, error) {
		return Destination{}, fault.New(fault.Input, "destination %q", s).Because("%s", why).Try("give oci:DIR or HOST/REPO[:TAG]")
	}
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case "oci":
		d := Destination{Dir: rest, Tag: tag}
		if dir, own := splitTag(rest); own != "" {
			d.Dir, d.Tag, d.Tagged = dir, own, true
		}
		if d.Dir == "" {
			return refuse("no folder")
		}
		if !validTag(d.Tag) {
			return refuse("tag " + d.Tag + " is not of letters, digits and ._- (at most 128)")
		}
		return d, nil
	case "oci-archive", "docker-archive":
		return refuse(scheme + ": is not there yet")
	case "docker-daemon", "containers-storage", "dir", "docker":
		return refuse("no daemon and no other transport is spoken here")
	}
	host, _, ok := strings.Cut(s, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return refuse("no registry host before the first slash")
	}
	if strings.Contains(s, "@") {
		return refuse("a digest is the result of a push, not its aim")
	}
	base, own := splitTag(s)
	if own != "" {
		tag = own
	}
	ref, err := name.NewTag(base+":"+tag, name.StrictValidation)
	if err != nil {
		return refuse(err.Error())
	}
	return Destination{Tag: tag, Tagged: own != "", ref: ref}, nil
}

// Remote says whether the destination is a registry.
func (d Destination) Remote() bool { return d.Dir == "" }

// CheckTag refuses what is no tag (OCI distribution-spec).
func CheckTag(s string) error {
	if !validTag(s) {
		return fault.New(fault.Input, "tag %q", s).Because("a tag has letters, digits and ._-, at most 128, and begins with none of .-")
	}
	return nil
}

// Name is the destination without its tag: "oci:DIR" or "HOST/REPO".
func (d Destination) Name() string {
	if d.Dir != "" {
		return "oci:" + d.Dir
	}
	return d.ref.Context().Name()
}

// validTag says whether s may be a tag (OCI distribution-spec).
func validTag(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '.' || s[0] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}
