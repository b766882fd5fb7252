package images

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// listed is what entries hold, without the virtual environment: mode, owner,
// path, and the text of files.
func listed(t *testing.T, entries []layer.Entry) string {
	t.Helper()
	var lines []string
	for _, e := range entries {
		if strings.HasPrefix(e.Path, "opt/") {
			continue
		}
		line := fmt.Sprintf("%v %d:%d %s", e.Mode, e.UID, e.GID, e.Path)
		switch {
		case e.Link != "":
			line += " -> " + e.Link
		case e.Open != nil:
			r, err := e.Open()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(r)
			r.Close()
			if err != nil || int64(len(raw)) != e.Size {
				t.Fatalf("%s: %d bytes of %d, %v", e.Path, len(raw), e.Size, err)
			}
			line += "\n" + string(raw)
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

const debianPasswd = "root:x:0:0:root:/root:/bin/bash\n# a comment:x:7:7::/:\n+nis::10001:::\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" +
	"app:x:1000:50:App:/srv/app:/bin/sh\nwheelwright:x:77:77::/x:\nbroken:x:y:z\nbare:x:5:5" // no line end
const debianGroup = "root:x:0:\nstaff:x:50:app\nnogroup:x:65534:\nwheelwright:x:78:\nwheelwright2:x:79:\n"

func TestUser(t *testing.T) {
	base := func() *blob {
		return tarLayer(t, tar.Header{Name: "etc/passwd", Typeflag: tar.TypeReg, Mode: 0o664, Uname: debianPasswd},
			reg("etc/group", debianGroup), reg("bin/sh", ""), dir("home", 0o711, 3))
	}
	for _, c := range []struct {
		user, env string
		who       Account
		want      string // of the entries
	}{
		{"", "", Account{Name: "root"}, ""},
		{"app", "", Account{"1000:50", "app", "/srv/app"}, ""},
		{"1000", "", Account{"1000:50", "app", "/srv/app"}, ""},
		{"app:0", "", Account{"1000:0", "app", "/srv/app"}, ""},
		{"nobody:staff", "", Account{"65534:50", "nobody", "/nonexistent"}, ""},
		{"0", "", Account{"0:0", "root", "/root"}, ""},
		{"bare", "", Account{"5:5", "bare", "/"}, "group 5"},
		{"10001:0", "", Account{"10001:0", "wheelwright2", "/home/wheelwright"}, "passwd 10001:0::/home/wheelwright home"},
		{"10001", "", Account{"10001:0", "wheelwright2", "/home/wheelwright"}, "passwd 10001:0::/home/wheelwright home"},
		{"10001:staff", "", Account{"10001:50", "wheelwright2", "/home/wheelwright"}, "passwd 10001:50::/home/wheelwright home"},
		{"2147483646:2147483646", "/data", Account{"2147483646:2147483646", "wheelwright2", "/data"}, "passwd 2147483646:2147483646::/data group 2147483646 home"},
		{"10001:0", "/home", Account{"10001:0", "wheelwright2", "/home"}, "passwd 10001:0::/home"}, // the base's own folder stays
		{"10001:0", "/.wh.etc", Account{"10001:0", "wheelwright2", "/home/wheelwright"}, "passwd 10001:0::/home/wheelwright home"},
		{"10001:0", "not/absolute", Account{"10001:0", "wheelwright2", "/home/wheelwright"}, "passwd 10001:0::/home/wheelwright home"},
	} {
		s := &Spec{User: c.user, Env: map[string]string{"HOME": c.env}}
		g := mustGround(t, s, base())
		entries, who, err := g.environmentEntries(s, "3.11.2", "")
		if err != nil {
			t.Errorf("%s: %v", c.user, err)
			continue
		}
		if again, _, err := g.environmentEntries(s, "3.11.2", ""); err != nil || listed(t, again) != listed(t, entries) {
			t.Errorf("%s: asked again:\n%s, %v", c.user, listed(t, again), err)
		}
		if who != c.who {
			t.Errorf("%s: %+v, want %+v", c.user, who, c.who)
		}
		var want []string
		words := strings.Fields(c.want)
		if i := slices.Index(words, "passwd"); i >= 0 {
			want = append(want, "-rw-rw-r-- 0:0 etc/passwd\n"+debianPasswd+"\nwheelwright2:x:"+words[i+1]+":/bin/sh\n", "drwxr-xr-x 0:0 etc")
		}
		if i := slices.Index(words, "group"); i >= 0 {
			want = append(want, "-rw-r--r-- 0:0 etc/group\n"+debianGroup+"wheelwright3:x:"+words[i+1]+":\n", "drwxr-xr-x 0:0 etc")
		}
		if slices.Contains(words, "home") {
			owner := strings.Split(who.User, ":")
			want = append(want, fmt.Sprintf("drwxr-xr-x %s:%s %s", owner[0], owner[1], who.Home[1:]))
			if strings.HasPrefix(who.Home, "/home/") {
				want = append(want, "drwx--x--x 3:0 home")
			}
		}
		slices.Sort(want)
		if got := listed(t, entries); got != strings.Join(slices.Compact(want), "\n") {
			t.Errorf("%s: entries\n%s\nwant\n%s", c.user, got, strings.Join(want, "\n"))
		}
	}
}

// A base without these files gets them, with root in them.
func TestUserOnScratch(t *testing.T) {
	for user, want := range map[string]string{
		"10001:7": "-rw-r--r-- 0:0 etc/group\nroot:x:0:\nwheelwright:x:7:\n\n" +
			"-rw-r--r-- 0:0 etc/passwd\nroot:x:0:0:root:/root:/sbin/nologin\nwheelwright:x:10001:7::/home/wheelwright:/sbin/nologin\n\n" +
			"drwxr-xr-x 10001:7 home/wheelwright",
		"0": "-rw-r--r-- 0:0 etc/group\nroot:x:0:\n\n-rw-r--r-- 0:0 etc/passwd\nroot:x:0:0:root:/root:/sbin/nologin\n\ndrwxr-xr-x 0:0 root",
	} {
		s := scratch(t)
		s.User = user
		g, err := s.Base.ground(t.Context(), &s, nil)
		if err != nil {
			t.Fatal(err)
		}
		entries, _, err := g.environmentEntries(&s, "3.11", "")
		if err != nil {
			t.Fatal(err)
		}
		if got := listed(t, entries); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", user, got, want)
		}
		if _, err := layer.NewRecipe(entries); err != nil {
			t.Error(err)
		}
	}
}

func TestUserRefused(t *testing.T) {
	plain := func() *blob { return tarLayer(t, reg("etc/passwd", debianPasswd), reg("etc/group", debianGroup)) }
	for _, c := range []struct {
		user string
		base *blob
		kind fault.Kind
		says string
	}{
		{"nemo", plain(), fault.Input, `no user nemo`},
		{"app:crew", plain(), fault.Input, `no group crew`},
		{"app:", plain(), fault.Input, "an id is a number"},
		{"-1", plain(), fault.Input, "an id is a number"},
		{"2147483647", plain(), fault.Input, "an id is a number"},
		{"app", tarLayer(t, reg("bin/sh", "")), fault.Input, "no user app"},
		{"10001", tarLayer(t, sym("etc/passwd", "../usr/etc/passwd")), fault.Unsatisfiable, "/etc/passwd that is a symbolic link"},
		{"10001", tarLayer(t, hard("etc/group", "usr/bin/python3.11")), fault.Unsatisfiable, "/etc/group"},
		{"10001", tarLayer(t, reg("etc/passwd", strings.Repeat("#", maxText+1))), fault.Unsatisfiable, "bytes long"},
		{"10001", tarLayer(t, sym("etc", "usr/etc"), reg("etc/passwd", "")), fault.Unsatisfiable, "below a symbolic link"},
	} {
		s := &Spec{User: c.user}
		_, err := groundOf(t, s, c.base)
		if fault.KindOf(err) != c.kind || !strings.Contains(fault.Render(err), c.says) || !strings.Contains(fault.Render(err), c.user) {
			t.Errorf("%s: kind %d, want %d with %q: %v", c.user, fault.KindOf(err), c.kind, c.says, err)
		}
	}
}

// Whom the base runs as has a name for USER, even where no line names it.
func TestLoginName(t *testing.T) {
	g := mustGround(t, &Spec{}, tarLayer(t, reg("etc/passwd", debianPasswd)))
	for user, want := range map[string]string{"": "root", "0:0": "root", "app:staff": "app", "1000": "app", "4321": "wheelwright"} {
		who, entries, err := g.account(&Spec{}, user)
		if err != nil || who != (Account{Name: want}) || entries != nil {
			t.Errorf("%q: %+v with %d entries, %v, want %s", user, who, len(entries), err, want)
		}
	}
}

func TestWorkdir(t *testing.T) {
	s := &Spec{User: "10001:7", Workdir: "/data/here"}
	g := mustGround(t, s, tarLayer(t, dir("data", 0o750, 9)))
	entries, _, err := g.environmentEntries(s, "3.11.2", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := listed(t, entries); !strings.Contains(got, "drwxr-x--- 9:0 data\n") || !strings.Contains(got, "drwxr-xr-x 10001:7 data/here") {
		t.Errorf("%s", got)
	}
	for _, p := range []string{"/data", "/opt/env", "/", "/usr/bin"} { // what is there stays
		s.Workdir = p
		g := mustGround(t, s, tarLayer(t, dir("data", 0o750, 9), reg("etc/passwd", "x:x:10001:7::/:\n"), reg("etc/group", "x:x:7:\n")))
		if entries, _, err = g.environmentEntries(s, "3.11.2", ""); err != nil || listed(t, entries) != "" {
			t.Errorf("%s: %s, %v", p, listed(t, entries), err)
		}
	}
}

func TestAccountInConfig(t *testing.T) {
	for _, c := range []struct {
		who  Account
		base string // of the base's USER
		env  map[string]string
		want string // HOME, USER
	}{
		{Account{}, "", nil, ""},
		{Account{Name: "root"}, "", nil, "USER=root"},
		{Account{Name: "root"}, "jovyan", nil, "USER=jovyan"},
		{Account{"5:6", "app", "/srv"}, "jovyan", nil, "USER=app HOME=/srv"},
		{Account{"5:6", "app", "/srv"}, "", map[string]string{"HOME": "/data", "USER": "me"}, "HOME=/data USER=me"},
	} {
		s := scratch(t)
		s.Env, s.CUDA = c.env, ""
		if c.base != "" {
			s.Base.config = &v1.ConfigFile{Config: v1.Config{User: "old", Env: []string{"USER=" + c.base}}}
		}
		config, err := configure(&s, c.who, nil)
		if err != nil {
			t.Fatal(err)
		}
		env := slices.DeleteFunc(slices.Clone(config.Config.Env), func(kv string) bool {
			return !strings.HasPrefix(kv, "HOME=") && !strings.HasPrefix(kv, "USER=")
		})
		if got := strings.Join(env, " "); got != c.want {
			t.Errorf("%+v on %q: %s, want %s", c.who, c.base, got, c.want)
		}
		if raw, _ := json.Marshal(config); c.who.User != "" && !strings.Contains(string(raw), `"User":"5:6"`) {
			t.Errorf("%s", raw)
		}
	}
}
