package index

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout   = 20 * time.Second
	headerTimeout = 60 * time.Second
	stallTimeout  = 60 * time.Second // between two reads of a body
	maxRedirects  = 10
	userAgent     = "wheelwright"
)

// newTransport speaks HTTP/2 where the server does, on one connection a host:
// measured on the real index, several were no faster. It trusts roots (nil:
// the system's) and uses the proxies of the environment.
func newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   DefaultParallel,
		IdleConnTimeout:       90 * time.Second,
		ReadBufferSize:        64 << 10,
	}
}
