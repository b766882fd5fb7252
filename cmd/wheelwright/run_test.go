package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestByteSize(t *testing.T) {
	for s, want := range map[string]int64{
		"": 0, "1": 1, "1073741824": 1 << 30, "512M": 512 << 20, "8G": 8 << 30, "8g": 8 << 30, "8GiB": 8 << 30, "4kb": 4 << 10, "2T": 2 << 40,
		"0": -1, "-1": -1, "G": -1, "8X": -1, "1.5G": -1, "8GG": -1, "9223372036854775807T": -1, "8 G": -1, "8ib": -1, "8i": -1, "8b": 8,
	} {
		n, err := byteSize("--memory", s)
		if want < 0 && err == nil || want >= 0 && (n != want || err != nil) {
			t.Errorf("%q is %d, %v; want %d", s, n, err, want)
		}
	}
}

func TestBound(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "a:b")
	if err := os.Mkdir(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]string{
		dir + ":/data":       dir + " /data false",
		dir + ":/data/:ro":   dir + " /data true",
		dir + ":/data:rw":    dir + " /data false",
		odd + ":/x/../y":     odd + " /y false",
		"../wheelwright:/up": "wheelwright /up false",
		dir:                  "it is not SRC:DST",
		dir + ":ro":          "it is not SRC:DST",
		dir + ":data":        "no absolute path",
		dir + ":/":           "no absolute path",
		dir + ":/..":         "no absolute path",
		dir + ":":            "no absolute path",
		dir + "/gone:/x":     "no such file",
		":/x":                "it is not SRC:DST",
	} {
		b, err := bound([]string{s})
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(b[0].From, " ", b[0].To, " ", b[0].ReadOnly)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("LAYOUT_TEST", "own")
	got, err := environment([]string{"A=1=2", "B=", "LAYOUT_TEST", "LAYOUT_TEST_GONE"})
	if fmt.Sprint(got) != "[A=1=2 B= LAYOUT_TEST=own]" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, s := range []string{"", "=x", "A=\x00"} {
		if _, err := environment([]string{s}); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
