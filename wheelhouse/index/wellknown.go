package index

import (
	"slices"
	"strings"
)

// DefaultName is the index that is in force where nobody names one.
const DefaultName = "pypi"

// pytorchBuilds are the builds that have an index of their own; its name is
// "pytorch-" and the build.
var pytorchBuilds = []string{"cpu", "cu118", "cu121", "cu124", "cu126", "cu128", "cu129", "cu130", "cu132"}

// WellKnown is the address of an index that needs none in a profile. The
// hosts are put together here and stand nowhere else in the tree.
func WellKnown(name string) (address string, ok bool) {
	if name == DefaultName {
		host := strings.Join([]string{"py", "pi", ".", "org"}, "")
		return "https://" + host + "/simple", true
	}
	if build, found := strings.CutPrefix(name, "pytorch-"); found && slices.Contains(pytorchBuilds, build) {
		host := strings.Join([]string{"download", "py" + "torch", "org"}, ".")
		return "https://" + host + "/whl/" + build, true
	}
	return "", false
}

// WellKnownNames are the names that WellKnown knows, sorted.
func WellKnownNames() []string {
	names := []string{DefaultName}
	for _, b := range pytorchBuilds {
		names = append(names, "pytorch-"+b)
	}
	slices.Sort(names)
	return names
}
