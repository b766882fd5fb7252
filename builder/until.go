package builder

import (
	"time"

	"wheelwright/fault"
)

// parseUntil reads the value of --exclude-newer: the first instant whose
// uploads do not exist. A day counts whole, in UTC. Both are as uv's.
func parseUntil(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err == nil {
		t = t.AddDate(0, 0, 1)
	} else {
		t, err = time.Parse(time.RFC3339, s)
	}
	if err != nil || t.Year() < 1970 {
		return time.Time{}, fault.New(fault.Input, "--exclude-newer %q is no date", s).
			Because("accepted are a day, YYYY-MM-DD, which counts whole in UTC, and an RFC 3339 time such as 2026-06-01T12:00:00Z").
			Try("--exclude-newer 2026-06-01")
	}
	return t.UTC(), nil
}
