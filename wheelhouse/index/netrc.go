package index

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jdx/go-netrc"

	"wheelwright/fault"
)

// maxConfig bounds a configuration file.
const maxConfig = 1 << 20

// login is what a netrc file gives to one host, in lower case.
type login struct{ host, user, pass string }

// readConfig reads a configuration file; ok is false where there is none.
func readConfig(path string) (data []byte, ok bool, err error) {
	return readBounded(path, maxConfig)
}

func readBounded(path string, limit int64) (data []byte, ok bool, err error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
		return nil, false, nil
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, false, fault.New(fault.Input, "read %s", path).Wrap(err)
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	if err != nil {
		return nil, false, fault.New(fault.Input, "read %s", path).Wrap(err)
	}
	return data, true, nil
}

// readNetrc reads the file that NETRC names, else ~/.netrc.
func readNetrc(env func(string) string, home string) ([]login, error) {
	path := env("NETRC")
	if path == "" {
		if home == "" {
			return nil, nil
		}
		path = filepath.Join(home, ".netrc")
	}
	data, ok, err := readConfig(path)
	if err != nil || !ok {
		return nil, err
	}
	logins, err := parseNetrc(string(data))
	if err != nil {
		// The cause may quote the file, which holds passwords.
		return nil, fault.New(fault.Input, "netrc file %s is malformed", path).
			Because("expected: machine HOST login USER password PASSWORD")
	}
	return logins, nil
}

// parseNetrc reads netrc text. The library counts tokens by fours, takes "#"
// in a password for a comment and indexes past the end of a torn file: so
// comments and macros are taken out first, white space is made even, "#" is
// hidden from it, and a panic is an error.
func parseNetrc(text string) (logins []login, err error) {
	defer func() {
		if recover() != nil {
			logins, err = nil, netrc.ErrInvalidNetrc
		}
	}()
	const hash = "\x00"
	if strings.Contains(text, hash) {
		return nil, netrc.ErrInvalidNetrc
	}
	var words []string
	macro := false
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
			macro = false // an empty line ends a macro
		case macro, strings.HasPrefix(fields[0], "#"):
		case fields[0] == "macdef":
			macro = true
		default:
			for i, w := range fields {
				if i > 0 && strings.HasPrefix(w, "#") && !value(fields[i-1]) {
					break
				}
				words = append(words, w)
			}
		}
	}
	file, err := netrc.ParseString(strings.ReplaceAll(strings.Join(words, " "), "#", hash))
	if err != nil {
		return nil, err
	}
	for _, m := range file.Machines() {
		get := func(key string) string { return strings.ReplaceAll(m.Get(key), hash, "#") }
		l := login{strings.ToLower(m.Name), get("login"), get("password")}
		// The default entry names no host, so no host is given it.
		if !m.IsDefault && (l.user != "" || l.pass != "") {
			logins = append(logins, l)
		}
	}
	return logins, nil
}

// value says whether the word after w is its value, whatever it looks like.
func value(w string) bool {
	switch w {
	case "machine", "login", "password", "account":
		return true
	}
	return false
}

// loginFor is the first entry for a host; with a user, the first of that user.
func loginFor(logins []login, host, user string) (login, bool) {
	host = strings.ToLower(host)
	for _, l := range logins {
		if l.host == host && (user == "" || l.user == user) {
			return l, true
		}
	}
	return login{}, false
}
