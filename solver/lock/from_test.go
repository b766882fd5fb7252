package lock

import "testing"

func TestPlace(t *testing.T) {
	for _, c := range []struct{ address, dir, url, path string }{
		{"https://u:p@h.test/a%2Bb.whl?t=1#sha256=x", "/locks", "https://h.test/a%2Bb.whl", ""},
		{"http://localhost:80/x.whl", "", "http://localhost:80/x.whl", ""},
		{"file:///a/b%20c/x.whl", "/a/locks", "", "../b c/x.whl"},
		{"file:///a/x.whl", "", "", "/a/x.whl"},
		{"/a/b/x#1?.whl", "/a", "", "b/x#1?.whl"},
		{"dist/x.whl", "/a", "", "dist/x.whl"},
		{"/a/100%/x.whl", "/a/b", "", "../100%/x.whl"},
		{"//u:p@h.test/x.whl", "/a", "", ""},
		{"ftp://u:p@h.test/x.whl", "", "", ""},
		{"https:x.whl", "", "", ""},
		{"https://[u:p@h/x.whl", "", "", ""},
		{"", "/a", "", ""},
	} {
		if u, p := place(c.address, c.dir); u != c.url || p != c.path {
			t.Errorf("%s from %s: %q %q, want %q %q", c.address, c.dir, u, p, c.url, c.path)
		}
	}
}

func TestPythonRange(t *testing.T) {
	for python, want := range map[string]string{"3.11": "==3.11.*", "3.9.0": "==3.9.*", "3.11.4": "<3.12,>=3.11.4", "": "", "3": ""} {
		if got := pythonRange(python); got != want {
			t.Errorf("%q: %q, want %q", python, got, want)
		}
	}
}

// TestFromFindsFaults: From takes what it is given; Check names what is missing.
func TestFromFindsFaults(t *testing.T) {
	s, m := solution()
	s.Packages[1].File.SHA256 = ""
	wantFault(t, From(s, m).Check(), `"filelock-3.16.1-py3-none-any.whl"`, "sha256", "line ")
	s, m = solution()
	s.Packages[1].File.URL = "ftp://x/filelock-3.16.1-py3-none-any.whl"
	wantFault(t, From(s, m).Check(), "neither path nor a url")
	s, m = solution()
	s.Packages[1].File.Name = "torch-3.16.1-py3-none-any.whl"
	wantFault(t, From(s, m).Check(), "belongs to torch", "filelock")
	if err := From(solution()).Check(); err != nil {
		t.Error(err)
	}
}

func TestFromIsIndependentOfOrder(t *testing.T) {
	s, m := solution()
	want := string(From(s, m).Marshal())
	for i := range s.Packages {
		s.Packages[0], s.Packages[i] = s.Packages[i], s.Packages[0]
		if got := string(From(s, m).Marshal()); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
