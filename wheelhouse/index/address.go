package index

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"wheelwright/fault"
)

// plain is an address for people: without credentials, query and fragment,
// each of which may hold a secret.
func plain(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is no URL"
	}
	return plainURL(u)
}

func plainURL(u *url.URL) string {
	v := *u
	v.User, v.Fragment, v.RawFragment = nil, "", ""
	if v.RawQuery != "" {
		v.RawQuery = "…"
	}
	return strings.Replace(v.String(), "?%E2%80%A6", "?…", 1)
}

// origin is scheme, host and port in one spelling: two addresses of one
// origin may share credentials.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// loopback says whether a host name means this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// remote parses an address that a request may go to: https, or http to this
// machine.
func remote(address, what string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fault.New(fault.Input, "%s at %s", what, plain(address)).Because("it is no URL with a host")
	}
	return u, reachable(u, what)
}

func reachable(u *url.URL, what string) error {
	switch strings.ToLower(u.Scheme) {
	case "https":
		return nil
	case "http":
		if loopback(u.Hostname()) {
			return nil
		}
		return fault.New(fault.Input, "%s at %s", what, plainURL(u)).
			Because("plain http is allowed on this machine's own addresses alone").Try("use https")
	}
	return fault.New(fault.Input, "%s at %s", what, plainURL(u)).
		Because("the scheme is %q, known are https, http (loopback) and file", u.Scheme)
}

// localPath is the path that an address of a folder or file means: a plain
// path or a file: URL of this machine.
func localPath(address string) (string, bool) {
	if len(address) >= 5 && strings.EqualFold(address[:5], "file:") {
		u, err := url.Parse(address)
		if err != nil || u.Host != "" && !strings.EqualFold(u.Host, "localhost") {
			return "", false
		}
		if u.Opaque != "" { // file:relative/path
			p, err := url.PathUnescape(u.Opaque)
			return filepath.FromSlash(p), err == nil
		}
		return filepath.FromSlash(u.Path), true
	}
	if strings.Contains(address, "://") {
		return "", false
	}
	return address, address != ""
}

// fileURL is the file: URL of an absolute path.
func fileURL(path string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	return u.String()
}

// baseName is the last element of a URL's path, %-decoded.
func baseName(u *url.URL) string {
	p := u.Path
	return p[strings.LastIndexByte(p, '/')+1:]
}

// cleanFile says whether a listed file name is one: a single path element
// with no control character.
func cleanFile(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 512 {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' || r == '\\' }) < 0
}
