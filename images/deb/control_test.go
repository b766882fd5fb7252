package deb

import (
	"bytes"
	"strings"
	"testing"
)

func TestField(t *testing.T) {
	s := stanza("Package: a1\nDescription: one\n two\n .\n\tthree\r\ndescription: not this\nEmpty:\n")
	for name, want := range map[string]string{
		"package": "a1", "DESCRIPTION": "one\n two\n .\n\tthree", "Empty": "", "Desc": "", "two": "",
	} {
		if got := s.field(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Paragraphs cover the text but for empty lines, and what a line says of a
// field is what field finds.
func FuzzControl(f *testing.F) {
	f.Add([]byte("Package: libc6\nVersion: 2.36-9\nDepends: libgcc-s1,\n libcrypt1 (>= 1:4.4)\n\n\nPackage: a1\n"))
	f.Add([]byte("Package: a1\r\nDescription: x\r\n .\r\n y\r\n\r\nPackage: b1\r\n"))
	f.Add([]byte(" continued\n: no name\nno colon\n\nA:b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var all []byte
		err := stanzas(text, func(s stanza) error {
			if len(s) == 0 || len(s) > maxStanza || bytes.Contains(bytes.TrimRight(s, "\n"), []byte("\n\n")) {
				t.Fatalf("paragraph %q", s)
			}
			all = append(all, s...)
			seen := map[string]bool{}
			for line := range strings.SplitSeq(string(s), "\n") {
				name, value, ok := strings.Cut(line, ":")
				if !ok || name == "" || strings.ContainsAny(name[:1], " \t") || strings.ContainsAny(name, "\r") || seen[strings.ToLower(name)] {
					continue
				}
				seen[strings.ToLower(name)] = true
				got := s.field(name)
				if first, _, _ := strings.Cut(got, "\n"); strings.TrimSpace(value) != "" && isASCII(name) && strings.TrimSpace(first) != strings.TrimSpace(value) {
					t.Fatalf("%q is %q in %q", name, got, s)
				}
			}
			return nil
		})
		if err == nil && len(bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\n"), nil), []byte("\r"), nil)) != len(bytes.ReplaceAll(bytes.ReplaceAll(all, []byte("\n"), nil), []byte("\r"), nil)) {
			t.Fatalf("%q in paragraphs is %q", text, all)
		}
	})
}

// isASCII says whether names compare by strings.EqualFold as by ToLower.
func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x7f }) < 0
}
