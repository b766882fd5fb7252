package profiles

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// archive is a test case: files one after the other, each after a line
// "-- NAME --".
type archive []archived

type archived struct {
	name string
	data []byte
}

func readArchive(t testing.TB, file string) archive {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var a archive
	for line := range bytes.Lines(text) {
		name, marked := strings.CutPrefix(strings.TrimRight(string(line), "\n"), "-- ")
		if name, closed := strings.CutSuffix(name, " --"); marked && closed {
			a = append(a, archived{name: name})
			continue
		}
		if len(a) == 0 {
			t.Fatalf("%s: text before the first file", file)
		}
		last := &a[len(a)-1]
		last.data = append(last.data, line...)
	}
	if len(a) < 2 {
		t.Fatalf("%s: want a profile and an answer", file)
	}
	return a
}

func (a archive) bytes() []byte {
	var b bytes.Buffer
	for _, f := range a {
		b.WriteString("-- " + f.name + " --\n")
		b.Write(f.data)
	}
	return b.Bytes()
}
