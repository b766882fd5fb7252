package builder

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
)

func TestLagLines(t *testing.T) {
	const day = 24 * time.Hour
	v := pep440.MustParse
	lags := []solver.Lag{
		{Name: "torch", Version: v("2.15"), Newest: v("2.15")},
		{Name: "trl", Version: v("1.15.0"), Newest: v("1.16.0"), Superseded: 30*day - 1, Because: []string{"unsloth 2026.10.7 requires trl<1.16"}},
		{Name: "peft", Version: v("0.1"), Newest: v("0.2"), Superseded: day, Because: []string{"x 1 requires peft<0.2", "y 2 requires peft<0.2"}},
		{Name: "a", Version: v("1"), Newest: v("2"), Superseded: time.Hour},
		{Name: "b", Version: v("1"), Newest: v("2"), Because: []string{"c 1 requires b<2"}},
	}
	want := []string{
		"trl 1.15.0, superseded for 29 days: unsloth 2026.10.7 requires trl<1.16",
		"peft 0.1, superseded for 1 day: x 1 requires peft<0.2; y 2 requires peft<0.2",
		"a 1, superseded for less than a day",
		"b 1, older than 2 by an unknown time: c 1 requires b<2",
		"lag 31 days over 5 requirements",
	}
	if got := lagLines(lags); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if got := lagLines(lags[:1]); len(got) != 0 {
		t.Errorf("nothing was given up: %q", got)
	}
	if r := lagReport(lags[2]); r.Superseded != 86400 || r.Newest != "0.2" {
		t.Errorf("%+v", r)
	}
}

// Neighbours that were passed over for one reason share a line; others do not.
func TestExplainedLines(t *testing.T) {
	e := Explained{Profile: "p", Name: "a", Version: "1", Lag: &LagReport{Superseded: 86400 * 3},
		Asked: []AskedReport{{Requirement: "a"}, {By: "b", Version: "2", Requirement: "a<2"}}}
	for _, p := range [][2]string{{"5", "x"}, {"4", "y"}, {"3", "y"}, {"2.1", "y"}, {"2", "x"}} {
		e.Newer = append(e.Newer, PassedReport{p[0], p[1]})
	}
	want := []string{"a 1 for p", "  you require a", "  b 2 requires a<2", "  not 5: x", "  not 2.1 to 4 (3 releases): y", "  not 2: x", "  superseded for 3 days"}
	if got := e.Lines(); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
