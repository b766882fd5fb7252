package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// farmPrefix begins the name of the folder of a chroot run, which holds a lock
// on it.
const farmPrefix = ".wheelwright-run-"

// farm is a root made of links to the files of another: its folders are its
// own, its files are the other's and belong to who owns those.
type farm struct {
	dir  string
	lock *os.File
}

// makeFarm makes the folder beside root, for links reach no other file system;
// else among temporary files, and the files are copied.
func makeFarm(root string) (farm, error) {
	if filepath.Clean(root) == "/" {
		return farm{}, errors.New("the host's own root is not copied")
	}
	var first error
	for _, base := range []string{filepath.Dir(filepath.Clean(root)), os.TempDir()} {
		sweepFarms(base)
		dir, err := os.MkdirTemp(base, farmPrefix)
		if err != nil {
			first = errors.Join(first, err)
			continue
		}
		f := farm{dir: dir}
		if f.lock, err = os.Open(dir); err == nil {
			err = unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		}
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err == nil {
			return f, nil
		}
		first = errors.Join(first, err)
	}
	return farm{}, first
}

// sweepFarms removes the folders of runs that were killed with their helpers.
func sweepFarms(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, farmPrefix+"*"))
	for _, dir := range dirs {
		f, err := os.Open(dir)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		f.Close()
	}
}

func (f farm) remove() {
	os.RemoveAll(f.dir)
	if f.lock != nil {
		f.lock.Close()
	}
}

// link puts the tree from at a place of the farm.
func (f farm) link(from, at string) error {
	var top unix.Stat_t
	if err := unix.Stat(from, &top); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), farmPrefix) {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		to := filepath.Join(f.dir, at, rel)
		s, err := e.Info()
		if err != nil {
			return err
		}
		if d, ok := s.Sys().(*syscall.Stat_t); ok && e.IsDir() && d.Dev != top.Dev {
			return fs.SkipDir // what is mounted there is not of this tree
		}
		switch {
		case e.IsDir():
			if err := os.Mkdir(to, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			// Not writable for the command, whatever the image says; it owns none.
			return os.Chmod(to, s.Mode().Perm()&^0o022|0o500)
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		case e.Type().IsRegular():
			return linkFile(name, to, s)
		}
		return nil // no device, socket or pipe comes with an image
	})
}

// linkFile links a file, or copies it where a link would let the command write
// to it, or none is possible.
func linkFile(from, to string, s fs.FileInfo) error {
	if s.Mode().Perm()&0o002 == 0 && os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, s.Mode().Perm()&^0o022)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// folders makes the missing folders of a path of the farm. A link on the way
// is refused: it could lead out of it.
func (f farm) folders(at string) error {
	dir := f.dir
	for c := range strings.SplitSeq(path.Clean(at), "/") {
		if c == "" {
			continue
		}
		dir = filepath.Join(dir, c)
		s, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.Mkdir(dir, 0o755)
		} else if err == nil && !s.IsDir() {
			err = fmt.Errorf("%s is no folder in the root", strings.TrimPrefix(dir, f.dir))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// empty makes a folder of the farm that holds nothing of the root.
func (f farm) empty(at string) (string, error) {
	if err := f.folders(path.Dir(path.Clean(at))); err != nil {
		return "", err
	}
	dir := filepath.Join(f.dir, at)
	if s, err := os.Lstat(dir); err == nil && s.Mode()&fs.ModeSymlink != 0 {
		return dir, errors.New("is a symbolic link in the root")
	}
	if err := os.RemoveAll(dir); err != nil {
		return dir, err
	}
	return dir, os.Mkdir(dir, 0o755)
}
