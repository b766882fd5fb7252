package sandbox

import (
	"context"
	"os"
	"strings"
	"testing"

	"wheelwright/fault"
)

// A folder given as a stream would be a way out by openat.
func TestFolderAsStream(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c := Command{Root: t.TempDir(), Args: []string{"/bin/true"}, Stdin: dir}
	if _, err := c.Run(context.Background()); fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), "descriptor 0 is a folder") {
		t.Errorf("a folder as standard input: %v", err)
	}
}
