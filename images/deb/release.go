package deb

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxRelease bounds an InRelease file, in bytes; bookworm's has 150 KB.
const maxRelease = 8 << 20

// release is what a suite's Release file says.
type release struct {
	Suite    string
	Codename string
	Version  string // "12.15"; empty for suites that have none
	ByHash   bool   // indexes are also served under their sha256
	files    map[string]listed
}

// listed is a file that a Release lists.
type listed struct {
	SHA256 string
	Size   int64
}

// parseRelease reads Release, or InRelease with its OpenPGP armour around it
// (the signature is not looked at).
func parseRelease(text []byte) (*release, error) {
	if len(text) > maxRelease {
		return nil, fmt.Errorf("release file of %d bytes, at most %d are read", len(text), maxRelease)
	}
	s, err := unarmour(text)
	if err != nil {
		return nil, err
	}
	r := &release{
		Suite: s.field("Suite"), Codename: s.field("Codename"), Version: s.field("Version"),
		ByHash: s.field("Acquire-By-Hash") == "yes", files: map[string]listed{},
	}
	for _, line := range strings.Split(s.field("SHA256"), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 || !isSHA256(f[0]) {
			return nil, fmt.Errorf("release file: SHA256 line %q, want HASH SIZE PATH", line)
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("release file: size %q of %s", f[1], f[2])
		}
		r.files[f[2]] = listed{f[0], size}
	}
	if len(r.files) == 0 {
		return nil, errors.New("release file: no SHA256 list")
	}
	return r, nil
}

// unarmour gives the signed text of a cleartext signature (RFC 9580 section
// 7), or the text itself where there is none.
func unarmour(text []byte) (stanza, error) {
	if !bytes.HasPrefix(text, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) {
		return stanza(text), nil
	}
	_, body, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		return nil, errors.New("release file: armour headers do not end")
	}
	var out []byte
	for len(body) > 0 {
		line, rest := cutLine(body)
		if bytes.HasPrefix(line, []byte("-----BEGIN PGP SIGNATURE-----")) {
			return stanza(out), nil
		}
		out = append(append(out, bytes.TrimPrefix(line, []byte("- "))...), '\n')
		body = rest
	}
	return nil, errors.New("release file: cut before its signature")
}

func isSHA256(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && s == strings.ToLower(s)
}
