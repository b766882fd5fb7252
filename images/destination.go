package images

import (
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"wheelwright/fault"
)

// Destination is where an image goes: a layout folder, an archive or a
// repository. One of Dir, File and neither.
type Destination struct {
	Dir    string // of oci:DIR
	File   string // of oci-archive:FILE and docker-archive:FILE
	Tag    string
	Tagged bool // it names its tag itself

	docker bool   // File is docker-archive's
	repo   string // of docker-archive: what stands before the tag
	ref    name.Tag
}

// OneName says whether readers of the destination refuse several names of an
// image: `podman load` of an oci-archive takes no word on which to take.
func (d Destination) OneName() bool { return d.File != "" && !d.docker }

const destinationForms = "oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG or NAME:TAG] or HOST/REPO[:TAG]"

// ParseDestination reads oci:DIR[:TAG], oci-archive:FILE[:TAG],
// docker-archive:FILE[:TAG or NAME:TAG] (containers-transports(5); a FILE there
// has no colon) or HOST/REPO[:TAG]; tag stands in where none is given, and for
// the NAME in a docker-archive.
func ParseDestination(s, tag string) (Destination, error) {
	refuse := func(why string) (Destination, error) {
		return Destination{}, fault.New(fault.Input, "destination %q", s).Because("%s", why).Try("give %s", destinationForms)
	}
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case "oci", "oci-archive", "docker-archive":
		d := Destination{Tag: tag, docker: scheme == "docker-archive"}
		place, own := splitTag(rest)
		if d.docker {
			d.repo = tag
			if place, own, _ = strings.Cut(rest, ":"); strings.ContainsAny(own, ":/") {
				d.repo, own = splitTag(own)
			}
			if !validRepository(d.repo) {
				return refuse("name " + d.repo + " is not of lower-case letters and digits with single ._- between them")
			}
		}
		if own != "" {
			d.Tag, d.Tagged = own, true
		}
		switch {
		case place == "" && scheme == "oci":
			return refuse("no folder")
		case place == "":
			return refuse("no file")
		case !validTag(d.Tag):
			return refuse("tag " + d.Tag + " is not of letters, digits and ._- (at most 128)")
		case scheme == "oci":
			d.Dir = place
		default:
			d.File = place
		}
		return d, nil
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

// Remote says whether the image goes to a registry.
func (d Destination) Remote() bool { return d.Dir == "" && d.File == "" }

// Name is the destination without its tag: "oci:DIR", "oci-archive:FILE",
// "docker-archive:FILE" or "HOST/REPO".
func (d Destination) Name() string {
	switch {
	case d.Dir != "":
		return "oci:" + d.Dir
	case d.docker:
		return "docker-archive:" + d.File
	case d.File != "":
		return "oci-archive:" + d.File
	}
	return d.ref.Context().Name()
}

// CheckTag refuses what is no tag (OCI distribution-spec).
func CheckTag(s string) error {
	if !validTag(s) {
		return fault.New(fault.Input, "tag %q", s).Because("a tag has letters, digits and ._-, at most 128, and begins with none of .-")
	}
	return nil
}

// validTag says whether s may be a tag (OCI distribution-spec).
func validTag(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '.' || s[0] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// dockerName is a repository's whole name as docker and containerd write it.
func dockerName(repo string) string {
	host, _, path := strings.Cut(repo, "/")
	hub := strings.TrimPrefix(name.DefaultRegistry, "index.")
	switch {
	case path && (strings.ContainsAny(host, ".:") || host == "localhost"):
		return repo
	case path:
		return hub + "/" + repo
	}
	return hub + "/library/" + repo
}

// repositoryForm is a name as docker takes it, its registry included.
var repositoryForm = regexp.MustCompile(`^([a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

func validRepository(s string) bool { return len(s) <= 255 && repositoryForm.MatchString(s) }
