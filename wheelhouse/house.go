// Package wheelhouse keeps the files of a lock: wheels, Debian packages and
// other blobs, each once, by its sha256, in a cache folder that many processes
// share; fills it from the network, resuming what was cut; and lays them out
// by file name for installers.
//
// It owns one folder of the cache, "store":
//
//	store/sha256/ab/abcd…       whole files, checked, read-only, named by sha256
//	store/partial/abcd….part    files on their way in; flock(2) says whose they are
//	store/use.lock              held shared by every open House, alone by Prune
//
// A wheelhouse folder, which Link lays out, Verify checks and Adopt takes from,
// has
//
//	NAME.whl                    as installers look for them
//	debs/NAME.deb               Debian packages of the base
//	blobs/sha256-HEX            files of an image that is the base
package wheelhouse

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"wheelwright/fault"
)

// Kind is what an artifact is for; it does not change how it is kept.
type Kind string

const (
	Wheel Kind = "wheel"
	Deb   Kind = "deb"
	Blob  Kind = "blob"
)

// Artifact is one file: what it is called, what its bytes must be and where
// they may be had.
type Artifact struct {
	Kind    Kind     `json:"kind"`
	Name    string   `json:"name"`             // file name: one path element, not hidden
	SHA256  string   `json:"sha256,omitempty"` // lower-case hex; empty: not known before it is fetched
	Size    int64    `json:"size,omitempty"`   // bytes; 0: not known
	Sources []string `json:"-"`                // addresses, first asked first; their form is the opener's affair
}

// Folders of a wheelhouse folder. Wheels lie in it directly, as installers
// want them.
const (
	debFolder  = "debs"
	blobFolder = "blobs"
)

// folder is where a wheelhouse folder has the files of a kind, below itself.
func (k Kind) folder() string {
	switch k {
	case Deb:
		return debFolder
	case Blob:
		return blobFolder
	}
	return ""
}

// place is the artifact's path in a wheelhouse folder: "debs/NAME".
func (a Artifact) place() string { return path.Join(a.Kind.folder(), a.Name) }

// String is the artifact as messages call it: "wheel torch-2.6.0-….whl".
func (a Artifact) String() string { return strings.TrimSpace(string(a.Kind) + " " + a.Name) }

// House is an open store. It is safe for concurrent use, and several
// processes may have the same cache open.
type House struct {
	dir  string
	use  *os.File
	free func(dir string) (int64, error) // bytes left for files below dir
}

const (
	storeDir   = "store"
	objectDir  = "store/sha256"
	partialDir = "store/partial"
	useLock    = "store/use.lock"
)

// Open opens the store of a cache folder, making what is missing. Until
// Close, or the end of the process, no other process prunes the cache; while
// one does, Open fails with fault.Temporary.
func Open(cacheDir string) (*House, error) {
	for _, d := range []string{objectDir, partialDir} {
		if err := os.MkdirAll(filepath.Join(cacheDir, d), 0o755); err != nil {
			return nil, diskFault("open cache "+cacheDir, err).Try("name a folder that can be written with --cache-dir")
		}
	}
	use, err := lockUse(cacheDir, false)
	if err != nil {
		return nil, err
	}
	return &House{dir: cacheDir, use: use, free: freeBytes}, nil
}

// Close lets other processes prune the cache. Paths that Path gave may vanish
// after it.
func (h *House) Close() error { return h.use.Close() }

// Path is where the file with this sha256 (64 lower-case hex digits) lies if
// the store has it; empty for anything that is no sha256.
func (h *House) Path(sha256 string) string {
	if !validSHA256(sha256) {
		return ""
	}
	return filepath.Join(h.dir, objectDir, sha256[:2], sha256)
}

// Has says whether the store has the file. Files enter it whole and checked;
// Has does not read them again (Recheck does).
func (h *House) Has(sha256 string) bool {
	_, ok := h.stat(sha256)
	return ok
}

func (h *House) stat(sha256 string) (fs.FileInfo, bool) {
	path := h.Path(sha256)
	if path == "" {
		return nil, false
	}
	st, err := os.Lstat(path)
	return st, err == nil && st.Mode().IsRegular()
}

func (h *House) join(sub string) string { return filepath.Join(h.dir, sub) }

func (h *House) partialPath(sha256 string) string {
	return filepath.Join(h.dir, partialDir, sha256+".part")
}

func validSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// validName admits one path element that is not hidden and holds nothing a
// terminal would obey.
func validName(name string) bool {
	if name == "" || len(name) > 255 || name[0] == '.' || strings.ContainsAny(name, "/\\") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// checkList refuses artifacts that cannot be stored or laid out: a bad name,
// a bad sha256, a negative size, one name with two contents.
func checkList(artifacts []Artifact) error {
	byName := make(map[string]Artifact, len(artifacts)) // by place
	for _, a := range artifacts {
		switch {
		case !validName(a.Name):
			return fault.New(fault.Input, "%s %q: not a file name", a.Kind, a.Name).
				Because("a file name here is one path element of printable characters, up to 255 bytes, and begins with no dot")
		case a.SHA256 != "" && !validSHA256(a.SHA256):
			return fault.New(fault.Input, "%s: sha256 %q is not 64 lower-case hexadecimal digits", a, a.SHA256)
		case a.Size < 0:
			return fault.New(fault.Input, "%s: size %d is negative", a, a.Size)
		}
		if b, ok := byName[a.place()]; ok && a.SHA256 != b.SHA256 {
			return fault.New(fault.Integrity, "%s is listed with two contents", a).
				Because("sha256 is %s in one place and %s in another", orUnknown(b.SHA256), orUnknown(a.SHA256))
		}
		byName[a.place()] = a
	}
	return nil
}

func orUnknown(sha256 string) string {
	if sha256 == "" {
		return "unknown"
	}
	return sha256
}

// OpenFunc opens one source of an artifact at offset: the bytes, the offset
// they really begin at (0 where the range was ignored) and the size of the
// whole file (not above 0: unknown). A *fault.Error of a kind other than
// Temporary ends the use of that source; any other error is tried again.
type OpenFunc func(ctx context.Context, a Artifact, source string, offset int64) (body io.ReadCloser, start, total int64, err error)

func gib(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}
