package index

import (
	"net/url"
	"strings"
)

// resolve makes a listed address absolute, without credentials and fragment;
// the fragment is given apart.
func resolve(base *url.URL, ref string) (address, fragment string, ok bool) {
	ref, fragment, _ = strings.Cut(ref, "#")
	if rest, abs := strings.CutPrefix(ref, "https://"); abs && plainRest(rest) {
		return ref, fragment, true
	}
	u, err := base.Parse(ref)
	if err != nil {
		return "", "", false
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return "", "", false
		}
	case "file":
		// A page from the network never points into this machine.
		if base.Scheme != "file" {
			return "", "", false
		}
	default:
		return "", "", false
	}
	return bare(u).String(), fragment, true
}

// plainRest says whether what follows https:// needs no parsing: a host with
// no credentials and a path of unreserved or escaped characters.
func plainRest(s string) bool {
	slash := strings.IndexByte(s, '/')
	if slash <= 0 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
		case c == '-' || c == '.' || c == '_':
			if i+1 < len(s) && c == '.' && s[i+1] == '.' {
				return false
			}
		case i > slash && (c == '/' || c == '+' || c == '~'):
		case i == slash:
		default:
			return false
		}
	}
	return true
}
