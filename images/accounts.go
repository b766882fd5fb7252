package images

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"wheelwright/images/layer"
)

// accounts is a passwd(5) or group(5) file.
type accounts struct {
	folder  // its mode and owner
	text    []byte
	entries []entry
	colons  int // that a line has at least
	changed bool
}

// entry is a line of it.
type entry struct {
	name string
	id   int
	gid  int    // of a user
	home string // of a user
}

// newAccounts reads a file of the base; where there is none, one with the line
// of root begins. Lines with fewer colons, and those of network services, are
// no accounts; they stay as they are.
func newAccounts(from *text, colons int, root string) *accounts {
	a := &accounts{folder: folder{Mode: 0o644}, colons: colons}
	if from == nil {
		a.add("%s", root)
		return a
	}
	a.folder, a.text = from.folder, bytes.Clone(from.Text)
	for line := range strings.Lines(string(from.Text)) {
		a.read(line)
	}
	return a
}

func (a *accounts) read(line string) {
	f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
	if len(f) <= a.colons || f[0] == "" || strings.ContainsAny(f[0][:1], "+-#") {
		return
	}
	e := entry{name: f[0]}
	var err1, err2 error
	e.id, err1 = strconv.Atoi(f[2])
	if a.colons > 2 {
		e.gid, err2 = strconv.Atoi(f[3])
	}
	if len(f) > 5 {
		e.home = f[5]
	}
	if err1 == nil && err2 == nil && e.id >= 0 && e.gid >= 0 {
		a.entries = append(a.entries, e)
	}
}

// add puts a line at the end.
func (a *accounts) add(format string, args ...any) {
	if n := len(a.text); n > 0 && a.text[n-1] != '\n' {
		a.text = append(a.text, '\n')
	}
	line := fmt.Sprintf(format, args...) + "\n"
	a.text = append(a.text, line...)
	a.changed = true
	a.read(line)
}

// entry is the file as an entry of a layer.
func (a *accounts) entry(p string) layer.Entry {
	e := layer.Literal(p, a.Mode, a.text)
	e.UID, e.GID = a.UID, a.GID
	e.Mode |= a.Mode & (fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	return e
}

// free is name, or name with the first number that no account has.
func free(name string, taken []entry) string {
	for n := 2; ; n++ {
		next := name
		if n > 2 {
			next += strconv.Itoa(n - 1)
		}
		if !slices.ContainsFunc(taken, func(e entry) bool { return e.name == next }) {
			return next
		}
	}
}
