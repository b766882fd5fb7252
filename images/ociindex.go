package images

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	refName        = annotation + "ref.name"
	containerdName = "io.containerd.image.name" // the whole name; docker and containerd read it from archives
)

// ociIndex is an OCI image index whose entries are kept as they stand.
type ociIndex struct {
	SchemaVersion int64             `json:"schemaVersion"`
	MediaType     types.MediaType   `json:"mediaType,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Manifests     []json.RawMessage `json:"manifests"`
	Subject       json.RawMessage   `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// read takes an index's text; nil is an empty one.
func (x *ociIndex) read(raw []byte) error {
	*x = ociIndex{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, x); err != nil {
		return err
	}
	if x.SchemaVersion != 2 {
		return errors.New("its schemaVersion is not 2")
	}
	for _, raw := range x.Manifests {
		if _, _, err := tagOf(raw); err != nil {
			return err
		}
	}
	return nil
}

// with is the text of the index with the image under each of tags, which no
// other entry keeps. repository, where there is one, makes them whole names.
func (x *ociIndex) with(i *Image, tags []string, repository string) ([]byte, error) {
	out := *x
	out.Manifests = []json.RawMessage{}
	for _, raw := range x.Manifests {
		if tag, named, err := tagOf(raw); err != nil {
			return nil, err
		} else if !named || !slices.Contains(tags, tag) {
			out.Manifests = append(out.Manifests, raw)
		}
	}
	config, err := i.v1.ConfigFile()
	if err != nil {
		return nil, err
	}
	for n, tag := range tags {
		if slices.Contains(tags[:n], tag) {
			continue
		}
		d := v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Size: int64(len(i.core.manifest)), Digest: i.digest,
			Annotations: map[string]string{refName: tag},
			Platform:    &v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant},
		}
		if repository != "" {
			d.Annotations[containerdName] = repository + ":" + tag
		}
		raw, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		out.Manifests = append(out.Manifests, raw)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	err = e.Encode(out)
	return text.Bytes(), err
}

// tagOf is the reference name of an index's entry.
func tagOf(raw json.RawMessage) (tag string, named bool, err error) {
	var d struct {
		Annotations map[string]string `json:"annotations"`
	}
	err = json.Unmarshal(raw, &d)
	tag, named = d.Annotations[refName]
	return tag, named, err
}
