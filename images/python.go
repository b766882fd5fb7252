package images

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// ground is the base as the layers above it need to know it.
type ground struct {
	*survey
	ref    string
	python string            // folder of python X.Y: "/usr/bin"
	prefix string            // of the environment, without leading slash
	added  map[string]folder // that the environment's layer has besides: home and working folder
}

// ground looks through the base's layers for python X.Y, for what stands in
// the environment's place, and for what files of the image's own would meet.
// It refuses a base without the one or where the other cannot be, or that lacks
// the image's user; what it gives does not change any more. A scratch base has
// no Python: /usr/bin is where one is expected to be mounted or added.
func (b *Base) ground(ctx context.Context, s *Spec, layers []*blob) (*ground, error) {
	g := &ground{ref: b.Ref, python: "/usr/bin", prefix: strings.TrimPrefix(s.Scheme.Prefix, "/")}
	g.survey = &survey{Folders: map[string]folder{}, Links: map[string]string{}}
	if b.kind != baseScratch && (b.kind != baseDebian || s.meetsBase()) {
		var err error
		if g.survey, err = lookThrough(ctx, layers, s.Scheme.Prefix, s.CacheDir); err != nil {
			return nil, err
		}
	}
	if g.Taken != "" {
		return nil, fault.New(fault.Unsatisfiable, "base %s already has files below %s", b.Ref, s.Scheme.Prefix).
			Because("there is /%s, and two environments in one folder would mix", g.Taken).
			Try("set image.prefix to another folder, or image.base to what that base was built on")
	}
	if err := g.checkPrefix(); err != nil {
		return nil, err
	}
	if b.kind == baseLayout || b.kind == baseRegistry {
		if err := g.findPython(s.Scheme.Python, b.config.Config.Env); err != nil {
			return nil, err
		}
	}
	g.settle(s.Scheme)
	own, _, err := g.environmentEntries(s, s.Scheme.Python, b.user())
	if err != nil {
		return nil, err
	}
	g.added = map[string]folder{}
	for _, e := range own {
		if _, have := g.Folders[e.Path]; !have && e.Mode.IsDir() {
			g.added[e.Path] = folder{e.Mode &^ fs.ModeDir, e.UID, e.GID}
		}
	}
	return g, nil
}

// meetsBase says whether anything of the image depends on which files a Debian
// base has; its layers are read only then.
func (s *Spec) meetsBase() bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(s.Scheme.Prefix, "/"), "/")
	return s.User != "" || s.Workdir != "" || len(s.Files) > 0 || top != "opt" && top != "srv"
}

// checkPrefix refuses a prefix below a folder that the layers of wheels would
// change: they are the same on every base, and hold the folders above their
// files as root's, with mode 0755.
func (g *ground) checkPrefix() error {
	for dir := path.Dir(g.prefix); dir != "."; dir = path.Dir(dir) {
		why := ""
		if f, have := g.Folders[dir]; have && f != (folder{Mode: 0o755}) {
			why = "a folder with a mode or an owner of its own"
		}
		if _, is := g.Links[dir]; is {
			why = "a symbolic link"
		}
		if why != "" {
			return fault.New(fault.Unsatisfiable, "image.prefix /%s: in base %s, /%s is %s", g.prefix, g.ref, dir, why).
				Because("the layers of wheels would make it a folder of root's with mode 0755").
				Try("set image.prefix to another folder, such as /opt/env")
		}
	}
	return nil
}

// findPython finds the first folder of the base's PATH that holds pythonX.Y.
func (g *ground) findPython(python string, env []string) error {
	dirs := strings.Split(defaultPath, ":")
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			dirs = strings.Split(value, ":")
		}
	}
	i := slices.IndexFunc(dirs, func(d string) bool {
		return path.IsAbs(d) && slices.Contains(g.Pythons, path.Join(g.locate(strings.TrimPrefix(d, "/")), "python"+python))
	})
	if i < 0 {
		e := fault.New(fault.Unsatisfiable, "base %s has no python %s", g.ref, python).
			Because("none of %s, its PATH, holds python%s", strings.Join(dirs, ", "), python)
		if len(g.Pythons) > 0 {
			e.Because("it has /%s", strings.Join(g.Pythons[:min(len(g.Pythons), 4)], ", /"))
		}
		return e.Try("%s", otherBase(python))
	}
	g.python = path.Clean(dirs[i])
	return nil
}

// settle adds what the environment puts there.
func (g *ground) settle(s spread.Scheme) {
	for _, p := range []string{g.prefix, g.prefix + "/bin", g.prefix + "/lib/python" + s.Python + "/site-packages"} {
		for ; p != "." && !g.isFolder(p); p = path.Dir(p) {
			g.Folders[p] = folder{Mode: 0o755}
		}
	}
	for _, e := range spread.Venv(s, g.python, s.Python) {
		if e.Link != "" {
			g.Links[e.Path] = e.Link
		}
	}
}

// locate follows the links on the way to a folder.
func (g *ground) locate(dir string) string {
	return follow(dir, func(p string) (string, bool) {
		target, is := g.Links[p]
		return target, is
	})
}

func (g *ground) isFolder(p string) bool { _, have := g.folder(p); return p == "" || have }

// folder is a folder as the layers up to the environment's leave it.
func (g *ground) folder(p string) (folder, bool) {
	f, have := g.Folders[p]
	if !have {
		f, have = g.added[p]
	}
	return f, have
}

// above are the folders on the way to p as they are, so that a layer with p in
// it changes nothing of them.
func (g *ground) above(p string) []layer.Entry {
	var out []layer.Entry
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if f, have := g.folder(dir); have {
			out = append(out, f.entry(dir))
		}
	}
	return out
}

// entry is the folder as an entry of a layer.
func (f folder) entry(p string) layer.Entry {
	e := layer.Dir(p, f.Mode)
	e.UID, e.GID = f.UID, f.GID
	return e
}

// user is the base's own, as its configuration has it.
func (b *Base) user() string {
	if b.config == nil {
		return ""
	}
	return b.config.Config.User
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
