package images

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/images/deb"
	"wheelwright/wheelhouse"
)

// BaseOptions say which base and how to reach it.
type BaseOptions struct {
	Ref      string              // debian:12, debian:13, scratch, oci:DIR[:TAG], or a registry reference
	Packages []string            // Debian packages besides the fixed ones
	Apt      []deb.Source        // repositories of packages besides Debian's own
	Machine  string              // x86_64 or aarch64
	Python   string              // X.Y that the environment needs
	CacheDir string              // indexes and manifests are kept below it
	Offline  bool                // open no socket
	Env      func(string) string // os.Getenv; nil: no environment
	Client   *http.Client        // for Debian mirrors; nil: one with the default transport
	Registry RegistryOptions     // for a registry reference
	Pinned   *Pinned             // the base as a lock has it, which is then opened and no other; nil: as it is now

	// Fetch brings files that Base.Artifacts lists, or some of them, to where
	// Path says; nil: there are none. They open small files of a pinned image and
	// the layers of one that packages are added to.
	Fetch func(ctx context.Context, list []wheelhouse.Artifact, open wheelhouse.OpenFunc) error
	Path  func(sha256 string) string // House.Path
}

// Pinned is a base as a lock has it.
type Pinned struct {
	Name    string // Base.Name
	Release string
	At      string
	Debs    []deb.Package
	Choices []deb.Choice
}

type baseKind int

const (
	baseScratch baseKind = iota
	baseDebian
	baseLayout
	baseRegistry
)

// Base is what an image stands on, known by digest. Its files may still have
// to be fetched: see Artifacts.
type Base struct {
	Ref     string        // as asked
	Digest  string        // "sha256:…" of the manifest of an image; empty for others
	Debs    []deb.Package // of a Debian base, sorted by name
	Release string        // of a Debian base: "12.15"
	At      string        // of a Debian base: when the Releases that were read were made, RFC 3339 in UTC
	Choices []deb.Choice  // of a Debian base: decisions between alternatives
	Pinned  bool          // as a lock has it
	Notes   []string      // what a user should hear of where it comes from
	Unrun   []deb.Unrun   // once its layers are made: the packages whose maintainer scripts were not run

	kind    baseKind
	arch    string // OCI: amd64, arm64
	debian  *deb.Plan
	options deb.Options
	config  *v1.ConfigFile   // of an image
	raw     []byte           // of an image: config as it stands
	files   [2]v1.Descriptor // of an image: its manifest and its configuration
	layers  []*blob          // of an image
	remote  *remoteBase
	where   func(sha256 string) string

	remembered bool // known from a lock alone: layers are those of the lock
}

// ociArch is the OCI name of a machine.
var ociArch = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// OpenBase finds out what the base is made of. It fetches indexes and
// manifests, no packages, and layers only of an image that packages are added to
// for the first time; of a pinned base no index, and a
// manifest only where Fetch finds it nowhere else. A Debian base whose Python is
// not the one asked for is refused.
func OpenBase(ctx context.Context, o BaseOptions) (*Base, error) {
	arch := ociArch[o.Machine]
	if arch == "" {
		return nil, fault.New(fault.Input, "platform.machine %q", o.Machine).Because("known are x86_64 and aarch64")
	}
	b := &Base{Ref: o.Ref, Pinned: o.Pinned != nil, arch: arch, where: func(string) string { return "" }}
	if o.Path != nil {
		b.where = o.Path
	}
	var err error
	switch {
	case o.Ref == "scratch":
		return b, noPackages(o, "nothing is below it that they could be added to")
	case deb.Supported(o.Ref):
		return b, b.openDebian(ctx, o)
	case strings.HasPrefix(o.Ref, "oci:"):
		err = b.openLayout(ctx, strings.TrimPrefix(o.Ref, "oci:"), o.Pinned)
	default:
		err = b.openRegistry(ctx, o)
	}
	if err != nil {
		return b, err
	}
	return b, b.addPackages(ctx, o)
}

// Name is the base as locks and images call it: "debian:12", "scratch", a
// registry reference with its digest, "oci@sha256:…" for a layout, whose folder
// is a fact of the host.
func (b *Base) Name() string {
	switch b.kind {
	case baseLayout:
		return "oci@" + b.Digest
	case baseRegistry:
		ref, _, _ := strings.Cut(b.Ref, "@")
		return ref + "@" + b.Digest
	}
	return b.Ref
}

// Artifacts are the files that the base needs in the House before Build.
func (b *Base) Artifacts() []wheelhouse.Artifact {
	var out []wheelhouse.Artifact
	if b.kind == baseRegistry {
		out = b.imageFiles()
	}
	if b.debian != nil {
		out = append(out, b.debian.Artifacts()...)
	}
	return out
}

// Open reads an artifact of the base: a wheelhouse.OpenFunc for those that
// Artifacts lists.
func (b *Base) Open(ctx context.Context, a wheelhouse.Artifact, source string, offset int64) (body io.ReadCloser, start, total int64, err error) {
	switch {
	case b.debian != nil && a.Kind == wheelhouse.Deb:
		return deb.Open(ctx, b.options, source, offset)
	case b.kind == baseRegistry && a.Kind == wheelhouse.Blob:
		return b.remote.open(ctx, b.Digest, source, offset, a.Size)
	}
	return nil, 0, 0, fault.New(fault.Input, "%s is no file of base %s", a.Name, b.Ref)
}

// Config is the base's OCI image configuration as it stands; nil where the base
// is no image.
func (b *Base) Config() []byte { return b.raw }

// Has says whether a layer with this digest is the base's.
func (b *Base) Has(digest string) bool {
	return slices.ContainsFunc(b.layers, func(l *blob) bool { return l.digest.String() == digest })
}

// count is the number of the base's layers.
func (b *Base) count() int {
	n := len(b.layers)
	if b.debian != nil {
		n += len(b.debian.Layers())
	}
	return n
}

// told is the number of layers that the base's configuration tells of.
func (b *Base) told() int {
	if b.config == nil {
		return 0
	}
	return len(b.config.RootFS.DiffIDs)
}

// blobs gives the base's layers, made where they are not there: an image's,
// then those of Debian packages.
func (b *Base) blobs(ctx context.Context, under *build) ([]*blob, error) {
	for _, l := range b.layers {
		if b.kind == baseRegistry {
			l.lies(b.where(l.digest.Hex))
		}
		fresh := b.kind == baseRegistry && under.Fresh != nil && under.Fresh(l.digest.Hex)
		if err := checkBlob(ctx, l, !fresh && !under.unpacked(l)); err != nil { // a layout takes it by a link, unread
			return nil, err
		}
		under.pass(ctx, l, false)
	}
	if b.debian == nil {
		return b.layers, nil
	}
	made, err := b.debianBlobs(ctx, under)
	return slices.Concat(b.layers, made), err
}
