package deb

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"wheelwright/fault"
)

// KeyringVariable is the environment variable that names a file of OpenPGP
// public keys that are trusted for the Debian archives besides Debian's own:
// those of a company's mirror that signs anew.
const KeyringVariable = "WHEELWRIGHT_DEBIAN_KEYRING"

// keys/README.md says where they come from.
//
//go:embed keys/*.gpg
var keyFiles embed.FS

// archiveKeys are the keys that sign a release of Debian: of its archive, its
// security archive and its release team; of other releases none.
func archiveKeys(codename string) (keyring, error) {
	files, err := keyFiles.ReadDir("keys")
	if err != nil {
		return keyring{}, err
	}
	whose := "the archive keys of Debian " + codename
	var ring keyring
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "debian-archive-"+codename+"-") {
			continue
		}
		data, err := keyFiles.ReadFile("keys/" + f.Name())
		if err != nil {
			return keyring{}, err
		}
		one, err := readKeys(whose, data)
		if err != nil {
			return keyring{}, fmt.Errorf("%s: %w", f.Name(), err)
		}
		ring = keyring{from: whose, keys: append(ring.keys, one.keys...)}
	}
	if len(ring.keys) == 0 {
		return ring, fault.New(fault.Input, "debian release %s", codename).
			Because("its archive keys are not among those of this program")
	}
	return ring, nil
}

// trusted are the keys for a release of Debian: its own and those that the
// user's environment adds, of which note tells.
func (o Options) trusted(codename string) (ring keyring, note string, err error) {
	if ring, err = archiveKeys(codename); err != nil || o.Env == nil || o.Env(KeyringVariable) == "" {
		return ring, "", err
	}
	file := o.Env(KeyringVariable)
	more, err := readKeyFile(file)
	if err != nil {
		return ring, "", fault.New(fault.Input, "%s %s", KeyringVariable, file).Wrap(err).
			Try("name a file of OpenPGP public keys, or unset the variable")
	}
	// The user's copy of a key counts before ours: it may live longer.
	return more.and(ring), fmt.Sprintf("%s is set: packages signed by %s are believed as Debian's own", KeyringVariable, more.ids()), nil
}

func readKeyFile(file string) (keyring, error) {
	f, err := os.Open(file)
	if err != nil {
		return keyring{}, bareFile(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeys+1))
	if err != nil {
		return keyring{}, bareFile(err)
	}
	return readKeys("the keys of "+KeyringVariable, data)
}

// bareFile drops the path that os puts into its errors.
func bareFile(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
