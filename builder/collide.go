package builder

import (
	"fmt"
	"slices"
	"strings"

	"wheelwright/wheelhouse/spread"
)

// Collision is a set of wheels that write some paths differently. It is
// written as JSON by the command line.
type Collision struct {
	Wheels []string `json:"wheels"` // file names; what the last one writes is what the image shows, by the profile's waiver
	Paths  []string `json:"paths"`  // relative to /, sorted
}

// Waiver is a check that the profile sets aside for a distribution. It is
// written as JSON by the command line.
type Waiver struct {
	Rule    string `json:"rule"`
	Package string `json:"package"`
	Reason  string `json:"reason"`
}

// collisions groups paths by the wheels that write them, in the order of the
// first path of each group.
func collisions(found []spread.Collision) []Collision {
	out := []Collision{}
	at := map[string]int{}
	for _, c := range found {
		key := strings.Join(c.Names, "/")
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Collision{Wheels: slices.Clone(c.Names)})
		}
		out[i].Paths = append(out[i].Paths, c.Path)
	}
	return out
}

// String is the collision on one line.
func (c Collision) String() string {
	text := fmt.Sprintf("%s write /%s", strings.Join(c.Wheels, " and "), c.Paths[0])
	if n := len(c.Paths) - 1; n == 1 {
		text += " and 1 more path"
	} else if n > 1 {
		text += fmt.Sprintf(" and %d more paths", n)
	}
	return fmt.Sprintf("%s with different content; waived: the image has that of %s", text, c.Wheels[len(c.Wheels)-1])
}
