package builder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"wheelwright/fault"
	"wheelwright/profiles"
	"wheelwright/solver/lock"
)

// LockRef is how the command line names a lock that stands: by its profile or
// by itself. Exactly one of Profile and File is set.
type LockRef struct {
	Profile string // name of a shipped profile, or a path
	File    string // the lock file; or NAME, which is ./pylock.NAME.toml where no file NAME is
	Python  string // X.Y, as lock --python was given
}

// Standing is a lock as it stands.
type Standing struct {
	Path    string // absolute
	Lock    lock.Lock
	Profile *profiles.Profile // whose lock it is; nil where that cannot be told
	Edited  bool              // Profile is not, or no longer, what the lock was written from

	name string // as the user wrote it, for the commands told
}

// OpenLock reads the lock that r names. It opens no socket and writes nothing.
func OpenLock(r LockRef) (*Standing, error) {
	if r.Profile != "" {
		return openProfileLock(r)
	}
	file, next := r.File, "wheelwright lock --profile NAME --output "+r.File
	switch {
	case byName(r.File) && r.Python != "" && !pythonForm.MatchString(r.Python):
		return nil, fault.New(fault.Input, "--python %q is no version of Python", r.Python).Try("X.Y, as lock was given it")
	case byName(r.File):
		file, next = lockName(r.File, r.Python), nextFor(r)
	case r.Python != "":
		return nil, fault.New(fault.Input, "--python %s and the lock %s exclude each other", r.Python, r.File).
			Because("--python chooses among the locks of one profile").Try("leave --python out, or name the profile")
	}
	s, err := openLock(file, next)
	if err != nil {
		return nil, err
	}
	s.name = r.words()
	s.Profile, s.Edited = writer(s)
	return s, nil
}

// words are what the user wrote to name the lock.
func (r LockRef) words() string {
	text := r.File
	if r.Profile != "" {
		text = "--profile " + r.Profile
	}
	if r.Python != "" {
		text += " --python " + r.Python
	}
	return text
}

func openProfileLock(r LockRef) (*Standing, error) {
	p, err := profiles.Load(r.Profile)
	if err != nil {
		return nil, err
	}
	if r.Python != "" {
		if p, err = p.WithPython(r.Python); err != nil {
			return nil, err
		}
	}
	s, err := openLock(lockName(p.Name, r.Python), "wheelwright lock "+r.words())
	if err != nil {
		return nil, err
	}
	s.Profile, s.Edited, s.name = &p, s.Lock.ProfileDigest != p.Digest(), r.words()
	return s, nil
}

func openLock(path, next string) (*Standing, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l, _, err := readLock(path)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, noLock(path, next)
	}
	return &Standing{Path: path, Lock: *l}, nil
}

// buildName is what the files of a profile's build are called; python is X.Y or
// X.Y.Z where it was given, or empty.
func buildName(profile, python string) string {
	if parts := strings.Split(python, "."); len(parts) >= 2 {
		profile += "-py" + parts[0] + parts[1]
	}
	return profile
}

// lockName is the file name of the lock of such a build.
func lockName(profile, python string) string {
	return "pylock." + buildName(profile, python) + ".toml"
}

var (
	profileName = regexp.MustCompile(`^[a-z0-9_-]{1,100}$`)
	pythonForm  = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3})?$`)
)

// byName says whether a word names a profile and no file: a folder of that
// name, such as an image's, stands in nobody's way.
func byName(word string) bool {
	if !profileName.MatchString(word) {
		return false
	}
	_, err := os.Stat(word)
	return errors.Is(err, fs.ErrNotExist) || isFolder(word)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// nextFor is what to do where the lock named by r.File does not stand: write
// it, or name one that does.
func nextFor(r LockRef) string {
	profile := "NAME"
	if _, err := profiles.Load(r.File); err == nil {
		profile = r.File
	} else if file := "./" + r.File + ".yaml"; isFile(file) {
		profile = file
	} else if near := profiles.Near(r.File, standing()); near != "" {
		return "use " + near
	} else if near := profiles.Near(r.File, profiles.Names()); near != "" {
		profile = near
	}
	return "wheelwright lock " + LockRef{Profile: profile, Python: r.Python}.words()
}

// standing are the names by which locks of the working directory can be asked for.
func standing() []string {
	var names []string
	for _, file := range lockFiles() {
		if name := strings.TrimSuffix(strings.TrimPrefix(file, "pylock."), ".toml"); profileName.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// writer is the profile that a lock was written from, where it is found: the
// shipped one, or the YAML file of its name beside the lock or in the working
// directory. The digest decides; where none has it, the first of that name
// stands for it, and edited is true.
func writer(s *Standing) (found *profiles.Profile, edited bool) {
	name := s.Lock.Profile
	if s.Lock.ProfileDigest == "" || !profileName.MatchString(name) {
		return nil, false
	}
	for _, candidate := range []string{name, filepath.Join(filepath.Dir(s.Path), name+".yaml"), "./" + name + ".yaml"} {
		if candidate != name && !isFile(candidate) {
			continue
		}
		p, err := profiles.Load(candidate)
		if err != nil || p.Name != name {
			continue
		}
		if p.Python != s.Lock.Target.Python { // as lock --python makes it
			if p, err = p.WithPython(s.Lock.Target.Python); err != nil {
				continue
			}
		}
		if p.Digest() == s.Lock.ProfileDigest {
			return &p, false
		}
		if found == nil {
			found = &p
		}
	}
	return found, found != nil
}

// lockFiles are the lock files of the working directory, sorted.
func lockFiles() []string {
	found, _ := filepath.Glob("pylock.*toml") // the pattern is well formed
	return found
}

// NoLockGiven refuses a command that no lock was named for.
func NoLockGiven(command string) error {
	e := fault.New(fault.Input, "no lock given")
	if found := lockFiles(); len(found) > 0 {
		return e.Try("%s %s", command, found[0])
	}
	return e.Try("%s --profile NAME; wheelwright lock --profile NAME writes its lock", command)
}

// unknownPackage answers No to a name that the lock does not hold; command is
// what takes it.
func (s *Standing) unknownPackage(command, name string) error {
	var names []string
	for _, p := range s.Lock.Packages {
		names = append(names, string(p.Name))
	}
	e := fault.New(fault.No, "%s holds no %s", filepath.Base(s.Path), name)
	if near := profiles.Near(name, names); near != "" {
		return e.Try("%s %s", command, near)
	}
	return e.Try("one of its %s: wheelwright tree %s lists them", distributions(len(names)), s.name)
}
