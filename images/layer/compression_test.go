package layer

import (
	"os"
	"strings"
	"testing"
)

// What is known of a layer in zstd is known of one encoder: another release
// may give other bytes, and must have another key.
func TestEncoderIsTheOneInUse(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	name, version, _ := strings.Cut(strings.TrimSuffix(zstdEncoder, ", default level"), " ")
	if !strings.Contains(string(mod), "github.com/"+name+" "+version+"\n") {
		t.Errorf("go.mod has another release than %s", zstdEncoder)
	}
}
