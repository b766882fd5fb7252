package deb

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxRelease bounds an InRelease file, in bytes; bookworm's has 150 KB.
const maxRelease = 8 << 20

// release is what a suite's Release file says.
type release struct {
	Suite    string
	Codename string
	Version  string    // "12.15"; empty for suites that have none
	Date     time.Time // when it was made; zero where it does not say
	Until    time.Time // Valid-Until: when it ceases to count; zero: never
	ByHash   bool      // indexes are also served under their sha256
	AllApart bool      // packages for every architecture have an index of their own, binary-all
	files    map[string]listed
}

// listed is a file that a Release lists.
type listed struct {
	SHA256 string
	Size   int64
}

// parseRelease reads the text of a Release file, without a signature around
// it.
func parseRelease(text []byte) (*release, error) {
	if len(text) > maxRelease {
		return nil, fmt.Errorf("release file of %d bytes, at most %d are read", len(text), maxRelease)
	}
	s := stanza(text)
	r := &release{
		Suite: s.field("Suite"), Codename: s.field("Codename"), Version: s.field("Version"),
		ByHash: s.field("Acquire-By-Hash") == "yes", files: map[string]listed{},
		AllApart: slices.Contains(strings.Fields(s.field("Architectures")), "all") &&
			!strings.Contains(s.field("No-Support-for-Architecture-all"), "Packages"),
	}
	var err error
	if r.Date, err = parseDate(s.field("Date")); err != nil {
		return nil, fmt.Errorf("release file: Date: %w", err)
	}
	if r.Until, err = parseDate(s.field("Valid-Until")); err != nil {
		return nil, fmt.Errorf("release file: Valid-Until: %w", err)
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
		r.files[strings.TrimPrefix(f[2], "./")] = listed{f[0], size}
	}
	if len(r.files) == 0 {
		return nil, errors.New("release file: no SHA256 list")
	}
	return r, nil
}

// parseDate reads a date as Release files have it, RFC 2822 in UTC; an empty
// one is the zero time. A zone of another name would be read as UTC, so it is
// refused.
func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, zone := range []string{" UTC", " GMT", " Z"} {
		if rest, ok := strings.CutSuffix(s, zone); ok {
			s = rest + " +0000"
		}
	}
	t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.60q is no date such as \"Sat, 11 Jul 2026 10:16:37 UTC\"", s)
	}
	return t.UTC(), nil
}

func isSHA256(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && s == strings.ToLower(s)
}

// lists says whether a Release has a file.
func (r *release) lists(path string) bool {
	_, ok := r.files[path]
	return ok
}
