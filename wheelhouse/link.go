package wheelhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"wheelwright/fault"
)

// Linked is what Link did.
type Linked struct {
	Files  int      // of the list, now in the folder
	Kept   int      // of them, already there
	Copied int      // of them, copied byte by byte: the folder is on another file system
	Stale  []string // wheels, debs and blobs of the folder that are not in the list, sorted: "debs/NAME"
}

// Link lays the artifacts out in dir, wheels under their file names, as
// `--find-links` of pip and uv reads a folder, others in its folders debs and
// blobs. They are cloned from the store where the file system can, else hard
// links (read-only, one file with the store's: whoever writes into it spoils
// both), else copied and hashed again. Each file appears whole or not at all. A
// folder that cannot be written will do where it holds them all.
// Other files of the folder stay; those that look like a wheelhouse's are named
// as stale, since an installer would see them.
func (h *House) Link(ctx context.Context, dir string, artifacts []Artifact) (Linked, error) {
	var done Linked
	if err := checkList(artifacts); err != nil {
		return done, err
	}
	for _, a := range artifacts {
		if !h.Has(a.SHA256) {
			return done, fault.New(fault.Temporary, "lay out %s in %s: the store does not have it", a, dir).
				Because("sha256 is %s", orUnknown(a.SHA256)).Try("fill the store first: wheelwright wheelhouse fill")
		}
	}
	for _, sub := range foldersOf(artifacts) {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return done, layFault("make folder "+filepath.Join(dir, sub), err)
		}
	}
	listed := map[string]bool{}
	for _, a := range artifacts {
		if listed[a.place()] {
			continue
		}
		listed[a.place()] = true
		if err := interrupted(ctx); err != nil {
			return done, err
		}
		how, err := h.linkOne(ctx, a, filepath.Join(dir, a.place()))
		if err != nil {
			var f *fault.Error
			if errors.As(err, &f) {
				return done, err
			}
			return done, layFault("lay out "+a.String()+" in "+dir, err)
		}
		done.Files++
		switch how {
		case kept:
			done.Kept++
		case copied:
			done.Copied++
		}
	}
	var err error
	done.Stale, err = stale(dir, listed)
	if err != nil {
		return done, diskFault("list folder "+dir, err)
	}
	return done, nil
}

// readOnly says whether err means that nothing may be written there.
func readOnly(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}

// layFault is a failed file operation in a wheelhouse folder.
func layFault(what string, err error) error {
	f := diskFault(what, err)
	if readOnly(err) {
		f.Try("name a folder that can be written: one that cannot must hold every file already")
	}
	return f
}

type linkHow int

const (
	kept linkHow = iota
	linked
	copied
)

func (h *House) linkOne(ctx context.Context, a Artifact, to string) (linkHow, error) {
	from := h.Path(a.SHA256)
	src, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	have, err := src.Stat()
	if err != nil {
		return 0, err
	}
	if a.Size != 0 && have.Size() != a.Size {
		return 0, wrongSize(a, have.Size(), "")
	}
	there, lerr := os.Lstat(to)
	if lerr == nil && os.SameFile(have, there) {
		return kept, nil
	}
	right := func() bool {
		if lerr != nil || !there.Mode().IsRegular() || there.Size() != have.Size() {
			return false
		}
		got, err := hashFile(ctx, to)
		return err == nil && got.sum == a.SHA256
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".wheelwright-*.tmp")
	if err != nil {
		if readOnly(err) && right() { // carried here, and complete
			return kept, nil
		}
		return 0, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()

	if reflink(tmp, src) == nil {
		return linked, settle(tmp, to)
	}
	hard := tmp.Name() + ".link"
	if os.Link(from, hard) == nil {
		defer os.Remove(hard) // rename leaves it where both names are one file
		return linked, os.Rename(hard, to)
	}
	// Another file system: hashing what is there costs less than writing it.
	if right() {
		return kept, nil
	}
	p := sha256.New()
	if _, err := io.Copy(io.MultiWriter(tmp, p), ctxReader{ctx, src}); err != nil {
		if ctx.Err() != nil {
			return 0, interrupted(ctx)
		}
		return 0, err
	}
	if got := hex.EncodeToString(p.Sum(nil)); got != a.SHA256 {
		return 0, fault.New(fault.Integrity, "%s: sha256 in the store is %s, expected %s", a, got, a.SHA256).
			Because("%s has changed since it was stored", from).Try("remove that file and fill the store again")
	}
	return copied, settle(tmp, to)
}

// settle gives a finished temporary file its name.
func settle(tmp *os.File, to string) error {
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), to)
}

// foldersOf are the folders that a list needs, the wheelhouse's own first.
func foldersOf(artifacts []Artifact) []string {
	subs := []string{""}
	for _, a := range artifacts {
		if sub := a.Kind.folder(); !slices.Contains(subs, sub) {
			subs = append(subs, sub)
		}
	}
	return subs
}

// stale are the files of a wheelhouse's kinds that the list does not name.
func stale(dir string, listed map[string]bool) ([]string, error) {
	out := []string{}
	for _, sub := range []string{"", debFolder, blobFolder} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && (sub == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		for _, e := range entries {
			at := path.Join(sub, e.Name())
			is := strings.HasSuffix(at, ".whl") || strings.HasSuffix(at, ".deb") || strings.HasPrefix(at, blobFolder+"/sha256-")
			if is && !e.IsDir() && !listed[at] {
				out = append(out, at)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
