package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/fault"
)

// archiveWriter writes a whole image as one tar: an OCI layout, and in a
// docker-archive beside it the manifest.json by which docker load goes. The
// same image and tags give the same bytes. The tar is written beside its
// place, layers straight into it, and gets its name when it is whole.
type archiveWriter struct {
	Destination
	file    string // File, where symbolic links lead
	tags    []string
	tmp     *temporary
	folders []string // that were made for it
}

func newArchiveWriter(ctx context.Context, d Destination, o WriteOptions) (*archiveWriter, error) {
	w := &archiveWriter{Destination: d, file: d.File, tags: o.Tags}
	if to, err := filepath.EvalSymlinks(d.File); err == nil {
		w.file = to
	}
	if err := replaceable(w.file); err != nil {
		return nil, fault.New(fault.Input, "archive %s", d.File).Wrap(err).Try("name a new file")
	}
	dir := filepath.Dir(w.file)
	var err error
	if w.folders, err = makeFolders(dir); err != nil {
		return nil, w.fault(err)
	}
	if w.tmp, err = claim(ctx, dir, asFile); err != nil {
		removeEmpty(w.folders)
		return nil, w.fault(err)
	}
	return w, nil
}

var errNoArchive = errors.New("it stands and is no archive")

// replaceable says whether an archive may take the place of what is at path:
// nothing, an empty file or a tar.
func replaceable(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file")
	case info.Size() == 0:
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := tar.NewReader(f).Next(); err != nil {
		return errNoArchive
	}
	return nil
}

// layer leaves the layer for finish: the tar is in the order of digests, which
// are not known yet.
func (w *archiveWriter) layer(context.Context, *blob) error { return nil }

func (w *archiveWriter) close() error {
	defer removeEmpty(w.folders)
	return w.tmp.close()
}

func (w *archiveWriter) fault(err error) error {
	return writeFault("archive "+w.File, "nothing is left of what was written", err)
}

func (w *archiveWriter) finish(ctx context.Context, i *Image) error {
	err := w.write(ctx, i)
	if err == nil {
		err = w.tmp.Chmod(0o644)
	}
	if err == nil {
		err = w.tmp.Sync()
	}
	if err == nil {
		err = os.Rename(w.tmp.path, w.file)
	}
	if err != nil {
		return w.fault(err)
	}
	return nil
}

// member is one file of an archive.
type member struct {
	name  string
	size  int64
	write func(ctx context.Context, w io.Writer) error
}

func smallMember(name string, data []byte) member {
	return member{name, int64(len(data)), func(_ context.Context, w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// write writes the tar: folders first, then files by name, each blob once.
func (w *archiveWriter) write(ctx context.Context, i *Image) error {
	members, err := w.members(i)
	if err != nil {
		return err
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	members = slices.CompactFunc(members, func(a, b member) bool { return a.name == b.name })
	t := tar.NewWriter(w.tmp)
	for _, dir := range []string{"blobs/", blobFolder + "/"} {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, m := range members {
		// A size over 8 GiB makes a PAX record of itself.
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: m.name, Mode: 0o644, Size: m.size}); err != nil {
			return err
		}
		if err := m.write(ctx, t); err != nil {
			return err
		}
	}
	return t.Close()
}

// members are the files of the archive, in no order.
func (w *archiveWriter) members(i *Image) ([]member, error) {
	repository := ""
	if w.docker {
		repository = dockerName(w.repo)
	}
	var none ociIndex
	if err := none.read(nil); err != nil {
		return nil, err
	}
	index, err := none.with(i, w.tags, repository)
	if err != nil {
		return nil, err
	}
	members := []member{
		smallMember(layoutMarker, []byte(layoutVersion)),
		smallMember(layoutIndex, index),
		smallMember(blobName(sumOf(i.core.config).Hex), i.core.config),
		smallMember(blobName(i.digest.Hex), i.core.manifest),
	}
	for _, b := range i.core.blobs {
		members = append(members, member{blobName(b.digest.Hex), b.size, func(ctx context.Context, w io.Writer) error {
			return copyChecked(ctx, w, b)
		}})
	}
	if w.docker {
		listing, err := w.listing(i)
		if err != nil {
			return nil, err
		}
		members = append(members, smallMember(dockerListing, listing))
	}
	return members, nil
}

func blobName(hex string) string { return blobFolder + "/" + hex }

// dockerListing is the file by which docker load reads an archive.
const dockerListing = "manifest.json"

// dockerImage is one image of it. Docker save writes so since release 25: the
// paths are those of the OCI layout in the same archive.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (w *archiveWriter) listing(i *Image) ([]byte, error) {
	d := dockerImage{Config: blobName(sumOf(i.core.config).Hex), Layers: []string{}}
	for _, tag := range w.tags {
		if name := w.repo + ":" + tag; !slices.Contains(d.RepoTags, name) {
			d.RepoTags = append(d.RepoTags, name)
		}
	}
	for _, b := range i.core.blobs {
		d.Layers = append(d.Layers, blobName(b.digest.Hex))
	}
	var text bytes.Buffer
	err := json.NewEncoder(&text).Encode([]dockerImage{d})
	return text.Bytes(), err
}
