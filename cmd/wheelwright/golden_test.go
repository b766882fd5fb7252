package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
	"wheelwright/internal/recorded"
	"wheelwright/profiles"
	"wheelwright/solver/lock"
)

// TestGoldenLocks locks every shipped profile on the recorded index and
// compares the bytes with testdata/golden; what is refused is compared too.
func TestGoldenLocks(t *testing.T) {
	index := recorded.Start(t, recorded.Options{})
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	for _, name := range []string{"PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"} {
		t.Setenv(name, "")
	}
	for _, name := range profiles.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "pylock.toml")
			args := []string{"lock", "--profile", name, "-o", path, "--cache-dir", dir + "/cache", "--index-url", index.Simple}
			if strings.HasSuffix(name, "_cu118") {
				args = append(args, "--index", "pytorch-cu118="+index.CU118)
			}
			var stdout, stderr bytes.Buffer
			code := run(context.Background(), args, &stdout, &stderr)
			file, got := "pylock."+name+".toml", []byte(nil)
			switch fault.Kind(code) {
			case 0:
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if l, err := lock.Parse(text); err != nil {
					t.Errorf("the lock does not parse: %v", err)
				} else if !bytes.Equal(l.Marshal(), text) {
					t.Error("the lock is not canonical")
				}
				host := strings.TrimSuffix(index.Simple, "/simple")
				text = bytes.ReplaceAll(text, []byte(host), []byte("https://index.test"))
				got = text
			case fault.Unsatisfiable:
				file, got = "refused."+name+".txt", stderr.Bytes()
			default:
				t.Fatalf("exit %d\n%s", code, &stderr)
			}
			golden := filepath.Join("../../testdata/golden", file)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("%s (-want +got):\n%s", file, d)
			}
		})
	}
}
