package lock

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	toml "github.com/pelletier/go-toml/v2"

	"wheelwright/fault"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// Limits of a lock file that is read; each is far above any real lock.
const (
	MaxText     = 16 << 20 // bytes
	MaxPackages = 20_000
	MaxWheels   = 2_000 // of one package
)

// document mirrors the keys of PEP 751 that are read; others are ignored, as
// the specification asks.
type document struct {
	LockVersion    *string        `toml:"lock-version"`
	CreatedBy      string         `toml:"created-by"`
	Environments   []string       `toml:"environments"`
	RequiresPython string         `toml:"requires-python"`
	Packages       []packageTable `toml:"packages"`
	Tool           struct {
		Wheelwright toolTable `toml:"wheelwright"`
	} `toml:"tool"`
}

type packageTable struct {
	Name           string `toml:"name"`
	Version        string `toml:"version"`
	Marker         string `toml:"marker"`
	RequiresPython string `toml:"requires-python"`
	Dependencies   []struct {
		Name string `toml:"name"`
	} `toml:"dependencies"`
	VCS       map[string]any `toml:"vcs"`
	Directory map[string]any `toml:"directory"`
	Archive   *file          `toml:"archive"`
	Index     string         `toml:"index"`
	Wheels    []file         `toml:"wheels"`
}

type file struct {
	Name       string            `toml:"name"`
	UploadTime any               `toml:"upload-time"`
	URL        string            `toml:"url"`
	Path       string            `toml:"path"`
	Size       int64             `toml:"size"`
	Hashes     map[string]string `toml:"hashes"`
}

// problem is what is wrong with one package or wheel; pkg and wheel are
// positions in the text, -1 where it is neither.
type problem struct {
	pkg, wheel int
	text, next string
}

// Parse reads PEP 751 text, version 1.x: our own locks, and those of uv and
// pip, which may hold several wheels for a package; source distributions
// beside wheels are passed over. Every file has a sha256 and a plain name that
// agrees with its package. Credentials, query and fragment of addresses are
// dropped. Errors are *fault.Error of kind Input and name the line where it is
// known.
func Parse(text []byte) (Lock, error) {
	if len(text) > MaxText {
		return Lock{}, fault.New(fault.Input, "lock: %d bytes, at most %d are read", len(text), MaxText)
	}
	var d document
	if err := toml.Unmarshal(text, &d); err != nil {
		return Lock{}, badTOML(err)
	}
	l, p := d.lock()
	if p != nil {
		where := "lock"
		if line := lineOf(text, p.pkg, p.wheel); line > 0 {
			where = fmt.Sprintf("lock, line %d", line)
		}
		e := fault.New(fault.Input, "%s: %s", where, p.text)
		e.Next = p.next
		return Lock{}, e
	}
	return l, nil
}

// badTOML takes the position from the decoder's error and leaves the excerpt
// of the document out: it may hold a credential.
func badTOML(err error) error {
	var decode *toml.DecodeError
	if !errors.As(err, &decode) {
		return fault.New(fault.Input, "lock: not TOML").Wrap(err)
	}
	row, column := decode.Position()
	what := strings.TrimPrefix(decode.Error(), "toml: ")
	if key := decode.Key(); len(key) > 0 {
		what = strings.Join(key, ".") + ": " + what
	}
	return fault.New(fault.Input, "lock, line %d, column %d: %s", row, column, what)
}

var lockVersion = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,6}){0,3}$`)

func (d *document) lock() (Lock, *problem) {
	top := func(next, format string, args ...any) (Lock, *problem) {
		return Lock{}, &problem{-1, -1, fmt.Sprintf(format, args...), next}
	}
	if d.LockVersion == nil {
		return top("", "no lock-version: this is no pylock.toml (PEP 751)")
	}
	if v := *d.LockVersion; !lockVersion.MatchString(v) {
		return top("", "lock-version %q is no version", v)
	} else if major, _, _ := strings.Cut(v, "."); strings.TrimLeft(major, "0") != "1" {
		return top("write the lock again with wheelwright lock", "lock-version %s, only 1.x is read", v)
	}
	if len(d.Packages) > MaxPackages {
		return top("", "%d packages, at most %d are read", len(d.Packages), MaxPackages)
	}
	l := Lock{CreatedBy: d.CreatedBy, Environments: d.Environments}
	var err error
	if l.RequiresPython, err = canonicalSpecifiers(d.RequiresPython); err != nil {
		return top("", "requires-python: %v", err)
	}
	seen := map[pep508.Name]bool{} // name -> every entry so far has a marker
	for i := range d.Packages {
		p, bad := d.Packages[i].pkg(i)
		if bad != nil {
			return Lock{}, bad
		}
		conditional, again := seen[p.Name]
		if again && (!conditional || p.Marker == "") {
			return Lock{}, &problem{i, -1, fmt.Sprintf("package %s: listed twice without markers that tell the entries apart", p.Name), ""}
		}
		seen[p.Name] = p.Marker != ""
		l.Packages = append(l.Packages, p)
	}
	if bad := d.Tool.Wheelwright.into(&l); bad != nil {
		return Lock{}, bad
	}
	l.Packages = sortedPackages(l.Packages)
	return l, nil
}

func (t *packageTable) pkg(i int) (Package, *problem) {
	fail := func(wheel int, next, format string, args ...any) (Package, *problem) {
		return Package{}, &problem{i, wheel, fmt.Sprintf("package "+strings.ReplaceAll(shown(t.Name), "%", "%%")+": "+format, args...), next}
	}
	const build = "build a wheel and list its folder under indexes: path"
	name, err := pep508.ParseName(t.Name)
	switch {
	case t.Name == "":
		return Package{}, &problem{i, -1, "package without a name", ""}
	case err != nil:
		return fail(-1, "", "no name of a distribution")
	case t.VCS != nil:
		return fail(-1, build, "comes from version control, not from a wheel")
	case t.Directory != nil:
		return fail(-1, build, "comes from a source folder, not from a wheel")
	case t.Archive != nil && len(t.Wheels) > 0:
		return fail(-1, "", "has both an archive and wheels")
	case len(t.Wheels) > MaxWheels:
		return fail(-1, "", "%d wheels, at most %d are read", len(t.Wheels), MaxWheels)
	}
	p := Package{Name: name, Marker: t.Marker, Direct: t.Archive != nil}
	if p.RequiresPython, err = canonicalSpecifiers(t.RequiresPython); err != nil {
		return fail(-1, "", "requires-python: %v", err)
	}
	var version pep440.Version
	if t.Version != "" {
		if version, err = pep440.Parse(t.Version); err != nil {
			return fail(-1, "", "version %s is not PEP 440", shown(t.Version))
		}
		p.Version = version.String()
	}
	p.Index, _ = place(t.Index, "")
	for _, d := range t.Dependencies {
		n, err := pep508.ParseName(d.Name)
		if err != nil {
			return fail(-1, "", "dependency %s is no name of a distribution", shown(d.Name))
		}
		p.Dependencies = append(p.Dependencies, n)
	}
	files := t.Wheels
	if p.Direct {
		files = []file{*t.Archive}
	}
	if len(files) == 0 {
		return fail(-1, build, "has no wheel")
	}
	for j, f := range files {
		w, err := f.wheel()
		if err == nil {
			err = agrees(w.Name, &p)
		}
		if err != nil {
			return fail(j, "", "%v", err)
		}
		p.Wheels = append(p.Wheels, w)
	}
	canonicalPackage(&p)
	return p, nil
}

func canonicalSpecifiers(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	s, err := pep440.ParseSpecifiers(text)
	if err != nil {
		return "", fmt.Errorf("%s are no version specifiers", shown(text))
	}
	return s.String(), nil
}

// wheel checks one file table by itself. The name comes from the table, else
// from the last part of path or url (PEP 751, packages.wheels.name).
func (f file) wheel() (Wheel, error) {
	w := Wheel{Name: f.Name, Size: f.Size}
	if f.Path != "" {
		if strings.Contains(f.Path, "//") || hasScheme.MatchString(f.Path) {
			return w, errors.New("wheel: path is a URL or a drive, not a path")
		}
		w.Path = f.Path
	} else if hasScheme.MatchString(f.URL) {
		w.URL, w.Path = place(f.URL, "")
	}
	if w.Name == "" && w.URL != "" {
		if u, err := url.Parse(w.URL); err == nil {
			w.Name = path.Base(u.Path)
		}
	} else if w.Name == "" {
		w.Name = path.Base(strings.ReplaceAll(w.Path, `\`, "/"))
	}
	if w.URL == "" && w.Path == "" {
		return w, fmt.Errorf("wheel %s: neither path nor a url with http, https or file", shown(w.Name))
	}
	if f.Size < 0 {
		return w, fmt.Errorf("wheel %s: size %d is below 0", shown(w.Name), f.Size)
	}
	w.SHA256 = strings.ToLower(f.Hashes["sha256"])
	if !isSHA256(w.SHA256) {
		return w, fmt.Errorf("wheel %s: sha256 is %s, not 64 hex digits", shown(w.Name), shown(w.SHA256))
	}
	switch at := f.UploadTime.(type) {
	case nil:
	case time.Time:
		w.Uploaded = at.UTC().Truncate(time.Second)
	case toml.LocalDateTime:
		w.Uploaded = at.AsTime(time.UTC).Truncate(time.Second)
	default:
		return w, fmt.Errorf("wheel %s: upload-time is no date and time", shown(w.Name))
	}
	return w, nil
}

func isSHA256(s string) bool {
	return len(s) == 64 && len(bytes.Trim([]byte(s), "0123456789abcdef")) == 0
}

// shown is foreign text for an error message: quoted, at most 100 bytes.
func shown(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return fmt.Sprintf("%q", s)
}
