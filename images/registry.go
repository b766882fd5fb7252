package images

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
)

// backoff is how a request that fails for the moment is made again: after 1,
// 3 and 9 seconds.
var backoff = remote.Backoff{Duration: time.Second, Factor: 3, Jitter: 0.1, Steps: 4}

// remoteOptions are the ways of every request to a registry: docker's
// credentials, plain HTTP for loopback only.
func remoteOptions(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithUserAgent("wheelwright"),
		remote.WithRetryBackoff(backoff),
		remote.WithTransport(encrypted{remote.DefaultTransport}),
	}
}

// encrypted refuses plain HTTP to any host but this one, whatever the library
// takes for a local registry.
type encrypted struct{ http.RoundTripper }

var errPlain = errors.New("plain HTTP is for loopback only")

func (e encrypted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" && !loopback(r.URL.Hostname()) {
		return nil, fmt.Errorf("%s: %w", r.URL.Host, errPlain)
	}
	return e.RoundTripper.RoundTrip(r)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// registryFault makes an error of the library a fault: what was tried, at
// which registry.
func registryFault(what, host string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answerFault(what, host, answer)
	}
	var u *url.Error
	if errors.As(err, &u) { // its text holds the address with its query
		err = u.Err
	}
	e := fault.New(fault.Temporary, "%s: registry %s", what, host).Wrap(err)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return e.Try("check the host's name; run again when the network is back")
	case errors.Is(err, errPlain), strings.Contains(err.Error(), "x509:"), strings.Contains(err.Error(), "tls:"):
		e.Kind = fault.Input
		return e.Try("give the registry a certificate that SSL_CERT_FILE vouches for")
	}
	return e.Try("run again; blobs that arrived are not sent twice")
}

// answerFault is registryFault for an answer with a status.
func answerFault(what, host string, answer *transport.Error) error {
	status := fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	var details []string
	for _, d := range answer.Errors {
		details = append(details, strings.ToLower(strings.ReplaceAll(string(d.Code), "_", " "))+": "+d.Message)
	}
	e := fault.New(fault.Input, "%s: registry %s answers %s", what, host, status)
	if len(details) > 0 {
		e.Because("%s", strings.Join(details, "; "))
	}
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Kind = fault.Auth
		return e.Try("docker login %s", host)
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500:
		e.Kind = fault.Temporary
		return e.Try("run again; blobs that arrived are not sent twice")
	case code == http.StatusNotFound:
		return e.Try("check repository and tag; some registries want the repository made first")
	}
	return e
}
