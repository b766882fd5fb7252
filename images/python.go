package images

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/atomicfile"
	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// survey is what an environment needs to know of the base it stands on.
type survey struct {
	Home  string `json:"home"`  // folder of python X.Y; empty: none is there
	Taken string `json:"taken"` // a file below the prefix; empty: the place is free
}

// survey looks through the base for python X.Y and for what stands in the
// environment's place, and refuses a base without the one or with the other.
// A scratch base has no Python: /usr/bin is where one is expected to be
// mounted or added. What an image holds is kept in the cache: reading it
// through takes as long as unpacking it.
func (b *Base) survey(ctx context.Context, s spread.Scheme, cacheDir string) (string, error) {
	if b.kind == baseScratch || b.kind == baseDebian {
		return "/usr/bin", nil
	}
	dirs := strings.Split(defaultPath, ":")
	for _, kv := range b.config.Config.Env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			dirs = strings.Split(value, ":")
		}
	}
	parts := append([]string{s.Prefix, s.Python}, dirs...)
	for _, l := range b.layers {
		parts = append(parts, l.digest.String())
	}
	kept := filepath.Join(cacheDir, "base", "survey-"+string(layer.NewKey("survey", parts...))+".json")
	var found survey
	if raw, err := os.ReadFile(kept); err != nil || json.Unmarshal(raw, &found) != nil {
		if found, err = b.look(ctx, dirs, s); err != nil {
			return "", err
		}
		if raw, err = json.Marshal(found); err != nil {
			return "", err
		}
		if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
			return "", err
		}
		if err := atomicfile.Write(kept, raw); err != nil {
			return "", err
		}
	}
	switch {
	case found.Taken != "":
		return "", fault.New(fault.Unsatisfiable, "base %s already has files below %s", b.Ref, s.Prefix).
			Because("there is %s, and two environments in one folder would mix", found.Taken).
			Try("set image.prefix to another folder, or image.base to what that base was built on")
	case found.Home == "":
		return "", fault.New(fault.Unsatisfiable, "base %s has no python %s", b.Ref, s.Python).
			Because("none of %s holds python%s", strings.Join(dirs, ", "), s.Python).Try("%s", otherBase(s.Python))
	}
	return found.Home, nil
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

// look reads the headers of the base's layers for the first of the folders
// that holds pythonX.Y, and for a file below the prefix. Deletions by upper
// layers are honoured.
func (b *Base) look(ctx context.Context, dirs []string, s spread.Scheme) (survey, error) {
	python := "python" + s.Python
	below := func(p string) bool { return strings.HasPrefix(p, s.Prefix+"/") || p == s.Prefix }
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
			case (file == python || below(p)) && h.Typeflag != tar.TypeDir:
				have[p] = true
			}
		}); err != nil {
			return survey{}, fault.New(fault.Integrity, "base layer %s", l.digest).Wrap(err)
		}
	}
	var found survey
	for _, p := range slices.Sorted(maps.Keys(have)) {
		if below(p) {
			found.Taken = p
			break
		}
	}
	if i := slices.IndexFunc(dirs, func(d string) bool { return have[path.Join("/", d, python)] }); i >= 0 {
		found.Home = path.Clean(dirs[i])
	}
	return found, nil
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
