package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"wheelwright/fault"
)

// Account is a user of a root.
type Account struct {
	UID, GID int
	Name     string // empty: the root has no such user
	Home     string // empty likewise
}

const maxAccounts = 1 << 20 // bytes of /etc/passwd and of /etc/group that are read

// Account finds a user as a configuration or a command line names one: UID,
// NAME, or either with :GID or :GROUP; empty is root. An id need not be in the
// root: its group is then root's.
func (r *Root) Account(user string) (Account, error) {
	if user == "" {
		user = "0"
	}
	who, group, both := strings.Cut(user, ":")
	var a Account
	var err error
	if line := find(r.lines("etc/passwd", 7), who); line != nil {
		a.Name, a.Home = line[0], line[5]
		a.UID, _ = strconv.Atoi(line[2]) // find took only numbers
		a.GID, _ = id(line[3])
	} else if a.UID, err = id(who); err != nil {
		return a, fault.New(fault.Input, "user %q: the image has no user %s", user, who).
			Because("a name must be in its /etc/passwd, and an id is a number from 0 to 2147483646").Try("give numbers: 10001:0")
	}
	if !both {
		return a, nil
	}
	if line := find(r.lines("etc/group", 3), group); line != nil {
		a.GID, _ = strconv.Atoi(line[2])
	} else if a.GID, err = id(group); err != nil {
		return a, fault.New(fault.Input, "user %q: the image has no group %s", user, group).
			Because("a name must be in its /etc/group, and an id is a number from 0 to 2147483646").Try("give numbers: 10001:0")
	}
	return a, nil
}

// find is the line of an id or a name; one whose id is no number is none.
func find(lines [][]string, who string) []string {
	wanted, notNumber := id(who)
	for _, line := range lines {
		n, err := id(line[2])
		if err == nil && (notNumber == nil && n == wanted || notNumber != nil && line[0] == who) {
			return line
		}
	}
	return nil
}

func id(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err == nil && (n < 0 || n == 1<<31-1) {
		err = strconv.ErrRange
	}
	return int(n), err
}

// lines are the lines of a file of the root with at least so many fields; none
// where it cannot be read. No link of the root leads out of it.
func (r *Root) lines(file string, fields int) (out [][]string) {
	root, err := os.OpenRoot(r.Path)
	if err != nil {
		return nil
	}
	defer root.Close()
	f, err := root.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAccounts))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimRight(line, "\r\n"), ":"); len(f) >= fields && f[0] != "" {
			out = append(out, f)
		}
	}
	return out
}

// Empty says whether the folder at p, absolute, is there and has nothing in it.
func (r *Root) Empty(p string) bool {
	list, there := r.names(p)
	return there && len(list) == 0
}

// Bare says whether nothing of the image is hidden where another folder is put
// over p, absolute: it is not there, or has nothing but settings of a shell in
// it.
func (r *Root) Bare(p string) bool {
	list, _ := r.names(p)
	return !slices.ContainsFunc(list, func(name string) bool { return name == "" || name[0] != '.' })
}

// names lists a folder; of what is no folder it gives one empty name.
func (r *Root) names(p string) (list []string, there bool) {
	root, err := os.OpenRoot(r.Path)
	if err != nil {
		return []string{""}, true
	}
	defer root.Close()
	f, err := root.Open(strings.TrimPrefix(path.Clean("/"+p), "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if err == nil {
		defer f.Close()
		list, err = f.Readdirnames(-1)
	}
	if err != nil {
		return []string{""}, true
	}
	return list, true
}
