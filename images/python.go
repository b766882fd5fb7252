package images

import (
	"archive/tar"
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"wheelwright/fault"
)

// pythonHome is the folder of the base's python X.Y, for pyvenv.cfg. A
// scratch base has none: /usr/bin is where one is expected to be mounted or
// added.
func (b *Base) pythonHome(ctx context.Context, python string) (string, error) {
	if b.kind == baseScratch || b.kind == baseDebian {
		return "/usr/bin", nil
	}
	dirs := strings.Split(defaultPath, ":")
	for _, kv := range b.config.Config.Env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			dirs = strings.Split(value, ":")
		}
	}
	found, err := b.findFile(ctx, dirs, "python"+python)
	if err != nil || found != "" {
		return found, err
	}
	return "", fault.New(fault.Unsatisfiable, "base %s has no python %s", b.Ref, python).
		Because("none of %s holds python%s", strings.Join(dirs, ", "), python).Try("%s", otherBase(python))
}

// pythonVersion is the full version of the base's python X.Y where the base
// says it (Debian: the upstream part of the package's version), else X.Y.
func (b *Base) pythonVersion(python string) string {
	for _, d := range b.Debs {
		if d.Name == "python"+python+"-minimal" {
			upstream, _, _ := strings.Cut(d.Version, "-")
			return upstream
		}
	}
	return python
}

// findFile gives the first of the folders that holds a file of the name in
// the base's layers, "" for none. Deletions by upper layers are honoured.
func (b *Base) findFile(ctx context.Context, dirs []string, name string) (string, error) {
	have := map[string]bool{}
	for _, l := range b.layers {
		if err := eachHeader(ctx, l, func(h *tar.Header) {
			p := path.Clean("/" + h.Name)
			dir, file := path.Split(p)
			switch {
			case file == ".wh..wh..opq":
				for old := range have {
					if strings.HasPrefix(old, dir) {
						delete(have, old)
					}
				}
			case strings.HasPrefix(file, ".wh."):
				gone := dir + strings.TrimPrefix(file, ".wh.")
				for old := range have {
					if old == gone || strings.HasPrefix(old, gone+"/") {
						delete(have, old)
					}
				}
			case file == name && h.Typeflag != tar.TypeDir:
				have[p] = true
			}
		}); err != nil {
			return "", fault.New(fault.Integrity, "base layer %s", l.digest).Wrap(err)
		}
	}
	i := slices.IndexFunc(dirs, func(d string) bool { return have[path.Join("/", d, name)] })
	if i < 0 {
		return "", nil
	}
	return path.Clean(dirs[i]), nil
}

// eachHeader calls f for every entry of a layer.
func eachHeader(ctx context.Context, l *blob, f func(*tar.Header)) error {
	r, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer r.Close()
	t := tar.NewReader(contextReader{ctx, r})
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		f(h)
	}
}
