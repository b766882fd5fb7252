package whl

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"wheelwright/solver"
)

// ParseMetadata reads core metadata (METADATA of a wheel, FILE.metadata of an
// index) as far as resolution needs it. Headers end at the first empty line
// or, as in Python's email parser, at the first line that is no header. An
// error says why the text cannot be used.
func ParseMetadata(text []byte) (solver.Metadata, error) {
	var m solver.Metadata
	if len(text) > maxMetadata {
		return m, fmt.Errorf("metadata of %d bytes, at most %d are read", len(text), maxMetadata)
	}
	var version string
	kept := 0
	err := headers(text, func(key, value string) error {
		var one *string
		switch key {
		case "metadata-version":
			one = &version
		case "name":
			one = &m.Name
		case "version":
			one = &m.Version
		case "requires-python":
			one = &m.RequiresPython
		case "requires-dist":
			m.RequiresDist = append(m.RequiresDist, value)
		case "provides-extra":
			m.ProvidesExtra = append(m.ProvidesExtra, value)
		default:
			return nil
		}
		if kept++; kept > maxHeaders {
			return fmt.Errorf("over %d headers", maxHeaders)
		}
		if !utf8.ValidString(value) {
			return fmt.Errorf("header %s is not UTF-8", key)
		}
		if one != nil && *one == "" {
			*one = value
		}
		return nil
	})
	if err != nil {
		return solver.Metadata{}, err
	}
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); version != "" && (err != nil || n < 1 || n > 2) {
		return solver.Metadata{}, fmt.Errorf("metadata version %q, known are 1.x and 2.x", version)
	}
	if m.Name == "" || m.Version == "" {
		return solver.Metadata{}, errors.New("metadata without name or version")
	}
	return m, nil
}

// headers calls each with every header of an RFC 822 block: key in lower
// case, value trimmed, continuation lines joined by a newline.
func headers(text []byte, each func(key, value string) error) error {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var key string
	var value []byte
	flush := func() error {
		if key == "" {
			return nil
		}
		k := key
		key = ""
		return each(k, string(bytes.TrimSpace(value)))
	}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if key != "" {
				value = append(append(value, '\n'), bytes.TrimSpace(line)...)
			}
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		k, v, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(k) == 0 || !token(k) {
			break
		}
		key, value = strings.ToLower(string(k)), append(value[:0], v...)
	}
	return flush()
}

// token says whether k may be a header's name: printable ASCII, no space.
func token(k []byte) bool {
	for _, c := range k {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
