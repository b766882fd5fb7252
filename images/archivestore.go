package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/fault"
)

// Limits of an archive that is read.
const (
	maxMembers = 100_000
	maxLinks   = 8 // from one name to the next
)

// archiveStore reads a tar of an OCI layout, or of docker save, in place.
type archiveStore struct {
	io.Closer
	r     io.ReaderAt
	files map[string]span
	links map[string]string
}

// span is where in the tar the bytes of a file are.
type span struct{ at, size int64 }

func openArchive(path string) (*archiveStore, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: path, Err: errors.New("no regular file")}
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a, err := readArchive(f, info.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	a.Closer = f
	return a, nil
}

// readArchive notes where the files of a tar are; of two of one name the later
// one holds, as it does when the tar is unpacked.
func readArchive(r io.ReaderAt, size int64) (*archiveStore, error) {
	a := &archiveStore{r: r, files: map[string]span{}, links: map[string]string{}}
	body := io.NewSectionReader(r, 0, size)
	magic := make([]byte, 6)
	n, _ := r.ReadAt(magic, 0)
	for _, packed := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd7zXZ\x00", "BZh"} {
		if bytes.HasPrefix(magic[:n], []byte(packed)) {
			return nil, fault.New(fault.Input, "the archive is compressed").Because("only a plain tar is read in place").Try("unpack it first")
		}
	}
	t := tar.NewReader(body)
	for count := 0; ; count++ {
		h, err := t.Next()
		if err == io.EOF {
			return a, nil
		}
		if err != nil {
			return nil, fmt.Errorf("no whole tar: %w", err)
		}
		if count >= maxMembers {
			return nil, fault.New(fault.Input, "the archive has more than %d members", maxMembers)
		}
		name := path.Clean(h.Name)
		delete(a.files, name)
		delete(a.links, name)
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := body.Seek(0, io.SeekCurrent) // the reader has no buffer
			if err != nil {
				return nil, err
			}
			if h.Size > size-at {
				return nil, fmt.Errorf("no whole tar: %w", io.ErrUnexpectedEOF)
			}
			a.files[name] = span{at, h.Size}
		case tar.TypeSymlink:
			a.links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			a.links[name] = path.Clean(h.Linkname)
		}
	}
}

// file is where a file's bytes are, through links.
func (a *archiveStore) file(name string) (*io.SectionReader, error) {
	name = path.Clean(name)
	for range maxLinks {
		if s, ok := a.files[name]; ok {
			return io.NewSectionReader(a.r, s.at, s.size), nil
		}
		to, ok := a.links[name]
		if !ok {
			break
		}
		name = to
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not in the archive")}
}

// small reads a file of at most limit bytes.
func (a *archiveStore) small(name string, limit int64) ([]byte, error) {
	r, err := a.file(name)
	if err != nil {
		return nil, err
	}
	if r.Size() > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errTooLong}
	}
	return io.ReadAll(r)
}

func (a *archiveStore) top(context.Context) ([]byte, types.MediaType, error) {
	raw, err := a.small(layoutIndex, maxManifest)
	return raw, types.OCIImageIndex, err
}

func (a *archiveStore) open(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	r, err := a.file(blobName(d.Digest.Hex))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}

// dockerOnly says whether there is no OCI layout in the archive, but what
// docker save wrote before release 25.
func (a *archiveStore) dockerOnly() bool {
	_, err1 := a.file(layoutIndex)
	_, err2 := a.file(dockerListing)
	return err1 != nil && err2 == nil
}

// listed finds an image of manifest.json by name or tag.
func (a *archiveStore) listed(tag string) (dockerImage, error) {
	raw, err := a.small(dockerListing, maxManifest)
	if err != nil {
		return dockerImage{}, err
	}
	var all []dockerImage
	if err := json.Unmarshal(raw, &all); err != nil {
		return dockerImage{}, fault.New(fault.Input, "manifest.json").Wrap(err)
	}
	var found []dockerImage
	var names []string
	for _, d := range all {
		names = append(names, d.RepoTags...)
		if tag == "" || slices.ContainsFunc(d.RepoTags, func(name string) bool {
			return name == tag || strings.HasSuffix(name, ":"+tag) || strings.HasSuffix(name, "/"+tag)
		}) {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		return dockerImage{}, fault.New(fault.Input, "%d images are there, want one", len(found)).
			Because("they are named %s", strings.Join(names[:min(len(names), 20)], ", ")).Try("choose by name: docker-archive:FILE:NAME:TAG")
	}
	return found[0], nil
}
