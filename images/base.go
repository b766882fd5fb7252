package images

import (
	"context"
	"io"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/images/deb"
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
	layers  []*blob        // of an image
	remote  *remoteBase
	where   func(sha256 string) string
}

// OpenBase finds out what the base is made of. It fetches indexes and
// manifests, no packages and no layers. A Debian base whose Python is not the
// one asked for is refused.
func OpenBase(ctx context.Context, o BaseOptions) (*Base, error) {
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[o.Machine]
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
		return b, b.openLayout(strings.TrimPrefix(o.Ref, "oci:"))
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
		return b.remote.open(ctx, source, a.Size)
	}
	return nil, 0, 0, fault.New(fault.Input, "%s is no file of base %s", a.Name, b.Ref)
}

// Have tells the base where the file of a sha256 lies (House.Path).
func (b *Base) Have(path func(sha256 string) string) { b.where = path }

// count is the number of the base's layers.
func (b *Base) count() int {
	if b.kind == baseDebian {
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
		under.report(l, false)
	}
	return b.layers, nil
}

// debianBlobs makes the layers of a Debian base; the packages are unpacked
// only when a layer is not cached.
func (b *Base) debianBlobs(ctx context.Context, under *build) (out []*blob, err error) {
	var tree *deb.Tree
	for _, l := range b.debian.Layers() {
		made, fresh, err := under.cache.Make(ctx, l.Key, func() (_ []layerEntry, err error) {
			if tree == nil {
				if tree, err = b.debian.Unpack(ctx, b.where, under.tmp, under.parallel); err != nil {
					return nil, err
				}
			}
			return tree.Entries(l.Name), nil
		})
		if err == nil {
			var one *blob
			one, err = under.finished(made, l.Members, fresh)
			out = append(out, one)
		}
		if err != nil {
			if tree != nil {
				tree.Close()
			}
			return nil, err
		}
	}
	if tree != nil {
		err = tree.Close()
	}
	return out, err
}
