package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"wheelwright/fault"
)

func archive(t *testing.T, file string, docker bool, i *Image, tags ...string) []byte {
	t.Helper()
	d := Destination{File: file, Tag: "x", docker: docker, repo: "team/env"}
	if digest, err := Write(t.Context(), d, i, WriteOptions{Tags: tags}); err != nil || digest != i.Digest() {
		t.Fatalf("%s, %v", digest, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unpack unpacks a tar, and says what was in it, in order.
func unpack(t *testing.T, data []byte) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return dir, names
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() != 0 || h.Mode != map[byte]int64{tar.TypeDir: 0o755, tar.TypeReg: 0o644}[h.Typeflag] {
			t.Errorf("header %+v", h)
		}
		names = append(names, h.Name)
		to := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.Mkdir(to, 0o755)
		} else {
			var body []byte
			if body, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(to, body, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Other readers find in an archive the image that was put there.
func TestArchives(t *testing.T) {
	i := mustBuild(t, scratch(t))
	for _, docker := range []bool{false, true} {
		file := filepath.Join(t.TempDir(), "deep", "x.tar")
		data := archive(t, file, docker, i, "one", "two", "one")
		dir, names := unpack(t, data)
		want := 2 + 2 + 2 + len(i.Layers) // folders, marker and index, configuration and manifest
		if docker {
			want++
		}
		if !slices.IsSorted(names) || len(names) != want {
			t.Errorf("docker %v: members %q, want %d sorted ones", docker, names, want)
		}
		index, err := layout.ImageIndexFromPath(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(index); err != nil {
			t.Error(err)
		}
		m, _ := index.IndexManifest()
		if len(m.Manifests) != 2 {
			t.Errorf("the index is %+v", m)
		}
		for n, d := range m.Manifests {
			tag := []string{"one", "two"}[n]
			whole := strings.Join([]string{"docker", "io"}, ".") + "/team/env:" + tag
			if !docker {
				whole = ""
			}
			if d.Annotations[refName] != tag || d.Annotations[containerdName] != whole || d.Digest != i.digest {
				t.Errorf("entry %d is %+v", n, d)
			}
		}
		if !docker {
			continue
		}
		tag, err := name.NewTag("team/env:two")
		if err != nil {
			t.Fatal(err)
		}
		read, err := tarball.ImageFromPath(file, &tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(read); err != nil {
			t.Error(err)
		}
		if config, err := read.RawConfigFile(); err != nil || !bytes.Equal(config, i.Config()) {
			t.Errorf("docker's reader finds %s, %v", config, err)
		}
	}
}

func TestArchiveBytesDependOnTheImageAlone(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := t.TempDir()
	for _, docker := range []bool{false, true} {
		want := archive(t, dir+"/a.tar", docker, i, "x")
		mask := syscall.Umask(0o077)
		got := archive(t, dir+"/sub/b.tar", docker, i, "x")
		info, err := os.Stat(dir + "/sub/b.tar")
		syscall.Umask(mask)
		if !bytes.Equal(want, got) || err != nil || info.Mode() != 0o644 {
			t.Errorf("docker %v: another place and umask give other bytes, or mode %v", docker, info.Mode())
		}
	}
}

func TestArchiveReplacesArchivesOnly(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := t.TempDir()
	file, link := dir+"/x.tar", dir+"/link.tar"
	os.WriteFile(file, nil, 0o600) // empty: as mktemp leaves it
	if err := os.Symlink("x.tar", link); err != nil {
		t.Fatal(err)
	}
	first := archive(t, link, false, i, "one", "two")
	second := archive(t, link, false, i, "one")
	if bytes.Contains(second, []byte(`"two"`)) || !bytes.Contains(first, []byte(`"two"`)) {
		t.Error("the second archive is not a whole one of its own")
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link was replaced: %v", err)
	}
	os.WriteFile(dir+"/thesis.tex", []byte(`\documentclass{book}`), 0o644)
	os.Mkdir(dir+"/folder", 0o755)
	if err := syscall.Mkfifo(dir+"/pipe", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"thesis.tex", "folder", "pipe", "thesis.tex/x.tar"} {
		_, err := NewWriter(t.Context(), Destination{File: dir + "/" + name, Tag: "x"}, WriteOptions{})
		if fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), "next: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(dir + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A layer that is not what it should be leaves the archive that stands.
func TestArchiveOfWrongLayer(t *testing.T) {
	i := inFiles(t, mustBuild(t, scratch(t)))
	file := filepath.Join(t.TempDir(), "x.tar")
	want := archive(t, file, true, i, "x")
	b := i.core.blobs[1]
	for name, data := range map[string][]byte{
		"other": bytes.Repeat([]byte("x"), int(b.size)), "short": {}, "long": bytes.Repeat([]byte("x"), int(b.size)+1),
	} {
		path := filepath.Join(t.TempDir(), "layer")
		os.WriteFile(path, data, 0o644)
		b.lies(path)
		_, err := Write(t.Context(), Destination{File: file, Tag: "x"}, i, WriteOptions{})
		if fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
		if got, _ := os.ReadFile(file); !bytes.Equal(got, want) {
			t.Errorf("%s: the archive that stood is another", name)
		}
	}
}

func TestArchiveSweeps(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := t.TempDir()
	living, err := NewWriter(t.Context(), Destination{File: dir + "/living.tar", Tag: "x"}, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(dir, temporaryPrefix+"1")
	os.WriteFile(dead, []byte("half"), 0o600)
	archive(t, dir+"/x.tar", false, i, "x")
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed writer left is still there: %v", err)
	}
	if _, err := living.Finish(t.Context(), i); err != nil {
		t.Errorf("a writer beside: %v", err)
	}
	living.Close()
	if left, _ := filepath.Glob(dir + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
