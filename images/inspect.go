package images

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// maxLockLayer bounds, in bytes, the layer that holds the lock: as it is stored
// and as it is unpacked.
const maxLockLayer = maxAnswer

// maxLayerSize is what a layer may be said to have, in bytes: sums of it stay
// numbers.
const maxLayerSize = 1 << 48

// InspectOptions say how an image is looked at.
type InspectOptions struct {
	Machine  string          // x86_64 or aarch64: which of several images; empty: this one
	Registry RegistryOptions // for a registry only
}

// Found is an image as it is found somewhere. Whoever made it wrote its texts.
type Found struct {
	Digest     string   // of its manifest; empty where there is none (docker save before 25)
	ID         string   // "sha256:…" of its configuration
	Tags       []string // its names there; of a registry none
	Platform   string   // "linux/amd64"
	Created    time.Time
	User       string
	Workdir    string
	Entrypoint []string
	Cmd        []string
	Env        []string
	Labels     map[string]string
	Layers     []FoundLayer // lowest first
	Prefix     string       // VIRTUAL_ENV; empty: none
	Lock       []byte       // PREFIX/pylock.toml; nil: no layer is said to hold it
}

// FoundLayer is one layer. Members is what its history says: of a layer that
// wheelwright made what it holds, of another the command that made it.
type FoundLayer struct {
	Layer
	Ours bool
}

// Inspect reads what an image says of itself: manifest, configuration and the
// one layer that holds the lock, each compared with its digest. It may fail
// with fault.Input (no such image, or none that is read), fault.Integrity
// (bytes that are not what their digest or their size says), fault.Auth and
// fault.Temporary.
func Inspect(ctx context.Context, s Source, o InspectOptions) (*Found, error) {
	at, err := s.open(ctx, o)
	if err != nil {
		return nil, s.fault(at, err)
	}
	defer at.Close()
	f, err := s.inspect(ctx, at, o)
	if err != nil {
		return nil, s.fault(at, err)
	}
	return f, nil
}

func (s Source) inspect(ctx context.Context, at store, o InspectOptions) (*Found, error) {
	if a, ok := at.(*archiveStore); ok && a.dockerOnly() {
		return a.inspect(s.tag)
	}
	d, tags, err := s.pick(ctx, at, o.Machine)
	if err != nil {
		return nil, err
	}
	rawManifest, rawConfig, err := readImage(ctx, at, d)
	if err != nil {
		return nil, err
	}
	f, m, err := describe(rawManifest, rawConfig)
	if err != nil {
		return nil, err
	}
	f.Digest, f.Tags = d.Digest.String(), tags
	return f, f.findLock(func(n int) ([]byte, error) { return fetch(ctx, at, m.Layers[n], maxLockLayer) })
}

// describe is what manifest and configuration say.
func describe(rawManifest, rawConfig []byte) (*Found, *v1.Manifest, error) {
	var m v1.Manifest
	if err := json.Unmarshal(rawManifest, &m); err != nil {
		return nil, nil, fault.New(fault.Integrity, "its manifest is not JSON").Wrap(err)
	}
	if t := m.Config.MediaType; !t.IsConfig() {
		return nil, nil, fault.New(fault.Input, "it is no container image").Because("its configuration has media type %q", t)
	}
	f, config, err := describeConfig(rawConfig)
	if err != nil {
		return nil, nil, err
	}
	if len(m.Layers) != len(config.RootFS.DiffIDs) {
		return nil, nil, fault.New(fault.Integrity, "its manifest has %d layers, its configuration %d", len(m.Layers), len(config.RootFS.DiffIDs))
	}
	for i, d := range m.Layers {
		if d.Size < 0 || d.Size > maxLayerSize {
			return nil, nil, fault.New(fault.Integrity, "layer %d is said to be of %d bytes", i+1, d.Size)
		}
		f.Layers[i].Digest, f.Layers[i].Size, f.Layers[i].MediaType = d.Digest.String(), d.Size, string(d.MediaType)
	}
	for key, value := range m.Annotations {
		if _, have := f.Labels[key]; !have {
			f.Labels[key] = value
		}
	}
	return f, &m, nil
}

// describeConfig is what the configuration says.
func describeConfig(raw []byte) (*Found, *v1.ConfigFile, error) {
	var config v1.ConfigFile
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, nil, fault.New(fault.Integrity, "its configuration is not JSON").Wrap(err)
	}
	c := config.Config
	f := &Found{
		ID: sumOf(raw).String(), Platform: config.OS + "/" + config.Architecture, Created: config.Created.Time,
		User: c.User, Workdir: c.WorkingDir, Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: c.Env, Labels: c.Labels,
	}
	if config.Variant != "" {
		f.Platform += "/" + config.Variant
	}
	if f.Labels == nil {
		f.Labels = map[string]string{}
	}
	for _, kv := range c.Env {
		if value, ok := strings.CutPrefix(kv, "VIRTUAL_ENV="); ok {
			f.Prefix = value
		}
	}
	told := slices.DeleteFunc(slices.Clone(config.History), func(h v1.History) bool { return h.EmptyLayer })
	for i, id := range config.RootFS.DiffIDs {
		var l FoundLayer
		l.DiffID = id.String()
		if len(told) == len(config.RootFS.DiffIDs) {
			l.Members, l.Ours = members(told[i])
		}
		f.Layers = append(f.Layers, l)
	}
	return f, &config, nil
}

// lockMember is what the layer of the lock says that it holds.
const lockMember = "lock"

// historyPrefix begins what a layer's history says that wheelwright made.
const historyPrefix = "wheelwright: "

func members(h v1.History) (list []string, ours bool) {
	if held, ok := strings.CutPrefix(h.CreatedBy, historyPrefix); ok {
		return strings.Split(held, ", "), true
	}
	if h.CreatedBy == "" {
		return nil, false
	}
	return []string{h.CreatedBy}, false
}

// findLock reads the lock out of the uppermost layer that says it holds one;
// read gives a layer's bytes.
func (f *Found) findLock(read func(layer int) ([]byte, error)) error {
	if f.Prefix == "" {
		return nil
	}
	file := path.Join(strings.TrimPrefix(path.Clean("/"+f.Prefix), "/"), LockName)
	for i, l := range slices.Backward(f.Layers) {
		if !l.Ours || !slices.Contains(l.Members, lockMember) || l.Size > maxLockLayer {
			continue
		}
		packed, err := read(i)
		if err == nil {
			f.Lock, err = lockOf(packed, l.DiffID, file)
		}
		return err // not a second one: a thousand layers may say that they hold it
	}
	return nil
}

// lockOf takes a file out of a layer whose tar must have the diffID; nil: it is
// not there.
func lockOf(packed []byte, diffID, file string) (found []byte, err error) {
	r, err := layer.Uncompress(io.NopCloser(bytes.NewReader(packed)))
	if err != nil {
		return nil, fault.New(fault.Integrity, "the lock's layer").Wrap(err)
	}
	defer r.Close()
	h := sha256.New()
	limited := &io.LimitedReader{R: r, N: maxLockLayer + 1}
	all := io.TeeReader(limited, h)
	err = func() error {
		for t := tar.NewReader(all); ; {
			e, err := t.Next()
			if err == io.EOF {
				_, err = io.Copy(io.Discard, all)
				return err
			}
			if err != nil {
				return err
			}
			if e.Typeflag == tar.TypeReg && path.Clean(e.Name) == file {
				if found, err = io.ReadAll(t); err != nil {
					return err
				}
			}
		}
	}()
	switch got := "sha256:" + hex.EncodeToString(h.Sum(nil)); {
	case limited.N <= 0:
		return nil, fault.New(fault.Integrity, "the lock's layer unpacks to more than %d bytes", maxLockLayer)
	case err != nil:
		return nil, fault.New(fault.Integrity, "the lock's layer").Wrap(err)
	case got != diffID:
		return nil, fault.New(fault.Integrity, "the lock's layer unpacks to %s, its configuration says %s", got, diffID)
	}
	return found, nil
}

// inspect reads an image of docker save before release 25: there is no
// manifest, and layers are plain tars or gzip.
func (a *archiveStore) inspect(tag string) (*Found, error) {
	d, err := a.listed(tag)
	if err != nil {
		return nil, err
	}
	raw, err := a.small(d.Config, maxConfig)
	if err != nil {
		return nil, err
	}
	f, _, err := describeConfig(raw)
	if err != nil {
		return nil, err
	}
	if len(d.Layers) != len(f.Layers) {
		return nil, fault.New(fault.Integrity, "manifest.json has %d layers, the configuration %d", len(d.Layers), len(f.Layers))
	}
	f.Tags = d.RepoTags
	for i, name := range d.Layers {
		r, err := a.file(name)
		if err != nil {
			return nil, err
		}
		f.Layers[i].Size = r.Size()
	}
	return f, f.findLock(func(n int) ([]byte, error) { return a.small(d.Layers[n], maxLockLayer) })
}
