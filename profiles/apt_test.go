package profiles

import (
	"fmt"
	"strings"
	"testing"
)

func TestAptCredentials(t *testing.T) {
	read := func(url string) Profile {
		t.Helper()
		text := `{name: x, python: "3.11", requires: [a], image: {apt: [{url: "` + url + `", suite: s, components: [main], key: k.asc}]}}`
		p, err := loader{}.profile(&source{label: "x.yaml", dir: "/here", data: []byte(text)}, "x")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	bare := read("https://apt.test/d")
	for _, c := range []struct{ url, address, user, password string }{
		{"https://apt.test/d", "https://apt.test/d", "", ""},
		{"https://wendy@apt.test/d/", "https://wendy@apt.test/d", "wendy", ""},
		{"https://wendy:hunter%402@apt.test/d", "https://wendy:hunter%402@apt.test/d", "wendy", "hunter@2"},
	} {
		p := read(c.url)
		a := p.Image.Apt[0]
		if a.Address() != c.address || a.Key != "/here/k.asc" {
			t.Errorf("%s: address %s, key %s", c.url, a.Address(), a.Key)
		}
		if user, password, ok := a.Credentials(); user != c.user || password != c.password || ok != (c.user != "") {
			t.Errorf("%s: credentials %q %q %v", c.url, user, password, ok)
		}
		if p.Digest() != bare.Digest() {
			t.Errorf("%s: the digest is not that without credentials", c.url)
		}
		for _, shown := range []string{fmt.Sprint(a), fmt.Sprintf("%+v", p.Image), fmt.Sprintf("%#v", p.Image), string(p.YAML())} {
			if strings.Contains(shown, "hunter") || strings.Contains(shown, "wendy") {
				t.Errorf("%s is told: %s", c.url, shown)
			}
		}
	}
}
