package tag_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wheelwright/internal/vectors"
	"wheelwright/solver/pep440"
	"wheelwright/solver/tag"
)

// recorded is testdata/vectors/tags.json.gz as wheeltags.py beside it tells.
type recorded struct {
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

func readVectors(t testing.TB) (v recorded) {
	vectors.Read(t, "tags", &v)
	return v
}

// Tags in order: the digest is of packaging's whole list.
func TestTargetVectors(t *testing.T) {
	c := vectors.New(t, "tag, targets")
	seen := map[tag.Target]bool{}
	for _, want := range readVectors(t).Targets {
		seen[want.Target] = true
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
		same := len(got) == want.count && slices.Equal(sample, want.sample) && hex.EncodeToString(hash.Sum(nil)) == want.digest
		if !same {
			c.Differ("%+v: %d tags, packaging has %d\n%q\npackaging\n%q", want.Target, len(got), want.count, sample, want.sample)
		}
		c.Check(true, "all", want.Machine, "CPython 3."+strconv.Itoa(want.Python.Minor))
		for range got {
			c.Check(true, "tags in order")
		}
		for _, kind := range []string{"abi3", "abi3t", "manylinux1", "manylinux2010", "manylinux2014", "manylinux_", "musllinux_"} {
			if slices.ContainsFunc(got, func(x tag.Tag) bool { return x.ABI == kind || strings.HasPrefix(x.Platform, kind) }) {
				c.Check(true, "with "+kind)
			}
		}
		if want.Python.FreeThreaded && want.Python.Minor >= 13 {
			c.Check(true, "t builds")
		}
	}
	for _, want := range everyTarget() {
		if !seen[want] {
			t.Errorf("no vector for %+v", want)
		}
	}
	c.Floor(500, 1, "all", "x86_64", "aarch64", "with abi3", "with manylinux_", "with manylinux2014")
	c.Floor(100, 1, "t builds", "with abi3t", "with musllinux_", "with manylinux1", "with manylinux2010")
	c.Print("all")
}

// everyTarget is CPython 3.9 to 3.14 with and without the GIL, glibc 2.5 to
// 2.39 and musl 1.0 to 1.5, on both machines.
func everyTarget() (list []tag.Target) {
	for minor := 9; minor <= 14; minor++ {
		for _, threaded := range []bool{false, true} {
			for _, machine := range []string{"x86_64", "aarch64"} {
				target := tag.Target{Python: tag.Python{Major: 3, Minor: minor, FreeThreaded: threaded}, Machine: machine}
				for n := 5; n <= 39; n++ {
					target.Glibc = [2]int{2, n}
					list = append(list, target)
				}
				target.Glibc = [2]int{}
				for n := 0; n <= 5; n++ {
					target.Musl = [2]int{1, n}
					list = append(list, target)
				}
			}
		}
	}
	return list
}

func TestWheelVectors(t *testing.T) {
	c := vectors.New(t, "tag, wheel file names")
	for _, row := range readVectors(t).Wheels {
		var file string
		var want *[4]json.RawMessage
		if json.Unmarshal(row[0], &file) != nil || json.Unmarshal(row[1], &want) != nil {
			t.Fatalf("bad row %s", row)
		}
		c.Check(want != nil, "all")
		w, err := tag.ParseWheel(file)
		var v pep440.Version
		if err == nil {
			v, err = pep440.Parse(w.Version) // ParseWheel leaves the version to its caller
		}
		if (err == nil) != (want != nil) {
			c.Differ("ParseWheel(%q): %v, packaging says valid=%v", file, err, want != nil)
			continue
		}
		if err != nil {
			continue
		}
		if got := describe(w, v); got != unspaced(t, row[1]) {
			c.Differ("ParseWheel(%q) = %s, packaging says %s", file, got, row[1])
		}
		for kind, has := range map[string]bool{
			"build tag": w.Build != "", "compressed set": len(w.Tags()) > 1, "with +": strings.Contains(file, "+"),
			"old spelling of the name": !strings.HasPrefix(file, strings.ReplaceAll(w.Name, "-", "_")+"-"),
		} {
			if has {
				c.Check(true, kind)
			}
		}
		for _, plus := range []string{"%2B", "%2b"} { // as addresses have it; packaging does not decode
			parts := strings.SplitN(file, "-", 3)
			parts[1] = strings.NewReplacer("+", plus, "!", "%21").Replace(parts[1])
			encoded := strings.Join(parts, "-")
			if again, err := tag.ParseWheel(encoded); err != nil || describe(again, v) != describe(w, v) || again.Version != w.Version {
				t.Errorf("ParseWheel(%q) = %+v, %v, unlike %q", encoded, again, err, file)
			}
		}
	}
	c.Floor(1000, 0.5, "all")
	c.Floor(100, 1, "build tag", "compressed set", "with +", "old spelling of the name")
	c.Print("all")
}

// describe is a wheel's name as wheeltags.py writes it.
func describe(w tag.Wheel, v pep440.Version) string {
	var tags []string
	for _, x := range w.Tags() {
		tags = append(tags, x.String())
	}
	slices.Sort(tags)
	build, _ := json.Marshal(buildParts(w.Build))
	text, _ := json.Marshal([]any{w.Name, v.String(), json.RawMessage(build), slices.Compact(tags)})
	return string(text)
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

func unspaced(t *testing.T, raw json.RawMessage) string {
	var x any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&x); err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(x)
	return string(b)
}

func TestBuildVectors(t *testing.T) {
	c := vectors.New(t, "tag, build tags in order")
	builds := readVectors(t).Builds
	for i, a := range builds {
		for j, b := range builds {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			c.Check(want < 0, "all")
			if got := tag.CompareBuild(a, b); got != want {
				c.Differ("CompareBuild(%q, %q) = %d, packaging says %d", a, b, got, want)
			}
		}
	}
	c.Floor(100, 0.4, "all")
	c.Print("all")
}
