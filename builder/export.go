package builder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wheelwright/atomicfile"
	"wheelwright/fault"
	"wheelwright/wheelhouse/index"
)

// ExportFormats are what Export writes.
func ExportFormats() []string { return []string{"requirements-txt", "pylock"} }

// Export is the lock in another form, made to lie at path; an empty path is
// the working directory. Where path is not empty the file is written.
func (s *Standing) Export(format, path string) ([]byte, error) {
	dir, err := os.Getwd()
	if err == nil && path != "" {
		path, err = filepath.Abs(path)
		dir = filepath.Dir(path)
	}
	if err != nil {
		return nil, err
	}
	l := s.Lock.Moved(filepath.Dir(s.Path), dir)
	var text []byte
	switch format {
	case "requirements-txt", "requirements.txt":
		byDefault, _ := index.WellKnown(index.DefaultName)
		if text, err = l.Requirements(byDefault); err != nil {
			return nil, err
		}
	case "pylock", "pylock.toml":
		text = l.Plain().Marshal()
	default:
		return nil, fault.New(fault.Input, "--format %q is not known", format).Try("one of: %s", strings.Join(ExportFormats(), ", "))
	}
	if path == "" {
		return text, nil
	}
	if isFolder(path) {
		return nil, fault.New(fault.Input, "export to %s", path).Because("it is a folder").
			Try("name the file: --output %s", filepath.Join(path, "requirements.txt"))
	}
	if path == s.Path {
		return nil, fault.New(fault.Input, "--output %s is the lock itself", path).Try("another name for the file")
	}
	switch err := atomicfile.Write(path, text); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Input, "export to %s: there is no folder %s", path, dir).Try("mkdir -p %s", dir)
	case err != nil:
		return nil, fault.New(fault.Input, "export to %s", path).Wrap(err)
	}
	return text, nil
}
