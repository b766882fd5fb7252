package images

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// survey is what an image needs to know of the files of the base it stands on.
// Paths have no leading slash.
type survey struct {
	Pythons []string          `json:"pythons"`          // files named pythonX.Y, and links to a file, sorted
	Taken   string            `json:"taken"`            // a file at the prefix or below; empty: the place is free
	Shell   bool              `json:"shell"`            // there is a bin/sh
	Passwd  *text             `json:"passwd,omitempty"` // etc/passwd; nil: there is none
	Group   *text             `json:"group,omitempty"`  // etc/group
	Folders map[string]folder `json:"folders"`
	Links   map[string]string `json:"links"` // symbolic links and where they lead
}

// folder is a folder of the base.
type folder struct {
	Mode fs.FileMode `json:"mode"` // permissions, set-id and sticky bits
	UID  int         `json:"uid,omitempty"`
	GID  int         `json:"gid,omitempty"`
}

// text is a small file of the base.
type text struct {
	folder        // its own mode and owner
	Odd    string `json:"odd,omitempty"` // why its text is not known: "a symbolic link"
	Text   []byte `json:"text,omitempty"`
}

// lookThrough reads the layers for what survey keeps. It is kept in the cache:
// reading a base through takes as long as unpacking it.
func lookThrough(ctx context.Context, layers []*blob, prefix, cacheDir string) (*survey, error) {
	parts := []string{prefix}
	for _, l := range layers {
		parts = append(parts, l.digest.String())
	}
	kept := filepath.Join(cacheDir, "base", "files-"+string(layer.NewKey("files of a base, 2", parts...))+".json")
	return remembered(kept, func() (*survey, error) { return look(ctx, layers, prefix) })
}

// look reads the layers through.
func look(ctx context.Context, layers []*blob, prefix string) (*survey, error) {
	u := union{nodes: map[string]*node{}, prefix: strings.TrimPrefix(prefix, "/")}
	if err := u.addAll(ctx, layers); err != nil {
		return nil, err
	}
	return u.survey(), nil
}

// addAll lays the layers one over the other.
func (u *union) addAll(ctx context.Context, layers []*blob) error {
	for _, l := range layers {
		if err := u.add(ctx, l); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if _, told := errors.AsType[*fault.Error](err); told { // it could not be brought
				return fmt.Errorf("base layer %s: %w", l.digest, err)
			}
			return fault.New(fault.Integrity, "base layer %s", l.digest).Wrap(err).Try("%s", copyAgain)
		}
	}
	return nil
}

// dangles says whether a link leads nowhere, as far as that is known: of the
// files that are no links only those that matter are kept.
func (u *union) dangles(p string) bool {
	for range maxHops {
		n := u.nodes[p]
		if n == nil {
			up := u.nodes[path.Dir(p)]
			return u.matters(p) || up == nil || up.kind != tar.TypeDir
		}
		if n.kind != tar.TypeSymlink {
			return n.kind == tar.TypeDir
		}
		if p = path.Join(path.Dir(p), n.link); strings.HasPrefix(n.link, "/") {
			p = n.link
		}
		p = path.Clean("/" + p)[1:]
		dir, file := path.Split(p)
		p = path.Join(u.locate(strings.TrimSuffix(dir, "/")), file)
	}
	return true
}

// survey is what is seen once every layer is added.
func (u *union) survey() *survey {
	s := &survey{Folders: map[string]folder{}, Links: map[string]string{}}
	for _, p := range slices.Sorted(maps.Keys(u.nodes)) {
		n := u.nodes[p]
		switch n.kind {
		case tar.TypeDir:
			s.Folders[p] = n.folder
			continue
		case tar.TypeSymlink:
			s.Links[p] = n.link
		}
		if s.Taken == "" && (p == u.prefix || strings.HasPrefix(p, u.prefix+"/")) {
			s.Taken = p
		}
		if pythonName.MatchString(path.Base(p)) && !u.dangles(p) {
			s.Pythons = append(s.Pythons, p)
		}
		switch p {
		case "bin/sh", "usr/bin/sh":
			s.Shell = true
		case "etc/passwd":
			s.Passwd = &n.text
		case "etc/group":
			s.Group = &n.text
		}
	}
	return s
}
