package tag_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"wheelwright/solver/pep440"
	"wheelwright/solver/tag"
)

// vectors is testdata/vectors/tags.json.gz as wheeltags.py beside it tells.
type vectors struct {
	Wheels  [][2]json.RawMessage
	Targets []target
	Builds  []string
}

type target struct {
	tag.Target
	count  int
	digest string
	sample []string
}

func (t *target) UnmarshalJSON(b []byte) error {
	var row [8]json.RawMessage
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	t.Python.Major = 3
	for i, into := range []any{&t.Python.Minor, &t.Python.FreeThreaded, &t.Machine, &t.Glibc, &t.Musl, &t.count, &t.digest, &t.sample} {
		if err := json.Unmarshal(row[i], into); err != nil {
			return err
		}
	}
	return nil
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	f, err := os.Open("../../testdata/vectors/tags.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTargetVectors(t *testing.T) {
	targets := readVectors(t).Targets
	if len(targets) < 500 {
		t.Errorf("only %d targets", len(targets))
	}
	for _, want := range targets {
		hash := sha256.New()
		var sample []string
		got := want.Tags()
		for i, x := range got {
			if i > 0 {
				hash.Write([]byte("\n"))
			}
			hash.Write([]byte(x.String()))
			if i%97 == 0 {
				sample = append(sample, x.String())
			}
		}
		if len(got) != want.count || !slices.Equal(sample, want.sample) || hex.EncodeToString(hash.Sum(nil)) != want.digest {
			t.Errorf("%+v: %d tags, packaging has %d\n%q\npackaging\n%q", want.Target, len(got), want.count, sample, want.sample)
		}
	}
}

func TestWheelVectors(t *testing.T) {
	for _, row := range readVectors(t).Wheels {
		var file string
		var want *[4]json.RawMessage
		if json.Unmarshal(row[0], &file) != nil || json.Unmarshal(row[1], &want) != nil {
			t.Fatalf("bad row %s", row)
		}
		w, err := tag.ParseWheel(file)
		var v pep440.Version
		if err == nil {
			v, err = pep440.Parse(w.Version) // ParseWheel leaves the version to its caller
		}
		if (err == nil) != (want != nil) {
			t.Errorf("ParseWheel(%q): %v, packaging says valid=%v", file, err, want != nil)
			continue
		}
		if err != nil {
			continue
		}
		var tags []string
		for _, x := range w.Tags() {
			tags = append(tags, x.String())
		}
		slices.Sort(tags)
		build, _ := json.Marshal(buildParts(w.Build))
		got, _ := json.Marshal([]any{w.Name, v.String(), json.RawMessage(build), slices.Compact(tags)})
		if string(got) != string(unspaced(t, row[1])) {
			t.Errorf("ParseWheel(%q) = %s, packaging says %s", file, got, row[1])
		}
	}
}

// buildParts is packaging's form of a build tag.
func buildParts(build string) []any {
	if build == "" {
		return []any{}
	}
	rest := strings.TrimLeft(build, "0123456789")
	digits := strings.TrimLeft(build[:len(build)-len(rest)], "0")
	return []any{json.Number(cmp.Or(digits, "0")), rest}
}

func unspaced(t *testing.T, raw json.RawMessage) []byte {
	var x any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&x); err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(x)
	return b
}

func TestBuildVectors(t *testing.T) {
	builds := readVectors(t).Builds
	for i, a := range builds {
		for j, b := range builds {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := tag.CompareBuild(a, b); got != want {
				t.Errorf("CompareBuild(%q, %q) = %d, packaging says %d", a, b, got, want)
			}
		}
	}
}
