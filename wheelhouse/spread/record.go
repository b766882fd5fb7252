package spread

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"wheelwright/wheelhouse/whl"
)

// record is the text of RECORD for what is placed, its own line included:
// paths relative to site-packages, sorted; hash and size of a member as the
// wheel's RECORD has them, of what is made here as it is; nothing for RECORD
// itself. Lines end in CR LF, which is what Python's csv module and so pip
// write.
func (l *layout) record(self string) ([]byte, error) {
	lines, err := l.wheel.Record()
	if err != nil {
		return nil, err
	}
	listed := make(map[string]whl.RecordLine, len(lines))
	for _, line := range lines {
		listed[path.Clean(line.Path)] = line
	}
	up := strings.Repeat("../", strings.Count(l.scheme.site(), "/")+1)
	rows := map[string]string{self[len(l.scheme.site())+1:]: ",,"}
	for rel, p := range l.at {
		if rel == self {
			continue
		}
		name, ok := strings.CutPrefix(rel, l.scheme.site()+"/")
		if !ok {
			name = relative(rel, l.scheme.site(), up)
		}
		rows[name] = row(p, listed[p.source])
	}
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		out.WriteString(quoted(name))
		out.WriteString(rows[name])
		out.WriteString("\r\n")
	}
	return out.Bytes(), nil
}

// relative is rel as seen from dir, both relative to the prefix; up climbs
// from dir to the prefix. What shares the first folders of dir climbs less.
func relative(rel, dir, up string) string {
	for _, part := range strings.Split(dir, "/") {
		rest, ok := strings.CutPrefix(rel, part+"/")
		if !ok {
			break
		}
		rel, up = rest, up[len("../"):]
	}
	return up + rel
}

// row is a line of RECORD after the path.
func row(p placed, line whl.RecordLine) string {
	if p.entry.Member == nil {
		sum := sha256.Sum256(p.entry.Literal)
		return fmt.Sprintf(",sha256=%s,%d", base64.RawURLEncoding.EncodeToString(sum[:]), len(p.entry.Literal))
	}
	if line.Path == "" {
		return ",," // the wheel's RECORD does not list it
	}
	size := ""
	if line.Size >= 0 {
		size = strconv.FormatInt(line.Size, 10)
	}
	return "," + quoted(line.Hash) + "," + size
}

// quoted is a CSV field, quoted only where it must be.
func quoted(field string) string {
	if strings.ContainsAny(field, ",\"\r\n") {
		return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
	}
	return field
}
