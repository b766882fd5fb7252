//go:build live

package images

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wheelwright/fault"
)

// realRegistry is the docker-registry program on a folder of its own.
type realRegistry struct {
	host, dir string
	more      string // YAML below "http:" and after it
	cmd       *exec.Cmd
}

// bcrypt of "geheim"
const passwordHash = "$2b$04$abcdefghijklmnopqrstuuPWRtT5yx7FBi4dcf6ROhboeNunUrLQ."

func startRegistry(t *testing.T, more string) *realRegistry {
	t.Helper()
	if _, err := exec.LookPath("docker-registry"); err != nil {
		t.Skip("docker-registry is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &realRegistry{host: l.Addr().String(), dir: t.TempDir(), more: more}
	l.Close()
	r.start(t)
	t.Cleanup(func() { r.kill() })
	return r
}

func (r *realRegistry) start(t *testing.T) {
	t.Helper()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: %s/data}\nhttp:\n  addr: %s\n  secret: s\n%s", r.dir, r.host, r.more)
	file := filepath.Join(r.dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command("docker-registry", "serve", file)
	r.cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // it takes REGISTRY_… for its configuration
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if c, err := net.Dial("tcp", r.host); err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("docker-registry does not listen")
}

func (r *realRegistry) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait()
}

// authority makes a certificate for loopback that vouches for itself.
func authority(t *testing.T, dir string) (key *ecdsa.PrivateKey, der, certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err1 := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	private, err2 := x509.MarshalECPrivateKey(key)
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	err3 := os.WriteFile(filepath.Join(dir, "cert.pem"), certificate, 0o644)
	err4 := os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return key, der, certificate
}

// TLS with an own authority, a password file: refused without either, and all
// of push, unchanged push, mount and base with both.
func TestLiveRegistryBasic(t *testing.T) {
	hurry(t)
	pace.chunk = 1 << 20
	dir := t.TempDir()
	_, _, ca := authority(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "htpasswd"), []byte("u:"+passwordHash+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := startRegistry(t, fmt.Sprintf("  tls: {certificate: %s/cert.pem, key: %[1]s/key.pem}\nauth:\n  htpasswd: {realm: r, path: %[1]s/htpasswd}\n", dir))
	o := WriteOptions{Registry: RegistryOptions{CA: ca}}
	if _, err := tryWriter(t, r.host, "env", WriteOptions{}); fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), "--registry-ca") {
		t.Errorf("no trust: %v", err)
	}
	i := mustBuild(t, scratch(t))
	if _, err := pushTo(t, r.host, i, o); fault.KindOf(err) != fault.Auth {
		t.Errorf("no password: %v", err)
	}
	login(t, r.host)
	r.pushTwice(t, i, o)
}

// pushTwice pushes a large blob and an image, again, and to another
// repository.
func (r *realRegistry) pushTwice(t *testing.T, i *Image, o WriteOptions) {
	t.Helper()
	data := noise(5<<20, 4)
	p, _ := bytesPart(data)
	for k, want := range []int64{p.size, 0, 0} {
		repo, total := []string{"env", "env", "other"}[k], int64(0)
		o.Progress = func(_, all int64) { total = all }
		w := writerTo(t, r.host, repo, o)
		if err := w.bring(t.Context(), p, "layer"); err != nil || total != want {
			t.Errorf("%d bytes of %d sent, %v", total, want, err)
		}
		seen.add(r.host, "env", p.digest)
		res, err := w.s.blob(t.Context(), p.String(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if res.Body.Close(); err != nil || res.StatusCode != http.StatusPartialContent || !bytes.Equal(got, data[1000:]) {
			t.Errorf("%d bytes come back, %v", len(got), err)
		}
	}
	for range 2 {
		if text, err := pushTo(t, r.host, i, o); err != nil {
			t.Error(text)
		}
	}
	base, err := OpenBase(t.Context(), BaseOptions{Ref: r.host + "/env:x", Machine: "x86_64", CacheDir: t.TempDir(), Registry: o.Registry})
	if err != nil || base.Digest != i.Digest() {
		t.Errorf("as a base: %v", err)
	}
}

// Tokens that are good for one repository at a time, signed as docker's token
// specification says.
func TestLiveRegistryToken(t *testing.T) {
	hurry(t)
	pace.chunk = 1 << 20
	dir := t.TempDir()
	key, der, _ := authority(t, dir)
	var asked atomic.Int64
	realm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != basic {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		asked.Add(1)
		var access []map[string]any
		for _, scope := range r.URL.Query()["scope"] {
			f := strings.Split(scope, ":")
			access = append(access, map[string]any{"type": f[0], "name": f[1], "actions": strings.Split(f[2], ",")})
		}
		json.NewEncoder(w).Encode(map[string]string{"token": sign(t, key, der, access)})
	}))
	defer realm.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(realm.URL, "http://"), ":")
	r := startRegistry(t, fmt.Sprintf("auth:\n  token: {realm: 'http://localhost:%s/token', service: s, issuer: i, rootcertbundle: %s/cert.pem}\n", port, dir))
	login(t, r.host)
	r.pushTwice(t, mustBuild(t, scratch(t)), WriteOptions{})
	if asked.Load() < 3 {
		t.Errorf("%d tokens asked for", asked.Load())
	}
}

func sign(t *testing.T, key *ecdsa.PrivateKey, der []byte, access any) string {
	now := time.Now().Unix()
	encode := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	text := encode(map[string]any{"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(der)}}) + "." +
		encode(map[string]any{"iss": "i", "aud": "s", "sub": "u", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1", "access": access})
	sum := sha256.Sum256([]byte(text))
	a, b, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(append(a.FillBytes(make([]byte, 32)), b.FillBytes(make([]byte, 32))...))
}

// Connections that end at random, and a registry that is killed and started
// again: the blob arrives whole.
func TestLiveRegistryCuts(t *testing.T) {
	hurry(t)
	pace.chunk, pace.first, pace.most, pace.tries = 1<<20, 50*time.Millisecond, 500*time.Millisecond, 8
	r := startRegistry(t, "")
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	var cuts atomic.Int64
	go func() {
		for {
			in, err := proxy.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				out, err := net.Dial("tcp", r.host)
				if err != nil {
					return
				}
				defer out.Close()
				go func() { io.Copy(in, out); in.Close() }()
				if cuts.Add(1) > 6 { // docker-registry 2.8 loses an upload with the chunk that was cut
					io.Copy(out, in)
					return
				}
				io.CopyN(out, in, 100_000+mrand.Int64N(6<<20))
			}()
		}
	}()
	for k := range 6 {
		data := noise(9<<20, uint64(k))
		p, opened := bytesPart(data)
		w := writerTo(t, proxy.Addr().String(), "env", WriteOptions{})
		if k >= 3 { // the registry goes away in the middle
			p.open = killing(t, r, p.open)
		}
		if err := w.bring(t.Context(), p, "layer"); err != nil {
			t.Fatalf("%d: opened at %d: %v", k, opened.at, err)
		}
		stored, err := os.ReadFile(filepath.Join(r.dir, "data/docker/registry/v2/blobs/sha256", p.digest.Hex[:2], p.digest.Hex, "data"))
		if err != nil || !bytes.Equal(stored, data) {
			t.Errorf("%d: %d bytes stored, %v", k, len(stored), err)
		}
		t.Logf("%d: opened at %d", k, opened.at)
	}
}

// killing is an open that kills the registry once, after a third of the bytes,
// and starts it again a little later.
func killing(t *testing.T, r *realRegistry, open func(context.Context, int64) (io.ReadCloser, error)) func(context.Context, int64) (io.ReadCloser, error) {
	var once atomic.Bool
	return func(ctx context.Context, at int64) (io.ReadCloser, error) {
		body, err := open(ctx, at)
		if err != nil || once.Swap(true) {
			return body, err
		}
		var n int64
		return readFunc(func(p []byte) (int, error) {
			k, err := body.Read(p)
			if before := n; before < 3<<20 && before+int64(k) >= 3<<20 {
				r.kill()
				go func() { time.Sleep(200 * time.Millisecond); r.start(t) }()
			}
			n += int64(k)
			return k, err
		}), nil
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
func (f readFunc) Close() error               { return nil }
