//go:build live

package deflate_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os/exec"
	"testing"

	"wheelwright/images/layer/deflate"
)

// The inflaters that unpack images elsewhere: zlib, and gzip's own.
func TestForeignInflaters(t *testing.T) {
	for _, in := range inputs() {
		packed := new(deflate.Encoder).Append(nil, in.data)
		member := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, packed...)
		member = binary.LittleEndian.AppendUint32(member, crc32.ChecksumIEEE(in.data))
		member = binary.LittleEndian.AppendUint32(member, uint32(len(in.data)))
		for _, c := range []struct {
			input []byte
			argv  []string
		}{
			{packed, []string{"python3", "-c", "import sys,zlib\nd=zlib.decompressobj(-15)\nsys.stdout.buffer.write(d.decompress(sys.stdin.buffer.read()))\nassert d.eof and not d.unused_data"}},
			{member, []string{"gunzip", "-c"}},
			{member, []string{"pigz", "-dc"}},
			{member, []string{"igzip", "-dc"}},
		} {
			if _, err := exec.LookPath(c.argv[0]); err != nil {
				t.Logf("%s is not here", c.argv[0])
				continue
			}
			cmd := exec.Command(c.argv[0], c.argv[1:]...)
			cmd.Stdin = bytes.NewReader(c.input)
			got, err := cmd.Output()
			if err != nil || !bytes.Equal(got, in.data) {
				t.Errorf("%s, %s: %d bytes of %d, %v", in.name, c.argv[0], len(got), len(in.data), err)
			}
		}
	}
}
