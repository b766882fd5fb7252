package deb

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// keys/README.md tells the truth about the keys that are embedded.
func TestArchiveKeys(t *testing.T) {
	readme, err := os.ReadFile("keys/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([0-9A-F]{40}) \\| ([0-9A-F]{40}|none) \\| (\\S+) \\|$").FindAllStringSubmatch(string(readme), -1)
	files, _ := filepath.Glob("keys/*.gpg")
	if len(rows) != len(files) || len(files) != 6 {
		t.Fatalf("%d rows for %d files, want 6", len(rows), len(files))
	}
	for _, row := range rows {
		data, err := os.ReadFile("keys/" + row[1])
		if err != nil {
			t.Fatal(err)
		}
		ring, err := readKeys("test", data)
		if err != nil || len(ring.keys) != 1 {
			t.Fatalf("%s: %d keys, %v", row[1], len(ring.keys), err)
		}
		key := ring.keys[0]
		sub := "none"
		if len(key.Subkeys) > 0 {
			sub = strings.ToUpper(hexOf(key.Subkeys[0].PublicKey.Fingerprint))
		}
		self, _ := key.PrimarySelfSignature()
		expires := key.PrimaryKey.CreationTime.Add(time.Duration(*self.KeyLifetimeSecs) * time.Second).UTC().Format(time.DateOnly)
		if got := []string{strings.ToUpper(hexOf(key.PrimaryKey.Fingerprint)), sub, expires}; !slices.Equal(got, row[2:]) {
			t.Errorf("%s: %v, README has %v", row[1], got, row[2:])
		}
	}
	for _, codename := range codenames {
		if ring, err := archiveKeys(codename); err != nil || len(ring.keys) != 3 {
			t.Errorf("%s: %d keys, %v", codename, len(ring.keys), err)
		}
	}
	if _, err := archiveKeys("sid"); err == nil {
		t.Error("keys for a release that has none here")
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// Debian's real signatures, of two keys each, count by the keys of their own
// release; bookworm's do not by trixie's.
func TestRealSignatures(t *testing.T) {
	for _, codename := range []string{"bookworm", "trixie"} {
		file, err := os.ReadFile("testdata/" + codename + "-security.InRelease")
		if err != nil {
			t.Fatal(err)
		}
		text, signed, signature, err := cleartext(file)
		if err != nil {
			t.Fatal(err)
		}
		ring, err := archiveKeys(codename)
		if err != nil {
			t.Fatal(err)
		}
		for _, now := range []time.Time{{}, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)} {
			if why, ok := ring.verify(signed, signature, now); !ok {
				t.Errorf("%s at %v: %q", codename, now, why)
			}
		}
		if why, ok := ring.verify(signed, signature, time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)); ok || !strings.Contains(strings.Join(why, "\n"), "the key has expired") {
			t.Errorf("%s in 2040: %v, %q", codename, ok, why)
		}
		r, err := parseRelease(text)
		if err != nil || r.Codename != codename+"-security" || r.Until.Sub(r.Date) != 7*24*time.Hour || !r.ByHash || r.AllApart || len(r.files) < 100 {
			t.Errorf("%s: %+v, %v", codename, r, err)
		}
	}
	file, _ := os.ReadFile("testdata/bookworm-security.InRelease")
	_, signed, signature, err := cleartext(file)
	if err != nil {
		t.Fatal(err)
	}
	other, err := archiveKeys("trixie")
	if err != nil {
		t.Fatal(err)
	}
	why, ok := other.verify(signed, signature, time.Time{})
	if ok || len(why) != 2 || !strings.Contains(why[1], "signed by BDE6D2B9216EC7A8, which is not trusted") {
		t.Errorf("bookworm's by trixie's keys: %v, %q", ok, why)
	}
}

// A signature counts only if key, hash, date and text are all in order.
func TestVerify(t *testing.T) {
	good, stranger, short := newKey(t, 0), newKey(t, 0), newKey(t, 90*24*3600)
	revoked := newKey(t, 0)
	if err := revoked.RevokeKey(packet.KeySuperseded, "replaced", at(signedAt.AddDate(0, 1, 0))); err != nil {
		t.Fatal(err)
	}
	weak := at(keyMade)
	weak.Algorithm, weak.RSABits = packet.PubKeyAlgoRSA, 1024
	feeble, err := openpgp.NewEntity("weak", "", "weak@example.test", weak)
	if err != nil {
		t.Fatal(err)
	}
	brief := at(signedAt)
	brief.SigLifetimeSecs = 3600
	text := []byte("Codename: bookworm\n")
	sign := func(c *packet.Config, key *openpgp.Entity) []byte {
		var b bytes.Buffer
		if err := openpgp.DetachSign(&b, key, bytes.NewReader(text), c); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	sha1 := sign(at(signedAt), good) // the library makes no such signature
	if i := bytes.Index(sha1, []byte{4, byte(packet.SigTypeBinary), byte(packet.PubKeyAlgoEdDSA), 8}); i < 0 {
		t.Fatal("no hash algorithm in the signature")
	} else {
		sha1[i+3] = 2
	}
	soon, late := signedAt.Add(time.Minute), signedAt.AddDate(1, 0, 0)
	by := func(keys ...*openpgp.Entity) keyring {
		t.Helper()
		ring, err := readKeys("the test", public(t, keys...))
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	for _, c := range []struct {
		name      string
		ring      keyring
		text      []byte
		signature []byte
		now       time.Time
		want      string // in the reasons; empty: it counts
	}{
		{"good", by(good), text, sign(at(signedAt), good), soon, ""},
		{"one key of two", by(stranger, good), text, sign(at(signedAt), good), soon, ""},
		{"armoured", by(good), text, detached(t, text, true, good), soon, ""},
		{"two signatures, one good", by(good), text, slices.Concat(sign(at(signedAt), stranger), sign(at(signedAt), good)), soon, ""},
		{"a stranger's", by(good), text, sign(at(signedAt), stranger), soon, "which is not trusted"},
		{"altered text", by(good), []byte("Codename: trixie\n"), sign(at(signedAt), good), soon, "not what was signed"},
		{"none", by(good), text, nil, soon, "there is no signature"},
		{"noise", by(good), text, []byte("noise"), soon, "damaged"},
		{"cut", by(good), text, sign(at(signedAt), good)[:3], soon, "damaged"},
		{"weak hash", by(good), text, sha1, soon, "weak hash SHA-1"},
		{"weak key", by(feeble), text, sign(at(signedAt), feeble), soon, "too weak"},
		{"expired signature", by(good), text, sign(brief, good), late, "the signature has expired"},
		{"expired signature, offline", by(good), text, sign(brief, good), time.Time{}, ""},
		{"expired key", by(short), text, sign(at(keyMade.AddDate(0, 1, 0)), short), late, "the key has expired"},
		{"expired key, offline", by(short), text, sign(at(keyMade.AddDate(0, 1, 0)), short), time.Time{}, ""},
		{"revoked key", by(revoked), text, sign(at(signedAt), revoked), late, "the key is revoked"},
		{"a little ahead", by(good), text, sign(at(signedAt), good), signedAt.Add(-time.Minute), ""},
		{"of the future", by(good), text, sign(at(signedAt), good), signedAt.Add(-time.Hour), "in the future, on 2026-07-11 10:16:37 UTC; this machine's clock says 2026-07-11 09:16:37 UTC"},
		{"altered, offline", by(good), []byte("x"), sign(at(signedAt), good), time.Time{}, "not what was signed"},
		{"many", by(good), text, bytes.Repeat(sign(at(signedAt), stranger), maxSignatures+1), soon, "more than 32 signatures"},
	} {
		why, ok := c.ring.verify(c.text, c.signature, c.now)
		if ok != (c.want == "") || !strings.Contains(strings.Join(why, "\n"), c.want) {
			t.Errorf("%s: %v, %q, want %q", c.name, ok, why, c.want)
		}
	}
}

// Keys are read as apt's users have them; anything else is told apart.
func TestReadKeys(t *testing.T) {
	one, two := newKey(t, 0), newKey(t, 0)
	var binary, private bytes.Buffer
	one.Serialize(&binary)
	two.Serialize(&binary)
	one.SerializePrivate(&private, nil)
	for _, c := range []struct {
		name string
		data []byte
		keys int
		want string
	}{
		{"binary", binary.Bytes(), 2, ""},
		{"armoured", public(t, one), 1, ""},
		{"two blocks and prose", slices.Concat([]byte("our keys:\n"), public(t, one, two), []byte("thanks\n")), 2, ""},
		{"carriage returns", bytes.ReplaceAll(public(t, one), []byte("\n"), []byte("\r\n")), 1, ""},
		{"empty", nil, 0, "no OpenPGP public key is in it"},
		{"HTML", []byte("<html>not found</html>"), 0, "tag byte does not have MSB set"},
		{"private", private.Bytes(), 0, "private key"},
		{"a signature", detached(t, []byte("x"), true, one), 0, "it holds a pgp signature"},
		{"cut", public(t, one)[:150], 0, "unexpected EOF"},
		{"long", make([]byte, maxKeys+1), 0, "at most"},
	} {
		ring, err := readKeys("test", c.data)
		if c.want == "" && (err != nil || len(ring.keys) != c.keys) {
			t.Errorf("%s: %d keys, %v", c.name, len(ring.keys), err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// What this package makes of a cleartext signature is what gpg makes of it.
func TestCleartextAsGPG(t *testing.T) {
	gpgv, err := exec.LookPath("gpgv")
	if err != nil {
		t.Skip("no gpgv here")
	}
	key := mirrorKey()
	var ring bytes.Buffer
	key.Serialize(&ring)
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "ring.gpg"), ring.Bytes(), 0o600)
	for _, text := range []string{"a\n", "- dash\n-----x\n", "space \t\nend\n", "last line", "\n\nempty lines\n\n", "a\r\nb\r\n"} {
		file := inRelease(t, text, at(signedAt), key)
		got, signed, signature, err := cleartext(file)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if why, ok := (keyring{keys: openpgp.EntityList{key}}).verify(signed, signature, time.Time{}); !ok {
			t.Errorf("%q: %q", text, why)
		}
		os.WriteFile(filepath.Join(dir, "InRelease"), file, 0o600)
		cmd := exec.Command(gpgv, "--homedir", dir, "--keyring", filepath.Join(dir, "ring.gpg"), "--output", "-", filepath.Join(dir, "InRelease"))
		want, err := cmd.Output()
		if err != nil {
			t.Errorf("%q: gpgv: %v", text, err)
		}
		if strings.TrimRight(string(got), "\n") != strings.TrimRight(strings.ReplaceAll(string(want), " \t\n", "\n"), "\n") {
			t.Errorf("%q reads as %q, by gpgv as %q", text, got, want)
		}
	}
}
