package index

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"wheelwright/fault"
)

// place reads one address of a configuration: a URL, whose user and password
// move out of it, or a folder, which becomes an absolute path. from says
// where the address was written, for messages.
func place(raw string, kind Kind, from, home string) (Source, error) {
	raw = strings.TrimSpace(raw)
	if path, ok := localPath(raw); ok {
		return folder(raw, path, kind, from, home)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" { // err may quote a password
		return Source{}, fault.New(fault.Input, "%s of %s: it is no URL with a host", kind, from).
			Try("write it as https://HOST/PATH; characters of a password that have a meaning in URLs as %%XX")
	}
	if err := reachable(u, kind.String()+" of "+from); err != nil {
		return Source{}, err
	}
	s := Source{Kind: kind}
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
		u.User = nil
	}
	u.Fragment, u.RawFragment = "", ""
	s.URL = u.String()
	if kind == Simple && u.RawQuery == "" {
		s.URL = strings.TrimRight(s.URL, "/")
	}
	s.Name = strings.TrimRight(u.Host+u.Path, "/")
	return s, nil
}

func folder(raw, path string, kind Kind, from, home string) (Source, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		path = filepath.Join(home, rest)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Source{}, fault.New(fault.Input, "%s of %s: folder %s", kind, from, path).Wrap(err)
	}
	if kind == Simple {
		if st, err := os.Stat(abs); err != nil || !st.IsDir() {
			return Source{}, fault.New(fault.Input, "%s %s of %s is neither a URL nor a folder", kind, plain(raw), from).
				Try("write it as https://HOST/PATH")
		}
	}
	return Source{Name: abs, URL: abs, Kind: kind}, nil
}

// credentials completes what a source knows about itself: of
// UV_INDEX_<NAME>_USERNAME and _PASSWORD, its URL, and netrc, the first that
// says anything; a user without a password gets that of the same user in
// netrc.
func credentials(s Source, env func(string) string, logins []login) Source {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" {
		return s.WithCredentials("", "")
	}
	name := variable(s.Name)
	if user, pass := env("UV_INDEX_"+name+"_USERNAME"), env("UV_INDEX_"+name+"_PASSWORD"); user != "" || pass != "" {
		s = s.WithCredentials(user, pass)
	}
	if s.password != "" {
		return s
	}
	if l, ok := loginFor(logins, u.Hostname(), s.user); ok {
		s = s.WithCredentials(l.user, l.pass)
	}
	return s
}

// variable is an index name as it stands in the name of a variable: capitals,
// and "_" for everything but letters and digits.
func variable(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, name)
}
