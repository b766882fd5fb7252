package images

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
)

// maxSaid bounds, in runes, what is repeated of a registry's own words.
const maxSaid = 300

// fault makes an error of a request a fault: what was tried, at which
// registry. No credential and no query of an address is in it.
func (s *session) fault(what string, err error) error {
	var known *fault.Error
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &known) {
		return err
	}
	host := s.host()
	// A registry that may be plain is tried both ways: trust comes first then,
	// for the answer to the second try says only that it was the wrong one.
	switch {
	case untrusted(err):
		return fault.New(fault.Input, "%s: registry %s", what, host).Because("%s", s.scrub(root(err))).
			Try("give the certificate of its authority with --registry-ca FILE, or in the file that SSL_CERT_FILE names")
	case s.noTLS(err):
		return fault.New(fault.Input, "%s: registry %s speaks no TLS", what, host).
			Try("--plain-http %s, if the network on the way is trusted", host)
	}
	var answer *transport.Error
	if errors.As(err, &answer) {
		return s.answerFault(what, answer)
	}
	e := fault.New(fault.Temporary, "%s: registry %s", what, host).Because("%s", s.scrub(root(err)))
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return e.Try("check the host's name; run again when the network is back")
	case errors.Is(err, errRedirect), errors.Is(err, errPlain) && !errors.As(err, new(cut)), strings.Contains(err.Error(), "invalid realm"):
		e.Kind = fault.Input
		return e.Try("ask who runs the registry; --plain-http HOST allows a host without TLS")
	case !errors.As(err, new(cut)): // an answer that is not one of a registry
		return e.Try("check that %s is a registry, and that no proxy answers in its place", host)
	}
	return e.Try("%s", s.again())
}

// again is what to do about a failure that passes.
func (s *session) again() string {
	if s.action == transport.PushScope {
		return "run again; blobs that arrived are not sent twice"
	}
	return "run again"
}

// answerFault is fault for an answer with a status.
func (s *session) answerFault(what string, answer *transport.Error) error {
	host, who := s.host(), "registry "+s.host()
	if r := answer.Request; r != nil && r.URL.Host != host {
		who += " (by way of " + r.URL.Host + ")"
	}
	e := fault.New(fault.Input, "%s: %s answers %d %s", what, who, answer.StatusCode, http.StatusText(answer.StatusCode))
	var details []string
	for _, d := range answer.Errors {
		details = append(details, strings.ToLower(strings.ReplaceAll(string(d.Code), "_", " "))+": "+d.Message)
	}
	if len(details) > 0 {
		e.Because("%s", s.scrub(strings.Join(details, "; ")))
	}
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Kind = fault.Auth
		return e.Try("docker login %s", host)
	case passingStatus(code) || code >= 500:
		e.Kind = fault.Temporary
		return e.Try("%s", s.again())
	case code == http.StatusNotFound:
		return e.Try("check repository and tag; some registries want the repository made first")
	}
	return e
}

// noTLS says whether a registry that must speak TLS does not.
func (s *session) noTLS(err error) bool {
	return errors.Is(err, http.ErrSchemeMismatch) && !s.wire.mayBePlain(s.host())
}

// untrusted says whether TLS failed because of who the other side is.
func untrusted(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.CertificateInvalidError))
}

// root is the text of an error without the addresses around it.
func root(err error) string {
	if _, second, both := strings.Cut(err.Error(), `; Get "http://`); both { // of a registry tried both ways
		_, text, _ := strings.Cut(second, `": `)
		return text
	}
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	text := err.Error()
	if strings.Contains(text, "no token in bearer response") {
		return "the answer to the login holds no token" // the library repeats the whole answer
	}
	return text
}

var (
	queries   = regexp.MustCompile(`[?#][^\s"?#]*=[^\s"]*`)
	userinfos = regexp.MustCompile(`(https?://)[^\s"/@]*@`)
)

// scrub takes credentials, the queries of addresses and excess out of a text
// that a registry or a library wrote.
func (s *session) scrub(text string) string {
	text = userinfos.ReplaceAllString(queries.ReplaceAllString(text, ""), "$1")
	s.wire.mu.Lock()
	secrets := s.wire.spent
	s.wire.mu.Unlock()
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	if s.auth != nil {
		if a, err := s.auth.Authorization(); err == nil && a != nil {
			for _, secret := range []string{a.Password, a.Auth, a.IdentityToken, a.RegistryToken} {
				if secret != "" {
					text = strings.ReplaceAll(text, secret, "***")
				}
			}
		}
	}
	if r := []rune(text); len(r) > maxSaid {
		text = fmt.Sprintf("%s… (%d more)", string(r[:maxSaid]), len(r)-maxSaid)
	}
	return text
}
