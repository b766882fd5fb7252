package profiles

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/fault"
)

//go:embed data/*.yaml
var shipped embed.FS

// Names lists the shipped profiles, sorted. Files that start with _ are
// parents of them and no profiles.
func Names() []string {
	files, _ := shipped.ReadDir("data")
	var names []string
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".yaml"); !strings.HasPrefix(name, "_") {
			names = append(names, name)
		}
	}
	return names
}

// Load reads a shipped profile by its name, or a file: what holds a slash or
// ends in .yaml, .yml or .json is a path. Errors are *fault.Error of kind
// Input with file, line, key and what is allowed.
func Load(nameOrPath string) (Profile, error) {
	return loader{read: readFile}.load(nameOrPath)
}

// isPath tells a path from the name of a shipped profile.
func isPath(s string) bool {
	return strings.Contains(s, "/") || slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(s))
}

// loader reads profile files and what they extend.
type loader struct {
	read func(path string) ([]byte, error)
}

func (l loader) load(nameOrPath string) (Profile, error) {
	src, id, err := l.open(nameOrPath, "", "")
	if err != nil {
		return Profile{}, err
	}
	return l.profile(src, id)
}

func (l loader) profile(src *source, id string) (Profile, error) {
	root, err := l.tree(src, []string{id})
	if err != nil {
		return Profile{}, err
	}
	p, err := decode(root, src.dir, true)
	if err != nil {
		return Profile{}, err
	}
	written, err := decode(root, src.dir, false)
	if err != nil {
		return Profile{}, err
	}
	p.written = &written
	return p, nil
}

// open finds a profile's text; dir and label are those of the file that
// extends it, both empty for what the user named. id tells files apart.
func (l loader) open(nameOrPath, dir, label string) (src *source, id string, err error) {
	if !isPath(nameOrPath) {
		if strings.HasPrefix(nameOrPath, "_") && !strings.HasPrefix(label, "shipped ") {
			return nil, "", unknownProfile(nameOrPath)
		}
		data, err := shipped.ReadFile("data/" + nameOrPath + ".yaml")
		if err != nil {
			return nil, "", unknownProfile(nameOrPath)
		}
		return &source{label: "shipped profile " + nameOrPath, data: data}, "shipped " + nameOrPath, nil
	}
	path, shown := nameOrPath, nameOrPath
	if !filepath.IsAbs(path) {
		path, shown = filepath.Join(dir, path), filepath.Join(filepath.Dir(label), path)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, "", fault.New(fault.Input, "profile %s", shown).Wrap(err)
	}
	data, err := l.read(path)
	if err != nil {
		f := fault.New(fault.Input, "profile %s cannot be read", shown)
		var perr *fs.PathError
		if errors.As(err, &perr) {
			err = perr.Err
		}
		f.Because("%v", err)
		if errors.Is(err, fs.ErrNotExist) {
			f.Try("name an existing YAML file, or one of the shipped profiles: %s", strings.Join(Names(), ", "))
		}
		return nil, "", f
	}
	return &source{label: shown, dir: filepath.Dir(path), data: data}, path, nil
}

func unknownProfile(name string) *fault.Error {
	f := fault.New(fault.Input, "unknown profile %s", quote(name)).
		Because("the shipped profiles are %s", strings.Join(Names(), ", "))
	return f.Try("use %s, or the path of a YAML file (with a slash, or ending in .yaml, .yml or .json)", nearest(name, Names()))
}

// readFile reads a regular file, a little beyond the limit at most.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}
