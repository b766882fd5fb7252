package deb

import (
	"fmt"
	"strings"
	"testing"
)

// Certificates of a company's package join the bundle from both places; a file
// that is not one certificate has no hash link, and the report says so.
func TestCertificates(t *testing.T) {
	first, second, local := string(root(t, "First")), string(root(t, "Second")), string(root(t, "Local"))
	tree, err := treeOf(t,
		pack{layerBase, "ca-certificates", "", []entry{script("update-ca-certificates"), {name: "./usr/sbin/update-ca-certificates", body: "#!"},
			{name: "./usr/share/ca-certificates/mozilla/First.crt", body: first}}},
		pack{layerPackages, "company-ca", "", []entry{script("update-ca-certificates"),
			{name: "./usr/local/share/ca-certificates/company/Local.crt", body: local},
			{name: "./usr/share/ca-certificates/Both.crt", body: first + second}, {name: "./usr/share/ca-certificates/Odd.crt", body: "\x30\x82"}}})
	if err != nil {
		t.Fatal(err)
	}
	bundle := tree.say(layerPackages, "etc/ssl/certs/ca-certificates.crt")
	if want := first + second + "\x30\x82\n" + first + local; bundle != want {
		t.Errorf("the bundle holds %q, want %q", bundle, want)
	}
	if conf := tree.say(layerPackages, "etc/ca-certificates.conf"); conf != "Both.crt\nOdd.crt\nmozilla/First.crt\n" {
		t.Errorf("ca-certificates.conf holds %q", conf)
	}
	if got := tree.say(layerPackages, "etc/ssl/certs/Local.pem"); got != "-> /usr/local/share/ca-certificates/company/Local.crt" {
		t.Errorf("Local.pem is %q", got)
	}
	hash, err := subjectHash([]byte(local))
	if got := tree.say(layerPackages, fmt.Sprintf("etc/ssl/certs/%08x.0", hash)); err != nil || got != "-> Local.pem" {
		t.Errorf("the hash link is %q, %v", got, err)
	}
	if base := tree.say(layerBase, "etc/ssl/certs/ca-certificates.crt"); base != first {
		t.Errorf("the layer below holds %q", base)
	}
	r := tree.Report()
	if len(r) != 2 || fmt.Sprint(r[1].Done) != "[the certificate bundle]" || len(r[1].Left) != 2 ||
		!strings.Contains(r[1].Left[0], "/usr/share/ca-certificates/Both.crt: more than one") || !strings.Contains(r[1].Left[1], "Odd.crt: no PEM block") {
		t.Errorf("report %+v", r)
	}
}

// What scripts call and nothing here does is told.
func TestUndoneTriggers(t *testing.T) {
	tree, err := treeOf(t, pack{layerPackages, "company-ca", "", []entry{script("update-ca-certificates --fresh\nldconfig")}})
	if err != nil {
		t.Fatal(err)
	}
	if r := tree.Report(); len(r) != 1 || r[0].Done != nil ||
		fmt.Sprint(r[0].Left) != "[ldconfig, which its scripts speak of update-ca-certificates, which its scripts speak of]" {
		t.Errorf("%+v", r)
	}
}
