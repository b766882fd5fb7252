package graphs

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// file is the one wheel of a release.
type file struct {
	name     string
	bytes    []byte
	sha256   string
	metadata []byte
	release  *Release
}

var extraMark = regexp.MustCompile(`extra\s*==\s*['"]([^'"]+)['"]`)

// metadataOf is the METADATA of a release.
func metadataOf(project string, r *Release) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", project, r.Version)
	if r.RequiresPython != "" {
		fmt.Fprintf(&b, "Requires-Python: %s\n", r.RequiresPython)
	}
	var extras []string
	for _, d := range r.RequiresDist {
		for _, m := range extraMark.FindAllStringSubmatch(d, -1) {
			extras = append(extras, m[1])
		}
	}
	slices.Sort(extras)
	for _, x := range slices.Compact(extras) {
		fmt.Fprintf(&b, "Provides-Extra: %s\n", x)
	}
	for _, d := range r.RequiresDist {
		fmt.Fprintf(&b, "Requires-Dist: %s\n", d)
	}
	return b.Bytes()
}

// wheelOf makes the wheel of a release: the same bytes each time.
func wheelOf(project string, r *Release) (file, error) {
	stem := strings.ReplaceAll(project, "-", "_") + "-" + r.Version
	f := file{name: stem + "-py3-none-any.whl", metadata: metadataOf(project, r), release: r}
	members := []struct{ name, text string }{
		{stem + ".dist-info/METADATA", string(f.metadata)},
		{stem + ".dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: graphs\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{stem + ".dist-info/RECORD", ""},
	}
	for _, m := range members {
		members[2].text += m.name + ",,\n"
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store})
		if err != nil {
			return file{}, err
		}
		if _, err := w.Write([]byte(m.text)); err != nil {
			return file{}, err
		}
	}
	if err := z.Close(); err != nil {
		return file{}, err
	}
	f.bytes = b.Bytes()
	sum := sha256.Sum256(f.bytes)
	f.sha256 = hex.EncodeToString(sum[:])
	return f, nil
}
