package index

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strconv"
	"time"
)

const (
	attempts  = 5
	baseDelay = 250 * time.Millisecond
	maxDelay  = 8 * time.Second
	maxAsked  = 60 * time.Second // of Retry-After
)

// delay is how long to wait before attempt n+1 (n from 1): exponential with
// jitter in [0,1), but never less than the server asked for, up to maxAsked.
func delay(n int, h http.Header, now time.Time, jitter float64) time.Duration {
	d := min(baseDelay<<(n-1), maxDelay)
	d = d/2 + time.Duration(float64(d/2)*jitter)
	return max(d, min(retryAfter(h, now), maxAsked))
}

// retryAfter reads the header's two forms; 0 when absent or unreadable.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if s, err := strconv.Atoi(v); err == nil {
		if s > int(maxAsked/time.Second) {
			return maxAsked
		}
		return time.Duration(max(s, 0)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}

// transient says whether a status may pass by itself.
func transient(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout ||
		status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported
}

// certificate says whether err is about the server's certificate, which no
// retry mends.
func certificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verify) || errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

// pause waits d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
