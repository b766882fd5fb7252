package builder

import (
	"fmt"
	"strings"
	"time"

	"wheelwright/solver"
)

// lagLines say what the user's requirements gave up, a line for each that is
// not at its newest, and the sum; nothing where all of them are.
func lagLines(lags []solver.Lag) []string {
	var lines []string
	for _, l := range lags {
		if gaveUp(l) {
			lines = append(lines, lagLine(l))
		}
	}
	if sum := solver.Sum(lags); sum > 0 {
		lines = append(lines, fmt.Sprintf("lag %s over %s", days(sum), count(len(lags), "requirement")))
	}
	return lines
}

// gaveUp says whether a newer release could have been asked for.
func gaveUp(l solver.Lag) bool { return l.Superseded > 0 || len(l.Because) > 0 }

// lagLine is one lag in words: "trl 1.15.0, superseded for 29 days: unsloth
// 2026.10.7 requires trl<1.16".
func lagLine(l solver.Lag) string {
	text := fmt.Sprintf("%s %s, ", l.Name, l.Version)
	if l.Superseded > 0 {
		text += "superseded for " + days(l.Superseded)
	} else {
		text += fmt.Sprintf("older than %s by an unknown time", l.Newest)
	}
	if len(l.Because) > 0 {
		text += ": " + strings.Join(l.Because, "; ")
	}
	return text
}

// days is a time in whole days, rounded down.
func days(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n > 0 {
		return count(n, "day")
	}
	return "less than a day"
}

// count is n things in words: "1 day", "3 days".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// LagReport is how far one requirement of the user is from its newest, in JSON.
type LagReport struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Newest     string   `json:"newest"`            // that the user's own words and the target allow
	Superseded int64    `json:"superseded"`        // seconds; 0 for the newest, and where dates are not known
	Because    []string `json:"because,omitempty"` // why not newer
}

func lagReport(l solver.Lag) LagReport {
	return LagReport{string(l.Name), l.Version.String(), l.Newest.String(), seconds(l.Superseded), l.Because}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// distributions is n of them in words.
func distributions(n int) string { return count(n, "distribution") }
