package pep508

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"wheelwright/internal/vectors"
	"wheelwright/solver/pep440"
)

func TestMarkerVectors(t *testing.T) {
	var file struct {
		Envs    []Env
		Extras  []string
		Markers [][3]*string
		Unknown []string
	}
	vectors.Read(t, "markers", &file)
	c := vectors.New(t, "pep508, markers")
	for _, row := range file.Markers {
		text, want, results := *row[0], row[1], *row[2]
		m, err := ParseMarker(text)
		if want == nil || allRaise(results) {
			c.Check(false, "all", "refused")
			if err == nil {
				c.Differ("ParseMarker(%q) = %q, packaging rejects it", text, m)
			}
			continue
		}
		c.Check(true, "all")
		c.Check(strings.Contains(results, "T"), kinds(m.root)...)
		if err != nil {
			c.Differ("ParseMarker(%q): %v, packaging takes it", text, err)
			continue
		}
		if *want != "" && m.String() != *want {
			c.Differ("ParseMarker(%q).String() = %q, packaging says %q", text, m, *want)
		}
		if again, err := ParseMarker(m.String()); err != nil || !again.Equal(m) {
			t.Errorf("ParseMarker(%q) does not give itself back: %v", m, err)
		}
		k := 0
		for _, env := range file.Envs {
			for _, extra := range file.Extras {
				r := results[k]
				k++
				if r == 'E' { // depends on env; false is our answer, within or it is not the whole's
					continue
				}
				c.Check(r == 'T', "answers")
				if got := m.Eval(env, Normalize(extra)); got != (r == 'T') {
					c.Differ("%q with python %s, extra %q: %v, packaging says %c", text, env["python_full_version"], extra, got, r)
				}
			}
		}
	}
	for _, text := range file.Unknown {
		c.Check(false, "all", "unknown variable")
		if m, err := ParseMarker(text); err == nil {
			c.Differ("ParseMarker(%q) = %q: packaging knows no such variable", text, m)
		} else if e := err.(*SyntaxError); !strings.Contains(e.Want, "marker variable") && !strings.Contains(e.Want, "one of <") {
			t.Errorf("%q: %v does not say that a variable is unknown", text, err)
		}
	}
	c.Floor(4000, 0.4, "all")
	c.Floor(60000, 0.25, "answers")
	c.Floor(250, 0, "unknown variable", "refused")
	c.Floor(400, 0.2, "versions compared", "text compared", "in", "not in", "reversed", "extra inside and/or")
	c.Floor(20, 0, "two variables", "two literals")
	c.Print("all")
}

// kinds of comparison that a marker holds, each once.
func kinds(g *group) []string {
	found := map[string]bool{}
	var walk func(g *group)
	walk = func(g *group) {
		for i := range g.terms {
			t := &g.terms[i]
			if t.sub != nil {
				walk(t.sub)
				continue
			}
			switch {
			case t.cmp.op == "in" || t.cmp.op == "not in":
				found[t.cmp.op] = true
			case t.cmp.spec != nil || t.cmp.version && t.cmp.reversed:
				found["versions compared"] = true
			default:
				found["text compared"] = true
			}
			found["reversed"] = found["reversed"] || t.cmp.reversed && !t.cmp.quoted
			found["two variables"] = found["two variables"] || t.cmp.bare
			found["two literals"] = found["two literals"] || t.cmp.quoted
		}
	}
	var list []string
	if g != nil {
		walk(g)
		found["extra inside and/or"] = len(g.terms) > 1 && g.uses("extra")
	}
	for k, has := range found {
		if has {
			list = append(list, k)
		}
	}
	return list
}

func allRaise(results string) bool {
	return results != "" && strings.Trim(results, "E") == ""
}

func TestRequirementVectors(t *testing.T) {
	var file struct{ Requirements [][3]json.RawMessage }
	vectors.Read(t, "requirements", &file)
	c := vectors.New(t, "pep508, requirements")
	for _, row := range file.Requirements {
		var kind, text string
		var want *[6]json.RawMessage
		if json.Unmarshal(row[0], &kind) != nil || json.Unmarshal(row[1], &text) != nil || json.Unmarshal(row[2], &want) != nil {
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
		valid := want != nil && !allRaise(results)
		c.Check(valid, "all", kind)
		r, err := Parse(text)
		if (err == nil) != valid {
			c.Differ("Parse(%q): %v, packaging says valid=%v", text, err, valid)
			continue
		}
		if err != nil {
			if e := err.(*SyntaxError); e.Column < 1 || e.Column > len(text)+1 || e.Want == "" {
				t.Errorf("Parse(%q): column %d, want %q", text, e.Column, e.Want)
			}
			continue
		}
		if string(r.Name) != name || !slices.Equal(r.Extras, extras) || r.Specifiers.String() != spec || r.URL != url || marker != "" && r.Marker.String() != marker {
			c.Differ("Parse(%q) = %q %q %q %q %q\npackaging says %s", text, r.Name, r.Extras, r.Specifiers, r.URL, r.Marker, row[2])
		}
		again, err := Parse(r.String())
		if err != nil || !again.Equal(r) {
			t.Errorf("Parse(%q) does not give itself back: %v", r.String(), err)
		}
	}
	c.Floor(3000, 0.5, "all")
	c.Floor(700, 0.4, "clauses", "URL", "name and extras", "real")
	c.Print("all")
}

func TestNameVectors(t *testing.T) {
	var file struct{ Names [][3]any }
	vectors.Read(t, "requirements", &file)
	c := vectors.New(t, "pep508, names")
	for _, row := range file.Names {
		text, want, valid := row[0].(string), row[1].(string), row[2].(bool)
		c.Check(valid, "all")
		if got := Normalize(text); string(got) != want {
			c.Differ("Normalize(%q) = %q, packaging says %q", text, got, want)
		}
		if n, err := ParseName(text); (err == nil) != valid || err == nil && string(n) != want {
			c.Differ("ParseName(%q) = %q, %v, packaging says %q, a name: %v", text, n, err, want, valid)
		}
	}
	c.Floor(200, 0.3, "all")
	c.Print("all")
}

// Requires-Python as packages write it, upper bounds included.
func TestRequiresPythonVectors(t *testing.T) {
	var file struct {
		Python struct {
			Pythons []string
			Specs   [][2]*string
		}
	}
	vectors.Read(t, "requirements", &file)
	c := vectors.New(t, "pep508, Requires-Python x Python")
	for _, row := range file.Python.Specs {
		text, want := *row[0], row[1]
		specs, err := pep440.ParseSpecifiers(text)
		if (err == nil) != (want != nil) {
			c.Differ("ParseSpecifiers(%q): %v, packaging says valid=%v", text, err, want != nil)
		}
		if want == nil || err != nil {
			continue
		}
		mask, _ := new(big.Int).SetString(*want, 16)
		for i, python := range file.Python.Pythons {
			admits := mask.Bit(i) == 1
			c.Check(admits, "all")
			if strings.Contains(text, "<") || strings.Contains(text, "~=") {
				c.Check(admits, "with an upper bound")
			}
			if got := specs.Match(pep440.MustParse(python)); got != admits {
				c.Differ("Requires-Python %q on %s: %v, packaging says %v", text, python, got, admits)
			}
		}
	}
	c.Floor(5000, 0.2, "all", "with an upper bound")
	c.Print("all")
}
