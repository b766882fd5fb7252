package images

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzAccounts: whatever a base's passwd holds stays, and the user that is
// added has a name of its own and is found by it.
func FuzzAccounts(f *testing.F) {
	for _, seed := range []string{"", "\n", debianPasswd, debianGroup, "wheelwright:x:1:1::/:", "a:x:99999999999999999999:1::", "::0:0", "+", "a:x:-1:0:::\x00\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, colons := range []int{2, 3} {
			a := newAccounts(&text{Text: raw}, colons, "root:x:0:0:root:/root:")
			if a.changed || !bytes.Equal(a.text, raw) {
				t.Fatalf("read, it is %q", a.text)
			}
			name, before := free(ownName, a.entries), len(a.entries)
			if slices.ContainsFunc(a.entries, func(e entry) bool { return e.name == name || e.id < 0 || e.gid < 0 || e.name == "" }) {
				t.Fatalf("%s is taken, or an entry is none: %v", name, a.entries)
			}
			a.add("%s:x:%d:%d::%s:%s", name, 10001, 7, "/home/x", noShell)
			if len(a.entries) != before+1 || a.entries[before].name != name || a.entries[before].id != 10001 || !bytes.HasPrefix(a.text, raw) {
				t.Fatalf("added %s, it is %q: %v", name, a.text, a.entries)
			}
		}
	})
}
