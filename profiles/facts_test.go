package profiles

import (
	"slices"
	"testing"

	"github.com/Masterminds/semver/v3"

	"wheelwright/solver/gpucode"
	"wheelwright/solver/pep440"
)

// TestFactTables checks that the tables are well formed: sorted keys without
// repetition, versions that compare, capabilities that are known.
func TestFactTables(t *testing.T) {
	for i, g := range facts().gpus {
		c, err := gpucode.ParseCapability(g.Compute)
		if err != nil || c.String() != g.Compute || len(g.Products) == 0 {
			t.Errorf("%+v: %v", g, err)
		}
		if i > 0 && compareCapability(capability(facts().gpus[i-1].Compute), c) >= 0 {
			t.Errorf("compute capability %s is listed twice", g.Compute)
		}
		if _, err := semver.NewVersion(g.Driver); g.Driver != "" && err != nil {
			t.Errorf("driver %s: %v", g.Driver, err)
		}
	}
	cudas := facts().cuda
	for i, c := range cudas {
		for _, text := range []string{c.CUDA, c.Floor, c.Shipped} {
			if _, err := semver.NewVersion(text); text != "" && err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		if i > 0 && (compareVersions(cudas[i-1].CUDA, c.CUDA) >= 0 || compareVersions(cudas[i-1].Floor, c.Floor) > 0) {
			t.Errorf("CUDA %s is out of order", c.CUDA)
		}
		if c.Shipped != "" && compareVersions(c.Floor, c.Shipped) > 0 {
			t.Errorf("CUDA %s ships a driver below its floor", c.CUDA)
		}
	}
	for _, b := range facts().builds {
		for _, k := range b.Known {
			if ops := k.Versions.All(); len(ops) != 2 || ops[0].Op != ">=" || ops[1].Op != "<" {
				t.Errorf("%s %s is not written as >=X,<Y", b.Name, k.Versions)
			}
			i := slices.IndexFunc(cudas, func(c cudaFact) bool { return c.CUDA == k.CUDA })
			if i < 0 {
				t.Errorf("%s: CUDA %s is in no table", b.Name, k.CUDA)
				continue
			}
			for _, c := range slices.Concat(k.Code.SASS, k.Code.PTX) {
				if compareCapability(c, capability(cudas[i].Newest)) > 0 {
					t.Errorf("%s %s: CUDA %s cannot compile for %s", b.Name, k.Versions, k.CUDA, c)
				}
			}
		}
	}
}

// TestKnownBuilds asks the table what facts of the field say of real builds.
func TestKnownBuilds(t *testing.T) {
	p, err := Load("fleet_cu128")
	if err != nil {
		t.Fatal(err)
	}
	problem, err := p.Problem()
	if err != nil {
		t.Fatal(err)
	}
	if len(problem.Builds) != 1 || problem.Builds[0].Name != "torch" || problem.Builds[0].CUDA != "12.8" || len(problem.Builds[0].Compute) != 7 {
		t.Fatalf("rules: %+v", problem.Builds)
	}
	for _, c := range []struct {
		version, cuda, device string
		runs                  bool
	}{
		{"2.6.0+cu124", "12.4", "8.9", true},
		{"2.6.0", "12.4", "12.0", false},
		{"2.7.1+cu118", "11.8", "7.5", true},
		{"2.4.1", "12.1", "8.6", true},
		{"2.7.1", "12.6", "10.0", false},
		{"2.7.1", "12.8", "7.0", false},
		{"2.8.0", "12.8", "7.0", true},
		{"2.11.0", "12.8", "12.1", true},
		{"2.14.1", "13.0", "9.0", true},
		{"2.14.1", "13.0", "7.0", false},
	} {
		found := 0
		for _, k := range problem.Builds[0].Known {
			if k.CUDA == c.cuda && k.Versions.Match(pep440.MustParse(c.version)) {
				found++
				if k.Code.Runs(capability(c.device)) != c.runs {
					t.Errorf("torch %s for CUDA %s on %s: runs is %v", c.version, c.cuda, c.device, !c.runs)
				}
			}
		}
		if found != 1 {
			t.Errorf("torch %s for CUDA %s is in %d rows", c.version, c.cuda, found)
		}
	}
}

func TestDriver(t *testing.T) {
	for name, want := range map[string]string{
		"cpu": "", "turing_cu118": "450.80.02", "ada_cu124": "525.60.13", "blackwell_cu128": "570", "hopper_cu130": "580",
	} {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Driver(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := profileFor(t, "x86_64", "12.5", "9.0").Driver(); got != "" {
		t.Errorf("CUDA 12.5 is in no table, driver %q", got)
	}
}

func TestTarget(t *testing.T) {
	p, err := Load("cpu")
	if err != nil {
		t.Fatal(err)
	}
	target := p.Target()
	if target.Python.Minor != 11 || target.Machine != "x86_64" || target.Glibc != [2]int{2, 28} || target.Musl != [2]int{} {
		t.Errorf("%+v", target)
	}
	problem, err := p.Problem()
	if err != nil || len(problem.Builds) != 0 || problem.Env["python_full_version"] != "3.11.0" || problem.Prefer != "freshest" || problem.Prerelease != "if-necessary" {
		t.Errorf("%+v %v", problem, err)
	}
}
