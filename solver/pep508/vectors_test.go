package pep508

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	f, err := os.Open("../../testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestMarkerVectors(t *testing.T) {
	var file struct {
		Envs    []Env
		Extras  []string
		Markers [][3]*string
	}
	readVectors(t, "markers.json.gz", &file)
	answers := 0
	for _, row := range file.Markers {
		text, want, results := *row[0], row[1], *row[2]
		m, err := ParseMarker(text)
		if want == nil || allRaise(results) {
			if err == nil {
				t.Errorf("ParseMarker(%q) = %q, packaging rejects it", text, m)
			}
			continue
		}
		if err != nil {
			t.Errorf("ParseMarker(%q): %v, packaging takes it", text, err)
			continue
		}
		if m.String() != *want {
			t.Errorf("ParseMarker(%q).String() = %q, packaging says %q", text, m, *want)
		}
		k := 0
		for _, env := range file.Envs {
			for _, extra := range file.Extras {
				r := results[k]
				k++
				if r == 'E' { // depends on env; false is our answer, within or it is not the whole's
					continue
				}
				answers++
				if got := m.Eval(env, Normalize(extra)); got != (r == 'T') {
					t.Errorf("%q with python %s, extra %q: %v, packaging says %c", text, env["python_full_version"], extra, got, r)
				}
			}
		}
	}
	if answers < 2000 {
		t.Errorf("only %d answers compared", answers)
	}
	t.Logf("%d markers, %d answers", len(file.Markers), answers)
}

func allRaise(results string) bool {
	for _, r := range results {
		if r != 'E' {
			return false
		}
	}
	return true
}

func TestRequirementVectors(t *testing.T) {
	var file struct {
		Requirements [][2]json.RawMessage
		Names        [][2]string
	}
	readVectors(t, "requirements.json.gz", &file)
	for _, row := range file.Requirements {
		var text string
		var want *[6]json.RawMessage
		if json.Unmarshal(row[0], &text) != nil || json.Unmarshal(row[1], &want) != nil {
			t.Fatalf("bad row %s", row)
		}
		var name, spec, url, marker, results string
		var extras []Name
		if want != nil {
			for i, into := range []any{&name, &extras, &spec, &url, &marker, &results} {
				if err := json.Unmarshal(want[i], into); err != nil {
					t.Fatal(err)
				}
			}
		}
		valid := want != nil && (results == "" || !allRaise(results))
		r, err := Parse(text)
		if err != nil && strings.Contains(err.Error(), "above 2^64-1") {
			continue // pep440's documented limit; packaging has none
		}
		if (err == nil) != valid {
			t.Errorf("Parse(%q): %v, packaging says valid=%v", text, err, valid)
			continue
		}
		if err != nil {
			if e := err.(*SyntaxError); e.Column < 1 || e.Column > len(text)+1 || e.Want == "" {
				t.Errorf("Parse(%q): column %d, want %q", text, e.Column, e.Want)
			}
			continue
		}
		if string(r.Name) != name || !slices.Equal(r.Extras, extras) || r.Specifiers.String() != spec || r.URL != url || r.Marker.String() != marker {
			t.Errorf("Parse(%q) = %q %q %q %q %q\npackaging says %s", text, r.Name, r.Extras, r.Specifiers, r.URL, r.Marker, row[1])
		}
		again, err := Parse(r.String())
		if err != nil || !again.Equal(r) {
			t.Errorf("Parse(%q) does not give itself back: %v", r.String(), err)
		}
	}
	for _, row := range file.Names {
		if got := Normalize(row[0]); string(got) != row[1] {
			t.Errorf("Normalize(%q) = %q, packaging says %q", row[0], got, row[1])
		}
	}
}
