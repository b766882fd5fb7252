package deb

import (
	"bytes"
	"crypto"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// signedAt is when tests sign, keyMade when their keys were made.
var (
	keyMade  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	signedAt = time.Date(2026, 7, 11, 10, 16, 37, 0, time.UTC)
)

// at is a configuration with a clock that stands still.
func at(now time.Time) *packet.Config {
	return &packet.Config{Time: func() time.Time { return now }, Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA256}
}

// newKey makes a key pair that lives for so many seconds, 0: for ever.
func newKey(t testing.TB, lifetime uint32) *openpgp.Entity {
	t.Helper()
	c := at(keyMade)
	c.KeyLifetimeSecs = lifetime
	e, err := openpgp.NewEntity("archive of a test", "", "archive@example.test", c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// mirrorKey is the one key of this process's mirrors.
var mirrorKey = sync.OnceValue(func() *openpgp.Entity {
	e, err := openpgp.NewEntity("mirror of a test", "", "mirror@example.test", at(keyMade))
	if err != nil {
		panic(err)
	}
	return e
})

// public is the public half of keys, armoured, a block each.
func public(t testing.TB, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, k := range keys {
		w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Serialize(w); err != nil {
			t.Fatal(err)
		}
		w.Close()
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func keyFile(t testing.TB, keys ...*openpgp.Entity) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "archive.asc")
	if err := os.WriteFile(file, public(t, keys...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// inRelease signs text in the clear, by each of the keys.
func inRelease(t testing.TB, text string, c *packet.Config, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var private []*packet.PrivateKey
	for _, k := range keys {
		private = append(private, k.PrivateKey)
	}
	var b bytes.Buffer
	w, err := clearsign.EncodeMulti(&b, private, c)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// detached signs text as Release.gpg does.
func detached(t testing.TB, text []byte, armoured bool, key *openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	sign := openpgp.DetachSign
	if armoured {
		sign = openpgp.ArmoredDetachSign
	}
	if err := sign(&b, key, bytes.NewReader(text), at(signedAt)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// publish puts the index of a suite's main component on the mirror, packed in
// the ways of the suffixes.
func (m *mirror) publish(suite string, text []byte, suffixes ...string) {
	base := "/dists/" + suite + "/main/binary-amd64/Packages"
	for _, s := range []string{"", ".gz", ".xz"} {
		delete(m.files, base+s)
	}
	m.plain[base] = text
	for _, s := range suffixes {
		m.files[base+s] = packed(s, text)
	}
}

// listing are the lines of a Release about the indexes below a folder.
func (m *mirror) listing(folder string) string {
	all := maps.Clone(m.plain)
	maps.Copy(all, m.files)
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if rest, ok := strings.CutPrefix(path, folder); ok && strings.Contains(rest, "Packages") {
			fmt.Fprintf(&b, " %s %d %s\n", hashOf(all[path]), len(all[path]), rest)
		}
	}
	return b.String()
}

// text is the Release of a suite; fields are more lines, and a Date among
// them is taken for the usual one.
func (m *mirror) text(suite, fields string) string {
	if !strings.Contains(fields, "Date:") {
		fields += "Date: " + signedAt.Format(time.RFC1123) + "\n"
	}
	return fmt.Sprintf("Suite: x\nVersion: 12.9\nCodename: %s\n%sSHA256:\n%s", suite, fields, m.listing("/dists/"+suite+"/"))
}

// sign writes the InRelease of a suite from what it publishes.
func (m *mirror) sign(t testing.TB, suite, fields string) {
	t.Helper()
	m.files["/dists/"+suite+"/InRelease"] = inRelease(t, m.text(suite, fields), at(signedAt), mirrorKey())
}
