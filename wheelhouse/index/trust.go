package index

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"wheelwright/fault"
)

// access is what the user's surroundings say about connections.
type access struct {
	env    func(string) string
	certs  []string // bundles that pip's configuration names
	logins []login  // of netrc
}

// Roots are the certificates that connections of these settings trust; nil:
// those of the system. Reading them takes some 10 ms: offline, leave it.
func (s Settings) Roots() (*x509.CertPool, error) {
	if s.access == nil {
		return nil, nil
	}
	return Roots(s.access.env, s.access.certs...)
}

// Login gives the netrc entry for the host of u. Credentials of sources come
// before it.
func (s Settings) Login(u *url.URL) (user, pass string, ok bool) {
	if s.access == nil || reachable(u, "netrc") != nil {
		return "", "", false
	}
	l, ok := loginFor(s.access.logins, u.Hostname(), "")
	return l.user, l.pass, ok
}

// Roots are the certificates that the environment names: PIP_CERT,
// REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE (a PEM file, or a folder of them),
// SSL_CERT_FILE, SSL_CERT_DIR (folders, with colons), and the bundles of
// more. All that are named count together, in place of the system's; nil
// where none is named. A bundle that is missing or holds no certificate is fault.Input;
// a missing SSL_CERT_FILE or SSL_CERT_DIR is passed over, as OpenSSL does.
func Roots(env func(string) string, more ...string) (*x509.CertPool, error) {
	r := roots{pool: x509.NewCertPool(), seen: map[string]bool{}}
	for _, name := range []string{"PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		if path := env(name); path != "" {
			if err := r.bundle(name, path); err != nil {
				return nil, err
			}
		}
	}
	for _, path := range more {
		if err := r.bundle("cert of pip's configuration", path); err != nil {
			return nil, err
		}
	}
	if path := env("SSL_CERT_FILE"); path != "" {
		if err := r.bundle("SSL_CERT_FILE", path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for _, dir := range filepath.SplitList(env("SSL_CERT_DIR")) {
		if dir != "" {
			r.folder(dir)
		}
	}
	if r.count == 0 {
		return nil, nil
	}
	return r.pool, nil
}

type roots struct {
	pool  *x509.CertPool
	seen  map[string]bool
	count int // files that held certificates
}

// bundle adds a PEM file or a folder of them.
func (r *roots) bundle(name, path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return fault.New(fault.Input, "certificates %s of %s", path, name).Wrap(err).
			Try("correct %s, or unset it to trust the system's certificates", name)
	}
	if st.IsDir() {
		r.folder(path)
		return nil
	}
	found, err := r.file(path)
	if err == nil && !found {
		err = errors.New("it holds no certificate in PEM form")
	}
	if err != nil {
		return fault.New(fault.Input, "certificates %s of %s", path, name).Wrap(err)
	}
	return nil
}

// folder adds the files of a folder; what is no certificate is passed over.
func (r *roots) folder(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		r.file(filepath.Join(dir, e.Name()))
	}
}

// file adds a PEM file, once by whatever name it is met.
func (r *roots) file(path string) (found bool, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false, err
	}
	if found, ok := r.seen[real]; ok {
		return found, nil
	}
	data, ok, err := readBounded(real, maxBundle)
	if err != nil || !ok {
		return false, err
	}
	found = r.pool.AppendCertsFromPEM(data)
	r.seen[real] = found
	if found {
		r.count++
	}
	return found, nil
}

// maxBundle bounds a file of certificates.
const maxBundle = 16 << 20
