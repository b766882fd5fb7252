package images

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"wheelwright/fault"
)

// Limits on what a registry or a token server may answer, in bytes. Only the
// body of a base's blob may be longer.
const (
	maxAnswer  = 16 << 20 // to GET: a manifest; the distribution-spec asks registries for 4 MiB
	maxWord    = 64 << 10 // to any other method
	maxRefusal = 16 << 10 // the body of an error: read so far, the rest ignored
)

var (
	errPlain    = errors.New("plain HTTP is for loopback only")
	errRedirect = errors.New("the redirect is refused")
	errLong     = errors.New("the answer is too long")
	errStale    = errors.New("the body of the request was used up")
)

// cut is a failure below HTTP: no answer came, or not the whole of it.
type cut struct{ error }

func (c cut) Unwrap() error { return c.error }

// wire is the lowest transport, below the one that adds credentials. It sees
// every request and redirect, those for tokens too, and decides where they may
// go and how much of an answer is read.
type wire struct {
	inner http.RoundTripper
	plain []string // hosts besides loopback that may be spoken to without TLS

	reached atomic.Bool  // some answer came
	hold    atomic.Int64 // no request before this time (Unix nanoseconds): Retry-After

	mu    sync.Mutex
	spent []string // values of Authorization headers, for scrub
}

func newWire(o RegistryOptions) (*wire, error) {
	w := &wire{inner: remote.DefaultTransport, plain: o.PlainHTTP}
	if o.CA == nil {
		return w, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(o.CA) {
		return nil, fault.New(fault.Input, "--registry-ca: no certificate in it").
			Because("want PEM: -----BEGIN CERTIFICATE-----").Try("name a file of PEM certificates")
	}
	t := remote.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig.RootCAs = pool
	w.inner = t
	return w, nil
}

// mayBePlain says whether a host ("host" or "host:port") may be spoken to
// without TLS.
func (w *wire) mayBePlain(host string) bool {
	u := url.URL{Host: host}
	return loopback(u.Hostname()) || slices.Contains(w.plain, host) || slices.Contains(w.plain, u.Hostname())
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.admit(r); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	w.note(r.Header.Get("Authorization"))
	res, err := w.inner.RoundTrip(r)
	if tlsErr := (tls.RecordHeaderError{}); errors.As(err, &tlsErr) && string(tlsErr.RecordHeader[:]) == "HTTP/" {
		return nil, cut{http.ErrSchemeMismatch}
	}
	if err != nil {
		return nil, cut{err}
	}
	w.reached.Store(true)
	w.heed(res)
	switch {
	case res.StatusCode >= 400:
		res.Body = &limited{res.Body, maxRefusal, io.EOF}
	case r.Context().Value(bulk{}) == nil:
		most := int64(maxWord)
		if r.Method == http.MethodGet {
			most = maxAnswer
		}
		res.Body = &limited{res.Body, most, fmt.Errorf("%w (limit %d KiB)", errLong, most>>10)}
	}
	return res, nil
}

// admit refuses what must not be sent. r.Response is the redirect that r
// follows, if any.
func (w *wire) admit(r *http.Request) error {
	if r.URL.Scheme == "http" && !w.mayBePlain(r.URL.Host) {
		return fmt.Errorf("%s: %w", r.URL.Host, errPlain)
	}
	b, chunk := r.Body.(*chunkBody)
	if chunk && !b.start() {
		return errStale // the transport above renewed a token and tries the same body again
	}
	if r.Response == nil || r.Response.Request == nil {
		return nil
	}
	from := r.Response.Request
	r.Header.Del("Referer") // it holds the query of the address before
	switch {
	case from.Method != r.Method:
		return fmt.Errorf("%w: to %s, it would turn %s into %s", errRedirect, r.URL.Host, from.Method, r.Method)
	case from.URL.Host != r.URL.Host && r.Body != nil && r.Body != http.NoBody && !chunk:
		return fmt.Errorf("%w: to %s, with a body that is for %s alone", errRedirect, r.URL.Host, from.URL.Host)
	}
	return leads(from.URL, r.URL)
}

// leads refuses a redirect, or the address of an upload, that gives up TLS or
// points from outside into a private network.
func leads(from, to *url.URL) error {
	switch {
	case to.Scheme != "https" && to.Scheme != "http":
		return fmt.Errorf("%w: to an address of scheme %q", errRedirect, to.Scheme)
	case from.Scheme == "https" && to.Scheme == "http":
		return fmt.Errorf("%w: from https to plain http at %s", errRedirect, to.Host)
	case from.Host != to.Host && private(to.Hostname()) && !private(from.Hostname()):
		return fmt.Errorf("%w: to the private address %s", errRedirect, to.Host)
	}
	return nil
}

func private(host string) bool {
	ip, err := netip.ParseAddr(host)
	ip = ip.Unmap()
	return loopback(host) || err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

// heed keeps what Retry-After asks for, in seconds or as a date.
func (w *wire) heed(res *http.Response) {
	after := res.Header.Get("Retry-After")
	if after == "" || res.StatusCode < 400 {
		return
	}
	until, err := http.ParseTime(after)
	if seconds, err1 := strconv.Atoi(after); err1 == nil && seconds >= 0 {
		until, err = time.Now().Add(time.Duration(min(seconds, 1<<20))*time.Second), nil
	}
	if err == nil {
		w.hold.Store(until.UnixNano())
	}
}

// note remembers a credential that was sent, so that no error repeats it.
func (w *wire) note(authorization string) {
	_, secret, _ := strings.Cut(authorization, " ")
	if secret == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.spent, secret) {
		w.spent = append(w.spent, secret)
	}
}

// limited is a body of which at most left bytes are read; then comes over.
type limited struct {
	io.ReadCloser
	left int64
	over error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		if l.over == io.EOF {
			return 0, io.EOF
		}
		if n, err := l.ReadCloser.Read(make([]byte, 1)); n == 0 && err != nil {
			return 0, err // it ended just there
		}
		return 0, l.over
	}
	n, err := l.ReadCloser.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	if err != nil && err != io.EOF {
		err = cut{err}
	}
	return n, err
}

// bulk is the context key of a request whose answer may be of any length.
type bulk struct{}

func withBulk(ctx context.Context) context.Context { return context.WithValue(ctx, bulk{}, true) }
