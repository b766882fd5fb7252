package builder

import (
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
)

func TestParseUntil(t *testing.T) {
	for in, want := range map[string]string{
		"2026-06-01":                     "2026-06-02T00:00:00Z",
		"2024-02-29":                     "2024-03-01T00:00:00Z",
		"2026-12-31":                     "2027-01-01T00:00:00Z",
		"2026-06-01T12:00:00Z":           "2026-06-01T12:00:00Z",
		"2026-06-01T12:00:00.25+02:00":   "2026-06-01T10:00:00.25Z",
		"2026-06-01T23:30:00-05:00":      "2026-06-02T04:30:00Z",
		"1970-01-01T00:00:00.000000001Z": "1970-01-01T00:00:00.000000001Z",
	} {
		got, err := parseUntil(in)
		if err != nil || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("%s: %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "2026", "2026-6-1", "2026-02-30", "2026-06-01T12:00:00", "2026-06-01 12:00:00Z", "1 week", "yesterday", "0000-12-31", "1969-12-30"} {
		_, err := parseUntil(in)
		if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "YYYY-MM-DD") {
			t.Errorf("%q: %v", in, err)
		}
	}
}
