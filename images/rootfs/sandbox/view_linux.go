package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// view is the root of the command while it is laid out: mounts on a folder of
// a tmpfs that only I sees, and that goes with the old root.
type view struct {
	base string            // that tmpfs
	root string            // the command's root, in base
	made map[string]string // folders of the root in which I may make things, and where it makes them
	own  idPair            // to whom what is made in a writable folder belongs
	skel int
}

const (
	links   = 40   // symbolic links that one path may pass, as of path_resolution(7)
	entries = 4096 // of a folder that is built again
)

// resolve follows path within the root: at is how far it exists, free of
// links, and rest the names that are missing.
func (v *view) resolve(name string) (at string, rest []string, err error) {
	at = "/"
	todo := strings.Split(name, "/")
	for followed := 0; len(todo) > 0; {
		c := todo[0]
		todo = todo[1:]
		switch c {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, c)
		s, err := os.Lstat(v.root + next)
		if errors.Is(err, os.ErrNotExist) {
			for _, r := range todo {
				if r == ".." {
					return "", nil, fmt.Errorf("%s: .. after a folder that is missing", name)
				}
				if r != "" && r != "." {
					rest = append(rest, r)
				}
			}
			return at, append([]string{c}, rest...), nil
		}
		if err != nil {
			return "", nil, err
		}
		if s.Mode()&os.ModeSymlink == 0 {
			at = next
			continue
		}
		if followed++; followed > links {
			return "", nil, fmt.Errorf("%s: too many symbolic links", name)
		}
		target, err := os.Readlink(v.root + next)
		if err != nil {
			return "", nil, err
		}
		if path.IsAbs(target) {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return at, nil, nil
}

// place gives the place in the root, free of links, where something can be
// mounted; what is missing is made, never in Root itself.
func (v *view) place(name string, folder bool) (string, error) {
	at, rest, err := v.resolve(name)
	if err != nil {
		return "", err
	}
	if len(rest) == 0 {
		s, err := os.Lstat(v.root + at)
		if err == nil && s.IsDir() != folder {
			err = fmt.Errorf("%s is %s in the root, and not what is put there", name, kindOf(s))
		}
		return at, err
	}
	if s, err := os.Lstat(v.root + at); err != nil || !s.IsDir() {
		return "", fmt.Errorf("%s: %s is no folder in the root", name, at)
	}
	inside, ok := v.made[at]
	if !ok {
		if inside, err = v.rebuild(at); err != nil {
			return "", fmt.Errorf("making %s: %w", name, err)
		}
	}
	for n, c := range rest {
		inside, at = inside+"/"+c, path.Join(at, c)
		if n == len(rest)-1 && !folder {
			err = os.WriteFile(inside, nil, 0o644)
		} else if err = os.Mkdir(inside, 0o755); err == nil {
			v.made[at] = inside
		}
		if err != nil {
			return "", fmt.Errorf("making %s: %w", name, err)
		}
		os.Lchown(inside, v.own.UID, v.own.GID)
	}
	return at, nil
}

func kindOf(s os.FileInfo) string {
	if s.IsDir() {
		return "a folder"
	}
	return "a file"
}

// rebuild puts a folder of the tmpfs over a folder of the root, with the same
// entries: links copied, everything else mounted. New ones can be made in it.
func (v *view) rebuild(at string) (string, error) {
	list, err := os.ReadDir(v.root + at)
	if err != nil {
		return "", err
	}
	if len(list) > entries {
		return "", fmt.Errorf("%s has more than %d entries: make the missing folder in the root", at, entries)
	}
	v.skel++
	dir := fmt.Sprintf("%s/skeleton%d", v.base, v.skel)
	mode := os.FileMode(0o755)
	if s, err := os.Stat(v.root + at); err == nil {
		mode = s.Mode().Perm()
	}
	if err := os.Mkdir(dir, mode); err != nil {
		return "", err
	}
	for _, e := range list {
		from, to := v.root+path.Join(at, e.Name()), dir+"/"+e.Name()
		switch {
		case e.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(from)
			if err != nil {
				return "", err
			}
			if err := os.Symlink(target, to); err != nil {
				return "", err
			}
			continue
		case e.IsDir():
			err = os.Mkdir(to, 0o755)
		default:
			err = os.WriteFile(to, nil, 0o644)
		}
		if err == nil {
			err = unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	if err := v.over(dir, at); err != nil {
		return "", err
	}
	v.made[at] = dir
	return dir, nil
}

// over mounts a folder or file of base at a place of the root, read-only.
func (v *view) over(from, at string) error {
	if err := unix.Mount(from, v.root+at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return restrict(v.root+at, readOnly, false)
}
