package images

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/images/deb"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse"
)

// BaseOptions say which base and how to reach it.
type BaseOptions struct {
	Ref      string              // debian:12, debian:13, scratch, oci:DIR[:TAG], or a registry reference
	Packages []string            // Debian packages besides the fixed ones; only for debian:12 and debian:13
	Machine  string              // x86_64 or aarch64
	Python   string              // X.Y that the environment needs
	CacheDir string              // indexes and manifests are kept below it
	Offline  bool                // open no socket
	Env      func(string) string // os.Getenv; nil: no environment
	Client   *http.Client        // for Debian mirrors; nil: one with the default transport
	Registry RegistryOptions     // for a registry reference
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
	Choices []deb.Choice  // of a Debian base: decisions between alternatives

	kind    baseKind
	arch    string // OCI: amd64, arm64
	debian  *deb.Plan
	options deb.Options
	config  *v1.ConfigFile // of an image
	raw     []byte         // of an image: config as it stands
	layers  []*blob        // of an image
	remote  *remoteBase
	where   func(sha256 string) string

	remembered bool // known from a lock alone: layers are those of the lock
}

// ociArch is the OCI name of a machine.
var ociArch = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// OpenBase finds out what the base is made of. It fetches indexes and
// manifests, no packages and no layers. A Debian base whose Python is not the
// one asked for is refused.
func OpenBase(ctx context.Context, o BaseOptions) (*Base, error) {
	arch := ociArch[o.Machine]
	if arch == "" {
		return nil, fault.New(fault.Input, "platform.machine %q", o.Machine).Because("known are x86_64 and aarch64")
	}
	b := &Base{Ref: o.Ref, arch: arch, where: func(string) string { return "" }}
	if !deb.Supported(o.Ref) && len(o.Packages) > 0 {
		return nil, fault.New(fault.Input, "image.packages with base %s", o.Ref).
			Because("packages are added to debian:12 and debian:13 only, not yet to other bases").
			Try("leave %s out, or take base debian:12 or debian:13", strings.Join(o.Packages, ", "))
	}
	switch {
	case o.Ref == "scratch":
		return b, nil
	case deb.Supported(o.Ref):
		return b, b.openDebian(ctx, o)
	case strings.HasPrefix(o.Ref, "oci:"):
		return b, b.openLayout(ctx, strings.TrimPrefix(o.Ref, "oci:"))
	}
	return b, b.openRegistry(ctx, o)
}

func (b *Base) openDebian(ctx context.Context, o BaseOptions) error {
	b.options = deb.Options{
		Base: o.Ref, Packages: o.Packages, Machine: o.Machine, CacheDir: o.CacheDir,
		Offline: o.Offline, Env: o.Env, Client: o.Client,
	}
	plan, err := deb.Resolve(ctx, b.options)
	if err != nil {
		return err
	}
	if o.Python != "" && plan.Python != o.Python {
		return fault.New(fault.Unsatisfiable, "base %s has no python %s", o.Ref, o.Python).
			Because("its python3 is %s", plan.Python).Try("%s", otherBase(o.Python))
	}
	b.kind, b.debian, b.Debs, b.Release, b.Choices = baseDebian, plan, plan.Packages, plan.Release, plan.Choices
	return nil
}

// otherBase says which base has a Python: Debian's own are facts of its
// releases.
func otherBase(python string) string {
	for _, d := range []struct{ python, base string }{{"3.11", "debian:12"}, {"3.13", "debian:13"}} {
		if d.python == python {
			return "image.base: " + d.base + " has python " + python
		}
	}
	return "image.base: a registry reference or oci:DIR of an image with python " + python
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
	switch b.kind {
	case baseDebian:
		return b.debian.Artifacts()
	case baseRegistry:
		return b.remote.artifacts(b.layers)
	}
	return nil
}

// Open reads an artifact of the base: a wheelhouse.OpenFunc for those that
// Artifacts lists.
func (b *Base) Open(ctx context.Context, a wheelhouse.Artifact, source string, offset int64) (body io.ReadCloser, start, total int64, err error) {
	switch {
	case b.kind == baseDebian && a.Kind == wheelhouse.Deb:
		return deb.Open(ctx, b.options, source, offset)
	case b.kind == baseRegistry && a.Kind == wheelhouse.Blob:
		return b.remote.open(ctx, source, offset, a.Size)
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

// Have tells the base where the file of a sha256 lies (House.Path).
func (b *Base) Have(path func(sha256 string) string) { b.where = path }

// count is the number of the base's layers.
func (b *Base) count() int {
	if b.debian != nil {
		return len(b.debian.Layers())
	}
	return len(b.layers)
}

// blobs gives the base's layers, made where they are not there.
func (b *Base) blobs(ctx context.Context, under *build) ([]*blob, error) {
	if b.kind == baseDebian {
		return b.debianBlobs(ctx, under)
	}
	for _, l := range b.layers {
		if b.kind == baseRegistry {
			l.lies(b.where(l.digest.Hex))
		}
		if err := checkBlob(ctx, l, b.kind == baseLayout); err != nil {
			return nil, err
		}
		under.pass(ctx, l, false)
	}
	return b.layers, nil
}

// debianBlobs makes the layers of a Debian base; the packages are unpacked
// only when a layer is not cached.
func (b *Base) debianBlobs(ctx context.Context, under *build) (out []*blob, err error) {
	u := unpacking{b: b, under: under}
	defer func() { err = errors.Join(err, u.close()) }()
	for _, l := range b.debian.Layers() {
		made, fresh, err := u.layer(ctx, l)
		if err != nil {
			return nil, err
		}
		one, err := under.finished(ctx, made, l.Members, layer.Gzip, fresh)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// unpacking makes layers of a Debian base, whose packages it unpacks once.
type unpacking struct {
	b     *Base
	under *build
	tree  *deb.Tree
}

func (u *unpacking) layer(ctx context.Context, l deb.LayerPlan) (_ *layer.Layer, made bool, err error) {
	return u.under.cache.Make(ctx, l.Key, func() (_ *layer.Recipe, err error) {
		if u.tree == nil {
			if u.tree, err = u.b.debian.Unpack(ctx, u.b.where, u.under.tmp, u.under.parallel); err != nil {
				return nil, err
			}
		}
		return layer.NewRecipe(u.tree.Entries(l.Name))
	})
}

func (u *unpacking) close() error {
	if u.tree == nil {
		return nil
	}
	return u.tree.Close()
}

// debianFiles makes the layers of a Debian base, where the cache lacks them.
func (b *Base) debianFiles(ctx context.Context, under *build) (all []*layer.Layer, err error) {
	var sums []string
	for _, a := range b.Artifacts() {
		sums = append(sums, a.SHA256)
	}
	if err := under.ready(ctx, sums); err != nil {
		return nil, err
	}
	u := unpacking{b: b, under: under}
	defer func() { err = errors.Join(err, u.close()) }()
	for _, l := range b.debian.Layers() {
		made, _, err := u.layer(ctx, l)
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}
