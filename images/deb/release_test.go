package deb

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
)

// A Release that is not as it was signed, or not by whom, is refused with
// exit code 5, and what to do is told.
func TestForgedRelease(t *testing.T) {
	const where = "/dists/bookworm/InRelease"
	stranger := newKey(t, 0)
	brief := newKey(t, 3600)
	edit := func(change func(m *mirror, file []byte) []byte) func(*mirror) {
		return func(m *mirror) { m.files[where] = change(m, bytes.Clone(m.files[where])) }
	}
	replace := func(old, now string) func(*mirror) {
		return edit(func(_ *mirror, file []byte) []byte {
			if !bytes.Contains(file, []byte(old)) {
				t.Fatalf("no %q in the file", old)
			}
			return bytes.Replace(file, []byte(old), []byte(now), 1)
		})
	}
	m := newMirror(t, world(t)...)
	files, keyring := m.files, m.keyring
	evil := "SHA256:\n " + strings.Repeat("0", 64) + " 1 main/binary-amd64/Packages\n"
	for name, c := range map[string]struct {
		spoil func(m *mirror)
		want  string
	}{
		"another's key": {edit(func(m *mirror, _ []byte) []byte { return inRelease(t, m.text("bookworm", ""), at(signedAt), stranger) }),
			"which is not trusted"},
		"a key that expired": {edit(func(m *mirror, _ []byte) []byte {
			m.keyring = keyFile(t, brief, mirrorKey())
			return inRelease(t, m.text("bookworm", ""), at(keyMade), brief)
		}), "the key has expired"},
		"unsigned":                {edit(func(m *mirror, _ []byte) []byte { return []byte(m.text("bookworm", "")) }), "does not begin with a signed message"},
		"altered":                 {replace("Version: 12.9", "Version: 12.8"), "not what was signed"},
		"altered dash":            {replace("Suite: x", "Suite: - x"), "not what was signed"},
		"text before":             {edit(func(_ *mirror, f []byte) []byte { return slices.Concat([]byte(evil), f) }), "does not begin with a signed message"},
		"text after":              {edit(func(_ *mirror, f []byte) []byte { return slices.Concat(f, []byte(evil)) }), "text after its signature"},
		"two messages":            {edit(func(_ *mirror, f []byte) []byte { return slices.Concat(f, f) }), "text after its signature"},
		"a message in a message":  {replace("Suite: x", "-----BEGIN PGP SIGNED MESSAGE-----"), "does not belong there"},
		"text among the headers":  {replace("\n\n", "\nCodename: evil\n\n"), "headers besides Hash"},
		"text in the signature":   {replace("-----BEGIN PGP SIGNATURE-----\n", "-----BEGIN PGP SIGNATURE-----\n\n"+evil), "is not as it was signed"},
		"a line break that hides": {replace("Suite: x\n", "Suite: x\rEvil: y\n"), "control characters"},
		"cut":                     {edit(func(_ *mirror, f []byte) []byte { return f[:len(f)-40] }), "cut before the end of its signature"},
		"no signature in it":      {replace("-----BEGIN PGP SIGNATURE-----", "- -----"), "is not as it was signed"},
		"another codename": {edit(func(m *mirror, _ []byte) []byte {
			return inRelease(t, strings.Replace(m.text("bookworm", ""), "Codename: bookworm", "Codename: trixie", 1), at(signedAt), mirrorKey())
		}),
			`its Release says codename "trixie"`},
		"no date": {edit(func(m *mirror, _ []byte) []byte {
			return inRelease(t, strings.Replace(m.text("bookworm", ""), "Date: ", "Day: ", 1), at(signedAt), mirrorKey())
		}), "has no Date"},
		"expired":      {func(m *mirror) { m.sign(t, "bookworm", "Valid-Until: Sat, 11 Jul 2026 10:20:00 UTC\n") }, "its Release has expired"},
		"no such date": {func(m *mirror) { m.sign(t, "bookworm", "Valid-Until: soon\n") }, `Valid-Until: "soon" is no date`},
		"another zone": {func(m *mirror) { m.sign(t, "bookworm", "Valid-Until: Sun, 12 Jul 2026 10:20:00 EST\n") }, "is no date"},
		"of the future": {edit(func(m *mirror, _ []byte) []byte {
			return inRelease(t, m.text("bookworm", ""), at(signedAt.AddDate(0, 0, 2)), mirrorKey())
		}), "in the future"},
	} {
		m.files, m.keyring = maps.Clone(files), keyring
		c.spoil(m)
		o := m.options(t)
		err := m.read(t, o)
		text := fault.Render(err)
		if fault.KindOf(err) != fault.Integrity || !strings.Contains(text, c.want) || !strings.Contains(text, "\nnext: ") {
			t.Errorf("%s: kind %d, want %q in\n%s", name, fault.KindOf(err), c.want, text)
		}
		if _, err := os.Stat(keptAs(o, m.URL+"/dists/bookworm")); err == nil {
			t.Errorf("%s: it is kept", name)
		}
	}
}

// keptAs is where the Release of a suite's folder is kept.
func keptAs(o Options, folder string) string {
	return filepath.Join(o.CacheDir, "debs", "release-"+hashOf([]byte(folder+"/InRelease")))
}

// A fault about a signature says who signed and who is trusted.
func TestWhoSigned(t *testing.T) {
	m := newMirror(t, world(t)...)
	o := m.options(t)
	o.Env = func(name string) string {
		if name == KeyringVariable {
			return ""
		}
		return m.env(name)
	}
	text := fault.Render(m.read(t, o))
	for _, want := range []string{"signed by " + mirrorKey().PrimaryKey.KeyIdString() + ", which is not trusted", "6ED0E7B82643E131", "the archive keys of Debian bookworm", KeyringVariable} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestKeyringVariable(t *testing.T) {
	m := newMirror(t, world(t)...)
	o := m.options(t)
	p, err := Resolve(context.Background(), o)
	if err != nil || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], KeyringVariable) || !strings.Contains(p.Notes[0], mirrorKey().PrimaryKey.KeyIdString()) {
		t.Errorf("notes %q, %v", p.Notes, err)
	}
	if p.At != "2026-07-11T10:16:37Z" {
		t.Errorf("at %s", p.At)
	}
	bad := filepath.Join(t.TempDir(), "ring.gpg")
	os.WriteFile(bad, []byte("no keys"), 0o600)
	for _, file := range []string{bad, bad + ".gone", t.TempDir()} {
		m.keyring = file
		if err := m.read(t, o); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), file) {
			t.Errorf("keyring %s: %v", file, err)
		}
	}
}

// Of two Releases the newer counts, whichever the mirror serves now.
func TestRolledBackRelease(t *testing.T) {
	debs := world(t)
	m := newMirror(t, append(debs, fakeDeb{"bookworm-security", "netbase", "7", "", nil})...)
	m.sign(t, "bookworm-security", "Date: Sat, 11 Jul 2026 10:16:38 UTC\nValid-Until: Sat, 18 Jul 2026 10:16:38 UTC\n")
	o := m.options(t)
	netbase := func() (version string, notes []string) {
		t.Helper()
		p, err := Resolve(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(p.Packages, func(d Package) bool { return d.Name == "netbase" })
		return p.Packages[i].Version, p.Notes[1:]
	}
	if v, notes := netbase(); v != "7" || len(notes) > 0 {
		t.Fatalf("netbase %s, notes %q", v, notes)
	}
	old := newMirror(t, debs...)
	m.files = old.files
	if v, notes := netbase(); v != "7" || len(notes) != 1 || !strings.Contains(notes[0], "2026-07-11 10:16:37 UTC, older than that of 2026-07-11 10:16:38 UTC") {
		t.Errorf("rolled back: netbase %s, notes %q", v, notes)
	}
	o.Offline = true
	if v, notes := netbase(); v != "7" || len(notes) > 0 {
		t.Errorf("offline: netbase %s, notes %q", v, notes)
	}
	o.Offline = false
	o.Now = func() time.Time { return signedAt.AddDate(0, 0, 30) }
	if err := m.read(t, o); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "expired") {
		t.Errorf("the newer one has expired: %v", err)
	}
	o.CacheDir = t.TempDir() // nothing is known of the newer one
	if err := m.read(t, o); err != nil {
		t.Errorf("with an empty cache: %v", err)
	}
}

// Offline the clock plays no part, the signature does.
func TestOfflineRelease(t *testing.T) {
	m := newMirror(t, world(t)...)
	m.sign(t, "bookworm", "Valid-Until: Sat, 18 Jul 2026 10:16:38 UTC\n")
	o := m.options(t)
	if err := m.read(t, o); err != nil {
		t.Fatal(err)
	}
	o.Offline, o.Now = true, func() time.Time { return signedAt.AddDate(40, 0, 0) }
	if err := m.read(t, o); err != nil {
		t.Errorf("forty years on: %v", err)
	}
	kept := keptAs(o, m.URL+"/dists/bookworm")
	data, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(kept, bytes.Replace(data, []byte("12.9"), []byte("12.8"), 1), 0o644)
	err = m.read(t, o)
	if fault.KindOf(err) != fault.Integrity || !strings.Contains(fault.Render(err), "cache:") || !strings.Contains(fault.Render(err), "run once without --offline") {
		t.Errorf("altered in the cache: %v", err)
	}
	o.Offline, o.Now = false, m.options(t).Now
	if err := m.read(t, o); err != nil {
		t.Errorf("a damaged cache stands in the way: %v", err)
	}
}

// One bit of an index, in any packing, or of a package is one too many.
func TestFlippedBits(t *testing.T) {
	m := newMirror(t, world(t)...)
	for _, suffix := range []string{"", ".gz", ".xz"} {
		for _, byHash := range []bool{false, true} {
			const at = "/dists/bookworm/main/binary-amd64/Packages"
			m.publish("bookworm", m.plain[at], suffix)
			fields := ""
			if byHash {
				fields = "Acquire-By-Hash: yes\n"
			}
			m.sign(t, "bookworm", fields)
			if err := m.read(t, m.options(t)); err != nil {
				t.Fatalf("Packages%s: %v", suffix, err)
			}
			data := bytes.Clone(m.files[at+suffix])
			sum := hashOf(data)
			data[len(data)/2] ^= 1
			m.files[at+suffix] = data
			if byHash {
				m.files["/dists/bookworm/main/binary-amd64/by-hash/SHA256/"+sum] = data
			}
			if err := m.read(t, m.options(t)); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "sha256") {
				t.Errorf("Packages%s, by hash %v: %v", suffix, byHash, err)
			}
		}
	}
	m.publish("bookworm", m.plain["/dists/bookworm/main/binary-amd64/Packages"], ".xz")
	m.sign(t, "bookworm", "")
	p, err := Resolve(context.Background(), m.options(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Packages[:4] {
		file := filepath.Join(t.TempDir(), d.Name)
		data := bytes.Clone(m.files["/"+d.Path])
		data[len(data)/2] ^= 1
		os.WriteFile(file, data, 0o644)
		one := &Plan{Base: p.Base, Packages: []Package{d}}
		if _, err := one.Unpack(context.Background(), func(string) string { return file }, t.TempDir(), 1); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), d.SHA256) {
			t.Errorf("%s: %v", d.Path, err)
		}
	}
}

// A mirror may have Release and its signature apart.
func TestDetachedSignature(t *testing.T) {
	const folder = "/dists/bookworm/"
	m := newMirror(t, world(t)...)
	for _, armoured := range []bool{false, true} {
		text := []byte(m.text("bookworm", ""))
		delete(m.files, folder+"InRelease")
		m.files[folder+"Release"], m.files[folder+"Release.gpg"] = text, detached(t, text, armoured, mirrorKey())
		o := m.options(t)
		first, err := Resolve(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		o.Offline = true
		if second, err := Resolve(context.Background(), o); err != nil || !slices.Equal(first.Packages, second.Packages) {
			t.Errorf("offline: %v", err)
		}
		o.Offline = false
		m.files[folder+"Release"] = bytes.Replace(text, []byte("12.9"), []byte("12.8"), 1)
		if err := m.read(t, o); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "not what was signed") {
			t.Errorf("altered: %v", err)
		}
		delete(m.files, folder+"Release.gpg")
		if err := m.read(t, o); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "not signed") {
			t.Errorf("unsigned: %v", err)
		}
	}
}

// Whatever is made of signed files, nothing but the text that was signed is
// believed.
func FuzzInRelease(f *testing.F) {
	s := suite{mirror: "https://mirror.test/debian", name: "bookworm", archive: archiveDebian}
	archive, err := os.ReadFile("../../testdata/debian/archive.asc")
	if err != nil {
		f.Fatal(err)
	}
	if s.keys, err = readKeys("the fuzz test", archive); err != nil {
		f.Fatal(err)
	}
	small, err := os.ReadFile("../../testdata/debian/then/dists/bookworm/InRelease")
	if err != nil {
		f.Fatal(err)
	}
	signed, _, _, err := cleartext(small)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{small, bytes.ReplaceAll(small, []byte("\n"), []byte("\r\n")), slices.Concat(small, small), signed} {
		f.Add(seed)
	}
	for _, codename := range []string{"bookworm", "trixie"} { // of the real ones, what is short
		file, err := os.ReadFile("testdata/" + codename + "-security.InRelease")
		if err != nil {
			f.Fatal(err)
		}
		head, rest, _ := bytes.Cut(file, []byte("SHA256:\n"))
		_, signature, _ := bytes.Cut(rest, []byte("-----BEGIN"))
		f.Add(slices.Concat(head, []byte("SHA256:\n"), rest[:200], []byte("\n-----BEGIN"), signature))
	}
	for _, codename := range codenames {
		ring, err := archiveKeys(codename)
		if err != nil {
			f.Fatal(err)
		}
		s.keys = s.keys.and(ring)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if r, err := parseRelease(file); err == nil {
			for path, l := range r.files {
				if !isSHA256(l.SHA256) || l.Size < 0 || path == "" {
					t.Fatalf("accepted %q %+v", path, l)
				}
			}
		}
		if text, over, signature, err := cleartext(file); err == nil {
			if _, ok := s.keys.verify(over, signature, time.Time{}); ok && !bytes.Equal(text, signed) {
				t.Fatalf("believed %q", text)
			}
		}
		if _, err := s.open(signedFile{Text: file}, time.Time{}); err != nil && fault.KindOf(err) != fault.Integrity {
			t.Fatalf("kind %d: %v", fault.KindOf(err), err)
		}
		s.keys.verify([]byte("x"), file, time.Time{})
		readKeys("fuzz", file)
	})
}
