//go:build live

package images

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// killSize is that of each blob, in bytes.
const killSize = 1 << 20

// killParts are what the killed pushes send.
func killParts() (out []part, data [][]byte) {
	for k := range uint64(120) {
		b := noise(killSize, 100+k)
		p, _ := bytesPart(b)
		out, data = append(out, p), append(data, b)
	}
	return out, data
}

// TestLiveKilledChild is the process that TestLiveKilled kills. It prints how
// many bytes it finds to send.
func TestLiveKilledChild(t *testing.T) {
	host := os.Getenv("WHEELWRIGHT_TEST_PUSH")
	if host == "" {
		t.Skip("it is run by TestLiveKilled")
	}
	pace.chunk = 256 << 10
	parts, _ := killParts()
	var total int64
	w := writerTo(t, host, "env", WriteOptions{Progress: func(_, all int64) { total = all }})
	fmt.Println("begin")
	var wait sync.WaitGroup
	for _, p := range parts {
		wait.Go(func() {
			if err := w.bring(t.Context(), p, "layer"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	fmt.Printf("sent %d\n", total)
}

// A push that is killed ten times at random ends right, and what was there is
// not sent again.
func TestLiveKilled(t *testing.T) {
	hurry(t)
	r := startRegistry(t, "")
	parts, data := killParts()
	stored := func(p part) ([]byte, error) {
		return os.ReadFile(filepath.Join(r.dir, "data/docker/registry/v2/blobs/sha256", p.digest.Hex[:2], p.digest.Hex, "data"))
	}
	left := func() (n int64) {
		for _, p := range parts {
			if _, err := stored(p); err != nil {
				n += killSize
			}
		}
		return n
	}
	child := func() (*exec.Cmd, *bytes.Buffer) {
		c, out := exec.Command(os.Args[0], "-test.run=^TestLiveKilledChild$", "-test.v"), &bytes.Buffer{}
		c.Env = append(os.Environ(), "WHEELWRIGHT_TEST_PUSH="+r.host)
		c.Stdout = out
		return c, out
	}
	for range 10 {
		c, _ := child()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for before, end := left(), time.Now().Add(10*time.Second); left() > before-2*killSize && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(30 * time.Millisecond))))
		c.Process.Kill()
		c.Wait()
	}
	want := left()
	if want == 0 || want == int64(len(parts))*killSize {
		t.Errorf("%d bytes left after ten kills: nothing is shown", want)
	}
	for _, want := range []int64{want, 0} {
		c, out := child()
		if err := c.Run(); err != nil || !strings.Contains(out.String(), fmt.Sprintf("sent %d\n", want)) {
			t.Errorf("want %d bytes sent; %v:\n%s", want, err, out)
		}
	}
	for k, p := range parts {
		if got, err := stored(p); err != nil || !bytes.Equal(got, data[k]) {
			t.Errorf("%s: %d bytes stored, %v", p, len(got), err)
		}
	}
	t.Logf("after ten kills %d of %d bytes were left to send", want, int64(len(parts))*killSize)
}
