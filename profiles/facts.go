package profiles

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"wheelwright/solver"
	"wheelwright/solver/gpucode"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

//go:embed facts/*.yaml
var factFiles embed.FS

// gpuFact is one compute capability and what carries it.
type gpuFact struct {
	Compute  string   `yaml:"compute"`
	Family   string   `yaml:"family"`
	Products []string `yaml:"products"`
	Driver   string   `yaml:"driver"` // oldest Linux driver that knows it; empty: older than any here
}

// cudaFact is one CUDA release.
type cudaFact struct {
	CUDA    string `yaml:"cuda"`    // major.minor
	Floor   string `yaml:"floor"`   // oldest Linux driver that runs it
	Shipped string `yaml:"shipped"` // driver that came with it
	Newest  string `yaml:"newest"`  // newest compute capability it compiles for
}

// build is what is measured of one distribution's wheels.
type build struct {
	Name    pep508.Name
	Machine string
	Source  string
	Known   []solver.KnownBuild
}

type factTables struct {
	gpus   []gpuFact  // by compute capability
	cuda   []cudaFact // by release
	builds []build
}

// facts are the embedded tables. They are part of the program: a fault in
// them is a panic, and a test decodes them.
var facts = sync.OnceValue(func() factTables {
	var gpus struct {
		Source string
		GPUs   []gpuFact
	}
	var cuda struct {
		Source   string
		Releases []cudaFact
	}
	var builds struct {
		Source string
		Builds []struct {
			Name    pep508.Name
			Machine string
			Known   []struct {
				CUDA, Versions string
				SASS, PTX      []string
			}
		}
	}
	readFacts("gpus", &gpus)
	readFacts("cuda", &cuda)
	readFacts("builds", &builds)
	t := factTables{gpus: gpus.GPUs, cuda: cuda.Releases}
	slices.SortFunc(t.gpus, func(a, b gpuFact) int { return compareCapability(capability(a.Compute), capability(b.Compute)) })
	slices.SortFunc(t.cuda, func(a, b cudaFact) int { return compareVersions(a.CUDA, b.CUDA) })
	for _, b := range builds.Builds {
		known := make([]solver.KnownBuild, len(b.Known))
		for i, k := range b.Known {
			known[i] = solver.KnownBuild{
				Versions: pep440.MustParseSpecifiers(k.Versions),
				CUDA:     k.CUDA,
				Code:     gpucode.Code{SASS: capabilities(k.SASS), PTX: capabilities(k.PTX)},
			}
		}
		t.builds = append(t.builds, build{Name: b.Name, Machine: b.Machine, Source: builds.Source, Known: known})
	}
	return t
})

func readFacts(name string, into any) {
	data, err := factFiles.ReadFile("facts/" + name + ".yaml")
	if err == nil {
		dec := yaml.NewDecoder(bytes.NewReader(data))
		dec.KnownFields(true)
		err = dec.Decode(into)
	}
	if err != nil {
		panic(fmt.Sprintf("profiles: facts/%s.yaml: %v", name, err))
	}
}

// Driver is the oldest Linux driver that runs the profile's CUDA on each of
// its GPUs, as far as the tables know; empty without a GPU or for a CUDA
// release that is not in them.
func (p Profile) Driver() string {
	if p.GPU == nil {
		return ""
	}
	i := slices.IndexFunc(facts().cuda, func(c cudaFact) bool { return c.CUDA == p.GPU.CUDA })
	if i < 0 {
		return ""
	}
	oldest := facts().cuda[i].Floor
	for _, g := range facts().gpus {
		if slices.Contains(p.GPU.Compute, g.Compute) && g.Driver != "" && compareVersions(oldest, g.Driver) < 0 {
			oldest = g.Driver
		}
	}
	return oldest
}

// capability is a compute capability that was checked or is embedded.
func capability(s string) gpucode.Capability {
	c, err := gpucode.ParseCapability(s)
	if err != nil {
		panic("profiles: " + err.Error())
	}
	return c
}

func capabilities(list []string) []gpucode.Capability {
	var out []gpucode.Capability
	for _, s := range list {
		out = append(out, capability(s))
	}
	return out
}

// compareVersions orders CUDA releases and driver versions. Text that is no version
// orders as text.
func compareVersions(a, b string) int {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	if errA != nil || errB != nil {
		return strings.Compare(a, b)
	}
	return va.Compare(vb)
}
