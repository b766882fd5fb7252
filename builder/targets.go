package builder

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/layer"
)

// targets are the destinations of one build.
type targets struct {
	b           *Builder
	to          []images.Destination
	more        []string // tags besides
	registry    images.RegistryOptions
	compression layer.Compression

	writers []*images.Writer
	tags    [][]string // of each writer
}

// destinations reads where an image goes, before anything is done.
func (b *Builder) destinations(o BuildOptions) (*targets, error) {
	t := &targets{b: b, more: o.Tags}
	switch t.compression = layer.Compression(o.Compression); t.compression {
	case "", layer.Gzip, layer.ZstdLayer:
	default:
		return nil, fault.New(fault.Input, "--compression %q", o.Compression).Because("layers are compressed by gzip or zstd").Try("--compression gzip")
	}
	for _, s := range o.To {
		d, err := images.ParseDestination(s, b.Name)
		if err != nil {
			return nil, err
		}
		if b.Offline && d.Remote() {
			return nil, fault.New(fault.Input, "--offline and destination %s exclude each other", s).
				Because("a registry is reached through the network").Try("--to oci:DIR")
		}
		t.to = append(t.to, d)
	}
	for _, tag := range o.Tags {
		if err := images.CheckTag(tag); err != nil {
			return nil, err
		}
	}
	var err error
	t.registry, err = o.Registry.options()
	return t, err
}

// OneImage refuses what only one image can have, where several profiles are
// built: an archive, a tag given by hand. Each would replace the one before.
func (o BuildOptions) OneImage() error {
	for _, s := range o.To {
		if d, err := images.ParseDestination(s, "x"); err == nil && (d.Tagged || d.File != "") {
			return fault.New(fault.Input, "destination %s holds one image, and several profiles are asked for", s).
				Because("each would replace the one before").Try("build them one by one, or give oci:DIR or HOST/REPO without :TAG")
		}
	}
	if len(o.Tags) > 0 {
		return fault.New(fault.Input, "--tag %s names one image, and several profiles are asked for", o.Tags[0]).
			Because("each would take the tag from the one before").Try("leave --tag out: each image is tagged with its profile's name")
	}
	return nil
}

// options reads the certificates.
func (r Registry) options() (images.RegistryOptions, error) {
	o := images.RegistryOptions{PlainHTTP: r.PlainHTTP}
	if r.CAFile == "" {
		return o, nil
	}
	var err error
	if o.CA, err = os.ReadFile(r.CAFile); err != nil {
		return o, fault.New(fault.Input, "--registry-ca").Wrap(err).Try("name a file of PEM certificates")
	}
	return o, nil
}

// open opens every destination for the image of a lock: under its own tag, or
// else under the profile's name and, where it takes several, that with the
// beginning of the lock's digest; and under the tags asked for.
func (t *targets) open(ctx context.Context, lockDigest string) error {
	for _, d := range t.to {
		tags := []string{t.b.Name, t.b.Name + "-" + strings.TrimPrefix(lockDigest, "sha256:")[:12]}
		switch {
		case d.Tagged:
			tags = []string{d.Tag}
		case d.OneName():
			tags = tags[:1]
		}
		for _, tag := range t.more {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		t.b.report(Event{Step: StepImage, Kind: Began, Unit: Bytes, Text: "writing " + d.Name()})
		w, err := images.NewWriter(ctx, d, images.WriteOptions{
			Tags: tags, Registry: t.registry, Remember: filepath.Join(t.b.CacheDir, "pushed"),
			Progress: func(done, total int64) {
				t.b.report(Event{Step: StepImage, Kind: Progressed, Unit: Bytes, Done: done, Total: total})
			},
		})
		if err != nil {
			return err
		}
		t.writers, t.tags = append(t.writers, w), append(t.tags, tags)
	}
	return nil
}

// close gives up what was begun and not finished.
func (t *targets) close() {
	for _, w := range t.writers {
		w.Close()
	}
}

func tagsText(tags []string) string {
	if len(tags) == 1 {
		return "tag " + tags[0]
	}
	return "tags " + strings.Join(tags, ", ")
}
