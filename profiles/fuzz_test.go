package profiles

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"wheelwright/fault"
)

// FuzzLoad: any bytes give a profile whose canonical text reads back to
// itself, or a *fault.Error of kind Input.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.txtar")
	for _, file := range files {
		f.Add(readArchive(f, file)[0].data)
	}
	for _, name := range Names() {
		data, _ := shipped.ReadFile("data/" + name + ".yaml")
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := loader{read: func(string) ([]byte, error) { return nil, os.ErrNotExist }}
		read := func(data []byte) (Profile, error) {
			return l.profile(&source{label: "x.yaml", dir: "/here", data: data}, "/here/x.yaml")
		}
		p, err := read(data)
		if err != nil {
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Input {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if _, err := p.Problem(); err != nil {
			t.Fatal(err)
		}
		p.Refusal()
		again, err := read(p.YAML())
		if err != nil {
			t.Fatalf("canonical text does not read back: %v\n%s", err, p.YAML())
		}
		if !bytes.Equal(p.YAML(), again.YAML()) {
			t.Fatalf("canonical text changed:\n%s\n%s", p.YAML(), again.YAML())
		}
	})
}
