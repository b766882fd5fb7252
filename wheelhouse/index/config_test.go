package index

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
	"wheelwright/solver/pep508"
)

// setup writes files below a new folder, which is also HOME (home/) and the
// system's folder (etc/), and gives options that see nothing else. DIR in
// files and values stands for that folder.
func setup(t *testing.T, files, env map[string]string) (Options, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Options{
		Env:  func(k string) string { return strings.ReplaceAll(env[k], "DIR", dir) },
		Home: filepath.Join(dir, "home"), System: filepath.Join(dir, "etc"),
	}, dir
}

// show writes sources a line each: name, address, kind, packages,
// credentials; the public default index as PUBLIC.
func show(sources []Source, dir string) string {
	public, _ := WellKnown(DefaultName)
	var b strings.Builder
	for _, s := range sources {
		fmt.Fprintf(&b, "%s %s", s.Name, s.URL)
		if s.Kind != Simple {
			fmt.Fprintf(&b, " %s", s.Kind)
		}
		if len(s.Packages) > 0 {
			fmt.Fprintf(&b, " %v", s.Packages)
		}
		if user, pass, ok := s.Credentials(); ok {
			fmt.Fprintf(&b, " as %s:%s", user, pass)
		}
		b.WriteString("\n")
	}
	return strings.NewReplacer(public, "PUBLIC", dir, "DIR").Replace(b.String())
}

func TestConfigure(t *testing.T) {
	torch := Source{Name: "torch", URL: "https://torch.test/whl", Packages: []pep508.Name{"torch"}}
	dist := Source{Name: "dist", URL: "/dist", Kind: Path}
	for _, c := range []struct {
		name       string
		files, env map[string]string
		profile    []Source
		indexURL   string
		replace    map[string]string
		want, won  string
	}{
		{name: "nothing", want: "pypi PUBLIC\n", won: "index pypi (public): the default"},
		{name: "pip's variable", env: map[string]string{"PIP_INDEX_URL": "https://mirror.test/simple/"},
			want: "mirror.test/simple https://mirror.test/simple\n", won: "index https://mirror.test/simple: PIP_INDEX_URL"},
		{name: "uv before pip before files", env: map[string]string{"PIP_INDEX_URL": "https://pip.test", "UV_INDEX_URL": "https://uv.test", "UV_DEFAULT_INDEX": "corp=https://default.test"},
			files: map[string]string{"etc/pip.conf": "[global]\nindex-url = https://file.test\n"},
			want:  "corp https://default.test\n", won: "index https://default.test: UV_DEFAULT_INDEX, over UV_INDEX_URL, PIP_INDEX_URL, index-url of DIR/etc/pip.conf"},
		{name: "files in pip's order", files: map[string]string{
			"etc/pip.conf":              "[global]\nindex-url = https://etc.test\nextra-index-url = https://x1.test\n  https://x2.test\n",
			"home/.pip/pip.conf":        "[global]\nindex-url = https://old.test\n",
			"home/.config/pip/pip.conf": "[global]\nindex_url: https://user.test/a\n"},
			want: "x1.test https://x1.test\nx2.test https://x2.test\nuser.test/a https://user.test/a\n",
			won:  "index https://user.test/a: index-url of DIR/home/.config/pip/pip.conf; before it extra-index-url of DIR/etc/pip.conf"},
		{name: "install section of any file", files: map[string]string{
			"etc/pip.conf":              "[install]\nindex-url = https://install.test\n",
			"home/.config/pip/pip.conf": "[global]\nindex-url = https://user.test\n"},
			want: "install.test https://install.test\n", won: "index https://install.test: index-url of DIR/etc/pip.conf"},
		{name: "config file in place of the user's", env: map[string]string{"PIP_CONFIG_FILE": "DIR/own.conf"}, files: map[string]string{
			"own.conf":                  "[global]\nextra-index-url =\n\thttps://x1.test/s\n\n\thttps://x2.test/s\n",
			"etc/pip.conf":              "[global]\nindex-url = https://etc.test\n",
			"home/.config/pip/pip.conf": "[global]\nindex-url = https://user.test\n"},
			want: "x1.test/s https://x1.test/s\nx2.test/s https://x2.test/s\netc.test https://etc.test\n",
			won:  "index https://etc.test: index-url of DIR/etc/pip.conf; before it extra-index-url of DIR/own.conf"},
		{name: "no files", env: map[string]string{"PIP_CONFIG_FILE": os.DevNull},
			files: map[string]string{"etc/pip.conf": "[global]\nindex-url = https://etc.test\n"}, want: "pypi PUBLIC\n", won: "index pypi (public): the default"},
		{name: "XDG", env: map[string]string{"XDG_CONFIG_HOME": "DIR/xdg", "XDG_CONFIG_DIRS": "DIR/one:DIR/two"}, files: map[string]string{
			"xdg/pip/pip.conf": "[global]\nextra-index-url = https://xdg.test\n",
			"one/pip/pip.conf": "[global]\nindex-url = https://one.test\n",
			"two/pip/pip.conf": "[global]\nindex-url = https://two.test\n"},
			want: "xdg.test https://xdg.test\none.test https://one.test\n",
			won:  "index https://one.test: index-url of DIR/one/pip/pip.conf; before it extra-index-url of DIR/xdg/pip/pip.conf"},
		{name: "extras and links around", env: map[string]string{"UV_INDEX": "corp=https://corp.test/s", "PIP_EXTRA_INDEX_URL": "https://x.test/s https://corp.test/s", "PIP_FIND_LINKS": "DIR/wheels https://links.test/p.html"},
			files: map[string]string{"wheels/x": "", "etc/pip.conf": "[global]\nextra-index-url = https://hidden.test\nfind-links = https://hidden.test\n"},
			want:  "corp https://corp.test/s\nx.test/s https://x.test/s\npypi PUBLIC\nDIR/wheels DIR/wheels find-links\nlinks.test/p.html https://links.test/p.html find-links\n",
			won:   "index pypi (public): the default; before it UV_INDEX, PIP_EXTRA_INDEX_URL; after it PIP_FIND_LINKS"},
		{name: "no index", env: map[string]string{"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "DIR/wheels", "PIP_INDEX_URL": "https://x.test"}, files: map[string]string{"wheels/x": ""},
			profile: []Source{dist, {Name: "pypi"}},
			want:    "dist /dist path\nDIR/wheels DIR/wheels find-links\n", won: "no index: PIP_NO_INDEX; files from PIP_FIND_LINKS"},
		{name: "the profile's explicit ones stay", profile: []Source{torch, dist, {Name: "pypi"}}, env: map[string]string{"PIP_INDEX_URL": "https://m.test", "PIP_EXTRA_INDEX_URL": "https://x.test"},
			want: "torch https://torch.test/whl [torch]\ndist /dist path\nx.test https://x.test\nm.test https://m.test\n",
			won:  "index https://m.test: PIP_INDEX_URL; before it PIP_EXTRA_INDEX_URL"},
		{name: "a profile without the default", profile: []Source{{Name: "own", URL: "https://own.test"}}, env: map[string]string{"PIP_INDEX_URL": "https://m.test"},
			want: "own https://own.test\n", won: "indexes of the profile alone: it does not name the default index, which PIP_INDEX_URL would set"},
		{name: "command line", profile: []Source{torch, {Name: "own", URL: "https://own.test"}, dist, {Name: "pypi"}}, indexURL: "http://127.0.0.1:8/simple/",
			env:  map[string]string{"PIP_INDEX_URL": "https://m.test", "PIP_EXTRA_INDEX_URL": "https://x.test", "PIP_FIND_LINKS": "DIR"},
			want: "torch https://torch.test/whl [torch]\n127.0.0.1:8/simple http://127.0.0.1:8/simple\ndist /dist path\n",
			won:  "index http://127.0.0.1:8/simple: --index-url, over PIP_INDEX_URL"},
		{name: "command line adds", profile: []Source{dist}, indexURL: "https://m.test",
			want: "dist /dist path\nm.test https://m.test\n", won: "index https://m.test: --index-url"},
		{name: "replace", profile: []Source{torch, {Name: "pypi"}}, replace: map[string]string{"torch": "https://u:p@mine.test/t", "pypi": "https://mine.test/p"},
			want: "torch https://mine.test/t [torch] as u:p\npypi https://mine.test/p\n", won: "indexes of the profile alone; --index replaces pypi, torch"},
		{name: "a folder index", indexURL: "DIR/simple", files: map[string]string{"simple/x": ""},
			want: "DIR/simple DIR/simple\n", won: "index DIR/simple: --index-url"},
		{name: "netrc and variables", profile: []Source{torch, {Name: "my-own.1", URL: "https://a:b@own.test"}, {Name: "half", URL: "https://me@mirror.test/s"}, {Name: "other", URL: "https://other.test"}},
			env: map[string]string{"UV_INDEX_MY_OWN_1_USERNAME": "v", "UV_INDEX_MY_OWN_1_PASSWORD": "w"},
			files: map[string]string{"home/.netrc": "# machine torch.test login no password no\nmachine torch.test\n  login n # who\n  password #r\n\nmacdef init\ncd /\n\n" +
				"machine mirror.test login you password 1\nmachine mirror.test login me password 2\ndefault login d password e\n"},
			want: "torch https://torch.test/whl [torch] as n:#r\nmy-own.1 https://own.test as v:w\nhalf https://mirror.test/s as me:2\nother https://other.test\n", won: "indexes of the profile alone"},
		{name: "NETRC", env: map[string]string{"NETRC": "DIR/n", "PIP_INDEX_URL": "https://M.test/s"}, files: map[string]string{"n": "machine m.test login a password b", "home/.netrc": "machine m.test login x password y"},
			want: "M.test/s https://M.test/s as a:b\n", won: "index https://M.test/s: PIP_INDEX_URL"},
		{name: "escapes in a password", env: map[string]string{"PIP_INDEX_URL": "https://u%40corp:p%3Ass@m.test/s#frag"},
			want: "m.test/s https://m.test/s as u@corp:p:ss\n", won: "index https://m.test/s: PIP_INDEX_URL"},
		{name: "two of one name", profile: []Source{{Name: "a", URL: "https://a.test"}, {Name: "a", URL: "https://b.test"}},
			want: "a https://a.test\na-2 https://b.test\n", won: "indexes of the profile alone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, dir := setup(t, c.files, c.env)
			o.Profile, o.Replace, o.IndexURL = c.profile, c.replace, strings.ReplaceAll(c.indexURL, "DIR", dir)
			s, err := Configure(o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, show(s.Sources, dir)); d != "" {
				t.Error(d)
			}
			public, _ := WellKnown(DefaultName)
			won := strings.NewReplacer(public, "PUBLIC", dir, "DIR").Replace(s.Won)
			if won != c.won {
				t.Errorf("won:  %s\nwant: %s", won, c.won)
			}
		})
	}
}

func TestConfigureRefuses(t *testing.T) {
	for _, c := range []struct {
		name       string
		files, env map[string]string
		o          Options
		want       []string
	}{
		{name: "plain http", env: map[string]string{"PIP_INDEX_URL": "http://me:secret@m.test/s"}, want: []string{"PIP_INDEX_URL", "http://m.test/s", "next: use https"}},
		{name: "no URL", env: map[string]string{"PIP_INDEX_URL": "https://me:secret@m.test:port/s"}, want: []string{"PIP_INDEX_URL", "next:"}},
		{name: "no scheme", o: Options{IndexURL: "m.test/simple"}, want: []string{"--index-url", "neither a URL nor a folder", "https://"}},
		{name: "ftp", o: Options{IndexURL: "ftp://m.test/simple"}, want: []string{"ftp"}},
		{name: "no such index", o: Options{Profile: []Source{{Name: "a", URL: "https://a.test"}}, Replace: map[string]string{"b": "https://x.test"}}, want: []string{"--index b", "named indexes are: a"}},
		{name: "both", o: Options{IndexURL: "https://a.test", Replace: map[string]string{"pypi": "https://x.test"}}, want: []string{"both replace the default index"}},
		{name: "a name alone", o: Options{Profile: []Source{{Name: "pytorch-cu999"}}}, want: []string{"pytorch-cu999", "has no url", "pytorch-cu124", "pypi"}},
		{name: "nothing left", env: map[string]string{"PIP_NO_INDEX": "yes"}, want: []string{"no index is left", "PIP_NO_INDEX"}},
		{name: "pip.conf", files: map[string]string{"etc/pip.conf": "[global\nindex-url = https://me:secret@m.test\n"}, want: []string{"etc/pip.conf is malformed", "PIP_CONFIG_FILE"}},
		{name: "netrc", files: map[string]string{"home/.netrc": "login secret machine"}, want: []string{".netrc is malformed"}},
		{name: "large", files: map[string]string{"home/.netrc": strings.Repeat("#secret\n", maxConfig/8+1)}, want: []string{".netrc", "larger than"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, _ := setup(t, c.files, c.env)
			o.Profile, o.IndexURL, o.Replace = c.o.Profile, c.o.IndexURL, c.o.Replace
			_, err := Configure(o)
			if fault.KindOf(err) != fault.Input {
				t.Fatalf("error %v", err)
			}
			text := fault.Render(err)
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("lacks %q:\n%s", w, text)
				}
			}
			if strings.Contains(text, "secret") {
				t.Errorf("a credential is in the error:\n%s", text)
			}
		})
	}
}

func TestConfigureNotes(t *testing.T) {
	o, dir := setup(t, map[string]string{"etc/pip.conf": "[global]\ntrusted-host = m.test\n"}, map[string]string{"PIP_FIND_LINKS": "DIR/none"})
	s, err := Configure(o)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"PIP_FIND_LINKS names " + dir + "/none, which is not there; it is passed over", "trusted-host of " + dir + "/etc/pip.conf is not followed"}
	if d := cmp.Diff(want, s.Notes); d != "" {
		t.Error(d)
	}
	if len(s.Sources) != 1 || strings.Contains(s.Won, "FIND_LINKS") {
		t.Errorf("%v, %s", s.Sources, s.Won)
	}
}

func TestLogin(t *testing.T) {
	o, _ := setup(t, map[string]string{"home/.netrc": "machine files.test login a password b"}, nil)
	s, err := Configure(o)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{"https://files.test/x": true, "https://FILES.test:8443/x": true, "http://files.test/x": false, "https://other.test/x": false, "https://sub.files.test/": false} {
		u, _ := url.Parse(address)
		if _, _, ok := s.Login(u); ok != want {
			t.Errorf("%s: %v, want %v", address, ok, want)
		}
	}
}

func TestWellKnown(t *testing.T) {
	for _, name := range WellKnownNames() {
		address, ok := WellKnown(name)
		if u, err := remote(address, name); !ok || err != nil || u.Scheme != "https" {
			t.Errorf("%s: %s, %v", name, address, err)
		}
	}
	if _, ok := WellKnown("pytorch-"); ok {
		t.Error("half a name is known")
	}
}

func FuzzNetrc(f *testing.F) {
	for _, s := range []string{"machine a login b password c", "machine", "machine a", "default", "machine a login", "macdef x\n", "# x\nmachine a # b\n", "machine machine machine", "\xff\x00 machine \u2028 a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		logins, err := parseNetrc(text)
		for _, l := range logins {
			if err != nil || l.user == "" && l.pass == "" || strings.ContainsAny(l.host+l.user+l.pass, " \n\t") {
				t.Fatalf("%q: %q, %v", text, logins, err)
			}
		}
	})
}

func FuzzPipConf(f *testing.F) {
	for _, s := range []string{"[global]\nindex-url = https://a.test\n", "[install]\nextra-index-url =\n a\n b\n", "[global", "=\n", "[global]\nx = \"\"\"a\n", "[global]\nx = `a\n", "[global]\n\tx\n", "\xef\xbb\xbf[global]\nx:y", "[a]\nb = %(b)s\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parsePip(data)
		if err != nil {
			return
		}
		for _, section := range []string{"global", "install"} {
			for k, v := range pipSection(file, section) {
				if strings.ContainsAny(k, "_") || v != strings.TrimSpace(v) {
					t.Fatalf("key %q, value %q", k, v)
				}
			}
		}
	})
}
