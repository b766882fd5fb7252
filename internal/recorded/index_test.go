package recorded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// maxBytes is what the whole of testdata/index may weigh.
const maxBytes = 12 << 20

func all(t *testing.T) (dir string, projects map[pep508.Name]Project) {
	t.Helper()
	dir, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "simple", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	projects = map[pep508.Name]Project{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if p.Name+".json" != filepath.Base(f) || string(pep508.Normalize(p.Name)) != p.Name {
			t.Errorf("%s holds project %q", f, p.Name)
		}
		if again, err := p.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s is not in the form that Marshal writes (%v)", f, err)
		}
		projects[pep508.Name(p.Name)] = p
	}
	return dir, projects
}

func TestRecordedFiles(t *testing.T) {
	dir, projects := all(t)
	m, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	hash := regexp.MustCompile(`^[0-9a-f]{64}$`)
	files, metadata := 0, 0
	for name, p := range projects {
		seen := map[string]bool{}
		for _, f := range p.Files {
			files++
			if !hash.MatchString(f.SHA256) {
				t.Errorf("%s: sha256 %q", f.Filename, f.SHA256)
			}
			if _, err := time.Parse(time.RFC3339Nano, f.Uploaded); err != nil || f.Size <= 0 {
				t.Errorf("%s: uploaded %q, size %d", f.Filename, f.Uploaded, f.Size)
			}
			if seen[f.Filename] {
				t.Errorf("%s stands twice", f.Filename)
			}
			seen[f.Filename] = true
			if strings.ContainsAny(f.Filename, "/\\%") {
				t.Errorf("%s is no file name", f.Filename)
			}
			if f.Metadata == nil {
				continue
			}
			metadata++
			wheel, err := tag.ParseWheel(f.Filename)
			if err != nil {
				t.Errorf("%s has METADATA: %v", f.Filename, err)
				continue
			}
			fact, ok, err := p.Facts(f)
			if err != nil || !ok {
				t.Errorf("%s: %v", f.Filename, err)
				continue
			}
			if fact.Metadata == nil {
				continue
			}
			listed, err1 := pep440.Parse(wheel.Version)
			inside, err2 := pep440.Parse(fact.Metadata.Version)
			if err1 != nil || err2 != nil || !listed.Equal(inside) || pep508.Normalize(fact.Metadata.Name) != name {
				t.Errorf("%s: METADATA is of %s %s (%v, %v)", f.Filename, fact.Metadata.Name, fact.Metadata.Version, err1, err2)
			}
		}
	}
	if len(projects) != m.Projects || files != m.Files || metadata != m.Metadata || files == 0 {
		t.Errorf("%d projects, %d files, %d METADATA; recording.json says %d, %d, %d",
			len(projects), files, metadata, m.Projects, m.Files, m.Metadata)
	}
}

// No kept release needs a name that is not recorded: what the index lacked
// is listed as missing.
func TestRecordedClosure(t *testing.T) {
	dir, projects := all(t)
	m, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	var envs []pep508.Env
	for _, target := range m.Targets {
		envs = append(envs, pep508.NewEnv(target.Python, target.Machine))
	}
	if len(envs) == 0 {
		t.Fatal("recording.json names no target")
	}
	requirements := map[pep508.Name][]pep508.Requirement{}
	for name, p := range projects {
		for _, text := range p.Requires {
			if r, err := pep508.Parse(text); err == nil {
				requirements[name] = append(requirements[name], r)
			} else {
				t.Logf("%s: %v", name, err)
			}
		}
	}
	extras := map[pep508.Name][]pep508.Name{}
	active, absent := 0, map[string]pep508.Name{}
	for changed := true; changed; {
		changed, active = false, 0
		for name, rs := range requirements {
			for _, r := range rs {
				if r.URL != "" || !slices.ContainsFunc(envs, func(e pep508.Env) bool {
					return r.Marker.Eval(e, "") || slices.ContainsFunc(extras[name], func(x pep508.Name) bool { return r.Marker.Eval(e, x) })
				}) {
					continue
				}
				active++
				if _, ok := projects[r.Name]; !ok && !slices.Contains(m.Missing, string(r.Name)) {
					absent[string(r.Name)] = name
				}
				for _, x := range r.Extras {
					if !slices.Contains(extras[r.Name], x) {
						extras[r.Name] = append(extras[r.Name], x)
						changed = true
					}
				}
			}
		}
	}
	for name, by := range absent {
		t.Errorf("%s needs %s, which is neither recorded nor missing", by, name)
	}
	if active < len(projects) {
		t.Errorf("%d requirements hold for the targets, fewer than projects (%d): markers are not read right", active, len(projects))
	}
}

func TestRecordedSizeAndCU118(t *testing.T) {
	dir, _ := all(t)
	var total int64
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		total += info.Size()
		return err
	})
	if err != nil || total > maxBytes {
		t.Errorf("testdata/index weighs %d bytes, over %d (%v)", total, maxBytes, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "cu118", "torch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Files []struct {
			Filename     string
			CoreMetadata struct{ SHA256 string } `json:"core-metadata"`
		}
	}
	if err := json.Unmarshal(data, &page); err != nil || len(page.Files) == 0 {
		t.Fatalf("cu118/torch.json: %d files, %v", len(page.Files), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "cu118", "torch-2.7.1+cu118.metadata"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	for _, f := range page.Files {
		if f.CoreMetadata.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: core-metadata %s is not that of the file beside it", f.Filename, f.CoreMetadata.SHA256)
		}
	}
}

func TestSpans(t *testing.T) {
	var list []string
	at := map[string]int{}
	first := spanOf([]string{"a", "b", "c"}, &list, at)
	second := spanOf([]string{"c", "a", "b", "d", "a"}, &list, at)
	if first != "0-2" || second != "2,0-1,3,0" || strings.Join(list, "") != "abcd" {
		t.Errorf("spans %q and %q of %q", first, second, list)
	}
	if got, err := second.pick(list); err != nil || strings.Join(got, "") != "cabda" {
		t.Errorf("picked %q, %v", got, err)
	}
	for _, bad := range []Span{"4", "1-0", "-1", "0-9", "x", "0,"} {
		if got, err := bad.pick(list); err == nil {
			t.Errorf("span %q picked %q", bad, got)
		}
	}
}

func TestMarshalRoundTrip(t *testing.T) {
	reason := "broken <metadata>"
	page := solver.Page{Name: "a-b", Files: []solver.File{
		{Name: "a_b-1.0.tar.gz", SHA256: strings.Repeat("0", 64), Size: 3, Uploaded: time.Date(2026, 1, 2, 3, 4, 5, 600000000, time.UTC)},
		{Name: "a_b-1.0-py3-none-any.whl", SHA256: strings.Repeat("1", 64), Size: 4, RequiresPython: ">=3.9", Yanked: true, YankedReason: reason},
		{Name: "a_b-2.0-py3-none-any.whl", SHA256: strings.Repeat("2", 64), Size: 5},
	}}
	facts := map[string]solver.Fact{
		page.Files[1].Name: {Metadata: &solver.Metadata{Name: "A.b", Version: "1", RequiresPython: ">=3.9",
			RequiresDist: []string{"c<2", "d; extra == 'x'"}, ProvidesExtra: []string{"x"}}},
		page.Files[2].Name: {Broken: "no Name"},
	}
	data, err := Of(page, func(f solver.File) *solver.Fact {
		if fact, ok := facts[f.Name]; ok {
			return &fact
		}
		return nil
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if p.Files[0].Uploaded != "2026-01-02T03:04:05.6Z" || p.Files[1].Yanked == nil || *p.Files[1].Yanked != reason || p.Files[0].Yanked != nil {
		t.Errorf("read back %+v", p.Files)
	}
	for _, f := range p.Files {
		fact, ok, err := p.Facts(f)
		want, known := facts[f.Filename]
		if err != nil || ok != known {
			t.Errorf("%s: %v, %v", f.Filename, ok, err)
		}
		if string(Text(fact)) != string(Text(want)) || fact.Broken != want.Broken {
			t.Errorf("%s: got\n%s%s\nwant\n%s%s", f.Filename, Text(fact), fact.Broken, Text(want), want.Broken)
		}
	}
}
