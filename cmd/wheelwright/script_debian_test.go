package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/rogpeppe/go-internal/testscript"
)

// archiveKey signs what cmdDebian writes; its keys are no older than the clock
// of this machine says.
var archiveKey = sync.OnceValue(func() *openpgp.Entity {
	long := time.Now().Add(-24 * time.Hour)
	e, err := openpgp.NewEntity("archive of a test", "", "archive@example.test",
		&packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return long }})
	if err != nil {
		panic(err)
	}
	return e
})

// keyring is the public half of archiveKey, armoured.
func keyring() []byte {
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		panic(err)
	}
	if err := archiveKey().Serialize(w); err != nil {
		panic(err)
	}
	w.Close()
	return b.Bytes()
}

// roots are the packages that an archive of cmdDebian has at version 1, but
// python3 at 3.11.
var roots = []string{
	"base-files", "base-passwd", "ca-certificates", "dash", "gcc", "libc-bin", "libc6", "libgomp1", "libstdc++6",
	"netbase", "python3", "python3-venv", "tzdata",
}

// cmdDebian writes a Debian archive of small packages into a folder: suite
// bookworm of the given point release, its updates and its security suite, the
// last two empty. What was there goes.
func cmdDebian(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: debian DIR RELEASE [PACKAGE=VERSION…]")
	}
	dir, release := ts.MkAbs(args[0]), args[1]
	ts.Check(os.RemoveAll(dir))
	write := func(path string, data []byte) {
		path = filepath.Join(dir, path)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, data, 0o644))
	}
	versions := map[string]string{"python3": "3.11.1-1"}
	names := slices.Clone(roots)
	for _, s := range args[2:] {
		name, version, _ := strings.Cut(s, "=")
		if versions[name] = version; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var index bytes.Buffer
	for _, name := range names {
		version := versions[name]
		if version == "" {
			version = "1"
		}
		data := debFile(name, version)
		path := fmt.Sprintf("pool/main/%c/%s/%s_%s_amd64.deb", name[0], name, name, version)
		write(path, data)
		fmt.Fprintf(&index, "Package: %s\nVersion: %s\nArchitecture: amd64\nFilename: %s\nSize: %d\nSHA256: %x\n\n",
			name, version, path, len(data), sha256.Sum256(data))
	}
	for _, suite := range []string{"bookworm", "bookworm-updates", "bookworm-security"} {
		text := index.Bytes()
		if suite != "bookworm" {
			text = nil
		}
		write("dists/"+suite+"/main/binary-amd64/Packages", text)
		plain := fmt.Sprintf("Version: %s\nCodename: %s\nDate: %s\nSHA256:\n %x %d main/binary-amd64/Packages\n",
			release, suite, time.Now().UTC().Add(-time.Hour).Format(time.RFC1123), sha256.Sum256(text), len(text))
		var signed bytes.Buffer
		w, err := clearsign.Encode(&signed, archiveKey().PrivateKey, nil)
		ts.Check(err)
		_, err = w.Write([]byte(plain))
		ts.Check(err)
		ts.Check(w.Close())
		write("dists/"+suite+"/InRelease", append(signed.Bytes(), '\n'))
	}
}

// debFile is a .deb with one file that tells its version, and what a base
// cannot be without.
func debFile(name, version string) []byte {
	files := map[string]string{"usr/share/" + name + "/version": version}
	switch name {
	case "python3":
		files["usr/bin/python3.11"] = "python"
	case "base-passwd":
		files["usr/share/base-passwd/passwd.master"] = "root:*:0:0:root:/root:/bin/sh\n"
		files["usr/share/base-passwd/group.master"] = "root:*:0:\n"
	case "base-files":
		files["bin/.keep"] = ""
		files["etc/os-release"] = "ID=debian\nVERSION_CODENAME=bookworm\n"
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: x\nDescription: x\n", name, version)
	meta := map[string]string{"control": control}
	if name == "netbase" {
		meta["postinst"] = "#!/bin/sh\nexec update-something\n"
	}
	b := []byte("!<arch>\n")
	for _, m := range []struct {
		name string
		data []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar", tarFile(meta)}, {"data.tar", tarFile(files)}} {
		b = append(b, fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, 0, 0, 0, "100644", len(m.data))...)
		if b = append(b, m.data...); len(m.data)%2 == 1 {
			b = append(b, '\n')
		}
	}
	return b
}

func tarFile(files map[string]string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		mode := int64(0o644)
		if strings.Contains(name, "/bin/") {
			mode = 0o755
		}
		w.WriteHeader(&tar.Header{Name: "./" + name, Mode: mode, Size: int64(len(files[name])), Typeflag: tar.TypeReg})
		w.Write([]byte(files[name]))
	}
	w.Close()
	return b.Bytes()
}

// cmdFlip changes one bit in the middle of a file, which it makes its own
// first: it may be a link to the cache's.
func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip FILE")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d files are called %s", len(found), args[0])
	}
	data, err := os.ReadFile(found[0])
	ts.Check(err)
	data[len(data)/2] ^= 1
	ts.Check(os.Remove(found[0]))
	ts.Check(os.WriteFile(found[0], data, 0o644))
}
