package images

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
)

// Source is where an image is read.
type Source struct {
	dir, file string // of oci:, oci-archive: and docker-archive:
	tag       string // or a whole name; empty: the one image that is there
	ref       name.Reference
	text      string
}

const sourceForms = "oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG or NAME:TAG] or a registry reference"

// ParseSource reads oci:DIR[:TAG], oci-archive:FILE[:TAG],
// docker-archive:FILE[:TAG or NAME:TAG] or a registry reference
// (HOST/REPO[:TAG][@DIGEST], as docker pull takes it).
func ParseSource(s string) (Source, error) {
	refuse := func(why string) (Source, error) {
		return Source{}, fault.New(fault.Input, "image %q", s).Because("%s", why).Try("give %s", sourceForms)
	}
	scheme, rest, _ := strings.Cut(s, ":")
	var place, tag string
	switch scheme {
	case "oci", "oci-archive":
		place, tag = splitTag(rest)
	case "docker-archive":
		place, tag, _ = strings.Cut(rest, ":")
	case "docker":
		return refuse("a registry reference is written without docker://")
	case "docker-daemon", "containers-storage", "dir":
		return refuse("no daemon and no other transport is spoken here")
	default:
		ref, err := name.ParseReference(s)
		if err != nil {
			return refuse(err.Error())
		}
		return Source{ref: ref, text: s}, nil
	}
	switch {
	case place == "" && scheme == "oci":
		return refuse("no folder")
	case place == "":
		return refuse("no file")
	case scheme == "oci":
		return Source{dir: place, tag: tag, text: s}, nil
	}
	return Source{file: place, tag: tag, text: s}, nil
}

func (s Source) open(ctx context.Context, o InspectOptions) (store, error) {
	switch {
	case s.dir != "":
		return layoutStore{s.dir}, nil
	case s.file != "":
		return openArchive(s.file)
	}
	to, err := newSession(ctx, s.ref.Context(), transport.PullScope, o.Registry)
	if err != nil {
		return nil, err
	}
	return registryStore{to, s.ref}, nil
}

// fault says at which source something went wrong.
func (s Source) fault(at store, err error) error {
	if _, known := errors.AsType[*fault.Error](err); known || errors.Is(err, context.Canceled) {
		return fmt.Errorf("image %s: %w", s.text, err)
	}
	if r, ok := at.(registryStore); ok {
		return r.session.fault("image "+s.text, err)
	}
	return fault.New(fault.Input, "image %s", s.text).Wrap(err).Try("give %s", sourceForms)
}

// pick finds the one image at the source: by tag, then by machine; an image
// that stands alone is taken whatever its machine.
func (s Source) pick(ctx context.Context, at store, machine string) (d v1.Descriptor, tags []string, err error) {
	raw, media, err := at.top(ctx)
	if err != nil {
		return d, nil, err
	}
	if !media.IsIndex() {
		if !media.IsImage() {
			return d, nil, fault.New(fault.Input, "media type %q is not read", media).Try("give the reference of an image")
		}
		return v1.Descriptor{MediaType: media, Size: int64(len(raw)), Digest: sumOf(raw)}, nil, nil
	}
	nested := func(d v1.Descriptor) ([]byte, error) { return fetch(ctx, at, d, maxManifest) }
	all := choice{tag: s.tag, nested: nested}
	found, err := all.among(raw, 0)
	if err != nil {
		return d, nil, err
	}
	if len(found) > 1 {
		arch := choice{tag: s.tag, nested: nested, arch: machineArch(machine)}
		if found, err = arch.among(raw, 0); err != nil {
			return d, nil, err
		}
	}
	switch tags := all.listed(); {
	case len(found) == 1:
		return found[0], all.names[found[0].Digest], nil
	case len(found) == 0 && s.tag != "" && len(tags) > 0:
		return d, nil, fault.New(fault.Input, "no image is tagged %s", s.tag).Because("there are %s", strings.Join(tags, ", "))
	case len(found) == 0:
		return d, nil, fault.New(fault.Input, "no image for linux/%s is there", machineArch(machine)).Try("--machine chooses another machine")
	case len(tags) > 1:
		return d, nil, fault.New(fault.Input, "%d images are there", len(found)).Because("they are tagged %s", strings.Join(tags, ", ")).
			Try("choose by tag: %s:TAG", s.text)
	}
	return d, nil, fault.New(fault.Input, "%d images for linux/%s are there", len(found), machineArch(machine)).Try("choose by digest")
}

// machineArch is OCI's name of a machine: of this one, where it is empty.
func machineArch(machine string) string {
	switch machine {
	case "":
		return runtime.GOARCH
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return machine
}

// listed are the reference names met, in order; not more than a line holds.
func (c *choice) listed() []string {
	tags := slices.Concat(slices.Collect(maps.Values(c.names))...)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > 20 {
		tags = append(tags[:20], "…")
	}
	return tags
}
