package images

import (
	"fmt"
	"strings"
	"testing"

	"wheelwright/fault"
)

func TestParseDestination(t *testing.T) {
	zeros := "sha256:" + strings.Repeat("0", 64)
	for in, want := range map[string]string{
		"oci:out/ada": "oci:out/ada ada", "oci:out/ada:v1": "oci:out/ada v1 own", "oci:/tmp/a:b/c": "oci:/tmp/a:b/c ada",
		"oci-archive:x.tar": "oci-archive:x.tar ada", "oci-archive:a/x.tar:v1": "oci-archive:a/x.tar v1 own",
		"docker-archive:x.tar":                     "docker-archive:x.tar ada as ada",
		"docker-archive:a/x.tar:v1":                "docker-archive:a/x.tar v1 own as ada",
		"docker-archive:x.tar:env:v1":              "docker-archive:x.tar v1 own as env",
		"docker-archive:x.tar:index.test:5/t/e:v1": "docker-archive:x.tar v1 own as index.test:5/t/e",
		"docker-archive:x.tar:team/env":            "docker-archive:x.tar ada as team/env",
		"index.test/team/env":                      "index.test/team/env ada remote",
		"index.test:5000/env:v1":                   "index.test:5000/env v1 own remote", "localhost/env": "localhost/env ada remote",

		"oci:": "", "oci::v1": "", "oci:x:bad tag": "", "oci-archive:": "", "oci-archive:x.tar:-v": "",
		"docker-archive:": "", "docker-archive::v1": "", "docker-archive:x.tar:Env:v1": "", "docker-archive:x.tar:a__b___c:v1": "",
		"docker-archive:x.tar:env@" + zeros: "",
		"ubuntu":                            "", "team/env": "", "index.test/Env": "", "index.test/env@" + zeros: "", "docker://index.test/x": "", "": "",
	} {
		d, err := ParseDestination(in, "ada")
		if want == "" {
			if fault.KindOf(err) != fault.Input {
				t.Errorf("%q: %+v, %v, want a refusal", in, d, err)
			}
			continue
		}
		got := d.Name() + " " + d.Tag
		if d.Tagged {
			got += " own"
		}
		if d.docker {
			got += " as " + d.repo
		}
		if d.Remote() {
			got += " remote"
		}
		if err != nil || got != want {
			t.Errorf("%q: %v, want %q: %v", in, got, want, err)
		}
	}
	// A profile's name that no repository may have needs another in its place.
	if _, err := ParseDestination("docker-archive:x.tar", "_ada"); fault.KindOf(err) != fault.Input {
		t.Errorf("_ada as the name of a repository: %v", err)
	}
	if _, err := ParseDestination("docker-archive:x.tar:ada:v1", "_ada"); err != nil {
		t.Error(err)
	}
}

func TestDockerName(t *testing.T) {
	hub := strings.Join([]string{"docker", "io"}, ".")
	for in, want := range map[string]string{
		"ada": hub + "/library/ada", "team/ada": hub + "/team/ada",
		"localhost/ada": "localhost/ada", "index.test/ada": "index.test/ada", "host:5000/a/b": "host:5000/a/b",
	} {
		if got := dockerName(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestCheckTag(t *testing.T) {
	for _, good := range []string{"a", "_a", "1.0-b_C", strings.Repeat("x", 128)} {
		if err := CheckTag(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ".a", "-a", "a b", "a/b", "a:b", "ä", strings.Repeat("x", 129)} {
		if err := CheckTag(bad); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), fmt.Sprintf("%q", bad)) {
			t.Errorf("tag %q: %v", bad, err)
		}
	}
}
