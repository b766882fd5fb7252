package images

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// Account is whom the image runs as.
type Account struct {
	User string // "UID:GID" of the configuration; empty: the base's own
	Name string // for USER
	Home string // for HOME; empty: the runtime looks it up in /etc/passwd
}

const (
	ownName = "wheelwright" // of a user that nobody named
	noShell = "/sbin/nologin"
)

// account finds out whom the image runs as, and gives the files for it:
// /etc/passwd and /etc/group where the base's lack a line, and the home folder
// of a user that is added. Names must be in the base.
//
// Without image.user the base's user stays and no file changes. USER is given
// even then: Python's getpass asks the environment before /etc/passwd, and
// raises for an id that has no line there, as in `docker run --user 12345`.
// HOME is not: the runtime knows better whose it is.
func (g *ground) account(s *Spec, baseUser string) (Account, []layer.Entry, error) {
	if s.User == "" {
		return Account{Name: g.loginName(baseUser)}, nil, nil
	}
	for _, f := range []struct {
		path string
		*text
	}{{"etc/passwd", g.Passwd}, {"etc/group", g.Group}} {
		why := ""
		if f.text != nil {
			why = f.Odd
		}
		if _, is := g.Links[path.Dir(f.path)]; is {
			why = "below a symbolic link"
		}
		if why != "" {
			return Account{}, nil, fault.New(fault.Unsatisfiable, "image.user %q: base %s has a /%s that is %s", s.User, g.ref, f.path, why).
				Because("a line for the user cannot be added there").Try("leave image.user out, or take another base")
		}
	}
	passwd, group := newAccounts(g.Passwd, 3, "root:x:0:0:root:/root:"+g.shell()), newAccounts(g.Group, 2, "root:x:0:")
	userText, groupText, both := strings.Cut(s.User, ":")
	user, known, err := g.pick(s.User, "user", userText, passwd.entries)
	if err != nil {
		return Account{}, nil, err
	}
	gid := user.gid
	if both {
		e, _, err := g.pick(s.User, "group", groupText, group.entries)
		if err != nil {
			return Account{}, nil, err
		}
		gid = e.id
	}
	var out []layer.Entry
	if !known {
		user.name, user.home = free(ownName, passwd.entries), home(s)
		passwd.add("%s:x:%d:%d::%s:%s", user.name, user.id, gid, user.home, g.shell())
	}
	if !known || g.Passwd == nil {
		out = append(out, g.newFolder(user.home, user.id, gid)...)
	}
	if !slices.ContainsFunc(group.entries, func(e entry) bool { return e.id == gid }) {
		group.add("%s:x:%d:", free(ownName, group.entries), gid)
	}
	if passwd.changed {
		out = append(append(out, g.above("etc/passwd")...), passwd.entry("etc/passwd"))
	}
	if group.changed {
		out = append(append(out, g.above("etc/group")...), group.entry("etc/group"))
	}
	return Account{User: fmt.Sprintf("%d:%d", user.id, gid), Name: user.name, Home: cmp.Or(user.home, "/")}, out, nil
}

// pick finds a user or group by id or name. An id need not be there: its
// group is then root's, as for a Dockerfile's USER.
func (g *ground) pick(whole, what, s string, from []entry) (e entry, known bool, err error) {
	id, notNumber := strconv.ParseInt(s, 10, 32)
	for _, e := range from {
		if notNumber == nil && e.id == int(id) || notNumber != nil && e.name == s {
			return e, true, nil
		}
	}
	switch {
	case notNumber == nil && id >= 0 && id < 1<<31-1:
		return entry{id: int(id)}, false, nil
	case notNumber == nil || s == "":
		return entry{}, false, fault.New(fault.Input, "image.user %q", whole).Because("an id is a number from 0 to 2147483646")
	}
	return entry{}, false, fault.New(fault.Input, "image.user %q: base %s has no %s %s", whole, g.ref, what, s).
		Because("a name must be in the base's own /etc/%s", map[string]string{"user": "passwd", "group": "group"}[what]).
		Try(`give numbers: "10001:0"`)
}

// loginName is the name of a configuration's user in the base.
func (g *ground) loginName(user string) string {
	user, _, _ = strings.Cut(user, ":")
	id, err := strconv.Atoi(cmp.Or(user, "0"))
	if err != nil {
		return user
	}
	for _, e := range newAccounts(g.Passwd, 3, "root:x:0:0:root:/root:").entries {
		if e.id == id {
			return e.name
		}
	}
	return ownName
}

// home is the home folder of a user that is added.
func home(s *Spec) string {
	if h := s.Env["HOME"]; path.IsAbs(h) && path.Clean(h) == h && !strings.ContainsAny(h, ":\r\n") && !strings.Contains(h, "/.wh.") {
		return h
	}
	return "/home/" + ownName
}

// newFolder makes the folder p for a user where the base has nothing there.
func (g *ground) newFolder(p string, uid, gid int) []layer.Entry {
	p = strings.TrimPrefix(p, "/")
	if p = path.Join(g.locate(path.Dir(p)), path.Base(p)); p == "." || g.Links[p] != "" {
		return nil
	}
	if _, have := g.Folders[p]; have {
		return nil
	}
	return append(g.above(p), folder{0o755, uid, gid}.entry(p))
}

func (g *ground) shell() string {
	if g.Shell {
		return "/bin/sh"
	}
	return noShell
}

// environmentEntries are the files of the environment's own layer: the virtual
// environment, the lines and the home of the image's user, and its working
// folder, where the base has none.
func (g *ground) environmentEntries(s *Spec, pythonFull, baseUser string) ([]layer.Entry, Account, error) {
	who, out, err := g.account(s, baseUser)
	if err != nil {
		return nil, who, err
	}
	if s.Workdir != "" {
		uid, gid := 0, 0
		fmt.Sscanf(who.User, "%d:%d", &uid, &gid)
		out = append(out, g.newFolder(s.Workdir, uid, gid)...)
	}
	return append(out, layer.FromSpread(nil, spread.Venv(s.Scheme, g.python, pythonFull))...), who, nil
}
