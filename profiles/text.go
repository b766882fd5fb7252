package profiles

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"go.yaml.in/yaml/v3"
)

// YAML is the merged profile in canonical text: keys in the order of
// design.md section 5, defaults written out, folders relative to the
// profile's own, no credentials. Read back from that folder it is the same
// profile.
func (p Profile) YAML() []byte {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(p.written); err != nil {
		panic("profiles: a checked profile cannot be written: " + err.Error())
	}
	enc.Close()
	return b.Bytes()
}

// Digest is the sha256 of YAML, "sha256:" and 64 hex digits.
func (p Profile) Digest() string {
	sum := sha256.Sum256(p.YAML())
	return "sha256:" + hex.EncodeToString(sum[:])
}
