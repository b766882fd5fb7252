package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
)

// pacing says how a registry is asked again and how long it is waited for.
type pacing struct {
	first  time.Duration // wait after the first failure; each further one triples it
	most   time.Duration // the longest wait; bounds Retry-After too
	tries  int           // in a row that bring nothing
	stall  time.Duration // an upload of which no byte moves for so long is given up
	small  time.Duration // for the answer to a small request
	commit time.Duration // for the answer when all bytes are there: the registry hashes them
	chunk  int64         // bytes of one PATCH
	fruit  int64         // an upload that got so many bytes further counts its tries anew
}

var pace = pacing{
	first: time.Second, most: time.Minute, tries: 5,
	stall: time.Minute, small: time.Minute, commit: 15 * time.Minute,
	chunk: 64 << 20, fruit: 1 << 20,
}

// session is the talk with one registry about one repository, with docker's
// credentials for it.
type session struct {
	repo   name.Repository
	action string // transport.PullScope or transport.PushScope
	wire   *wire
	auth   authn.Authenticator
	pace   pacing

	mu      sync.Mutex
	clients map[string]*loggedIn // by the repository that is read besides; "": none
}

// loggedIn is a client in the making: one is made at a time, and who needs another
// does not wait for it.
type loggedIn struct {
	mu     sync.Mutex
	client *http.Client // nil: not logged in
}

// newSession finds the credentials; it sends nothing.
func newSession(ctx context.Context, repo name.Repository, action string, o RegistryOptions) (*session, error) {
	w, err := newWire(o)
	if err != nil {
		return nil, err
	}
	s := &session{repo: repo, action: action, wire: w, pace: pace, clients: map[string]*loggedIn{}}
	if w.mayBePlain(s.host()) {
		if s.repo, err = name.NewRepository(repo.Name(), name.Insecure); err != nil {
			return nil, err
		}
	}
	if s.auth, err = authn.Resolve(ctx, authn.DefaultKeychain, repo); err != nil {
		return nil, fault.New(fault.Auth, "docker's credentials for %s", s.host()).
			Because("%s", s.scrub(err.Error())).Try("docker login %s", s.host())
	}
	return s, nil
}

func (s *session) host() string { return s.repo.RegistryStr() }

// client is logged in for the repository, and to read from another one of the
// same registry if from names one.
func (s *session) client(ctx context.Context, from string) (*http.Client, error) {
	s.mu.Lock()
	l := s.clients[from]
	if l == nil {
		l = &loggedIn{}
		s.clients[from] = l
	}
	s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		return l.client, nil
	}
	scopes := []string{s.repo.Scope(s.action)}
	if from != "" {
		scopes = append(scopes, "repository:"+from+":pull")
	}
	ctx, stop := context.WithTimeoutCause(ctx, s.pace.small, cut{fmt.Errorf("no login within %v", s.pace.small)})
	defer stop()
	t, err := transport.NewWithContext(ctx, s.repo.Registry, s.auth, transport.NewUserAgent(s.wire, "wheelwright"), scopes)
	if err != nil {
		return nil, caused(ctx, err)
	}
	l.client = &http.Client{Transport: t, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return fmt.Errorf("%w: it is the fifth in a row", errRedirect)
		}
		return nil // the wire looks at each
	}}
	return l.client, nil
}

// caused is err, or what ended ctx if err says only that it ended.
func caused(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return cause
	}
	return err
}

// address is that of something in the repository: "blobs/sha256:…". The
// transport makes it http where the registry speaks no TLS.
func (s *session) address(path string) *url.URL {
	return &url.URL{Scheme: "https", Host: s.host(), Path: "/v2/" + s.repo.RepositoryStr() + "/" + path}
}

// query is a small request.
type query struct {
	method string
	url    *url.URL
	from   string // a repository that is read besides
	accept string
	media  string // of body
	body   []byte
	limit  time.Duration // for the whole; 0: pacing.small
}

// ask sends q and reads the answer; a status that is not among ok is a
// *transport.Error.
func (s *session) ask(ctx context.Context, q query, ok ...int) (*http.Response, []byte, error) {
	c, err := s.client(ctx, q.from)
	if err != nil {
		return nil, nil, err
	}
	if q.limit == 0 {
		q.limit = s.pace.small
	}
	ctx, stop := context.WithTimeoutCause(ctx, q.limit, cut{fmt.Errorf("no answer within %v", q.limit)})
	defer stop()
	r, err := http.NewRequestWithContext(ctx, q.method, q.url.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept-Encoding", "identity") // or the transport unpacks what it asked to be packed
	if q.accept != "" {
		r.Header.Set("Accept", q.accept)
	}
	if q.media != "" {
		r.Header.Set("Content-Type", q.media)
	}
	res, err := c.Do(r)
	if err != nil {
		return nil, nil, caused(ctx, err)
	}
	defer res.Body.Close()
	if err := transport.CheckError(res, ok...); err != nil {
		return nil, nil, caused(ctx, err)
	}
	body, err := io.ReadAll(res.Body)
	return res, body, caused(ctx, err)
}

// follow is the address that an answer's Location gives.
func (s *session) follow(res *http.Response) (*url.URL, error) {
	to, err := res.Location()
	if err != nil {
		return nil, fault.New(fault.Input, "registry %s names no place for the upload", s.host()).
			Because("its answer has no Location that can be read")
	}
	from := res.Request.URL
	if port := map[string]string{"https": ":443", "http": ":80"}[to.Scheme]; strings.TrimSuffix(to.Host, port) == from.Host {
		to.Host, to.Scheme = from.Host, from.Scheme // many a proxy forgets that it speaks TLS
	}
	to.User = nil
	return to, leads(from, to)
}

// retry does f until it succeeds, fails for good, or failed too often.
func (s *session) retry(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n >= s.pace.tries || !s.passing(err):
			return err
		}
		if err := s.wait(ctx, n); err != nil {
			return err
		}
	}
}

// wait sleeps after the nth failure in a row.
func (s *session) wait(ctx context.Context, n int) error {
	d := s.pace.first
	for range n - 1 {
		d = min(3*d, s.pace.most)
	}
	d += time.Duration(float64(d) * 0.2 * rand.Float64()) // not all at once after a restart
	if hold := time.Until(time.Unix(0, s.wire.hold.Load())); hold > d {
		d = min(hold, s.pace.most)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// passing says whether an error may be gone the next time.
func (s *session) passing(err error) bool {
	var answer *transport.Error
	if errors.As(err, &answer) {
		return passingStatus(answer.StatusCode)
	}
	var op *net.OpError
	switch {
	case !errors.As(err, new(cut)), untrusted(err), errors.Is(err, errPlain), s.noTLS(err):
		return false
	case errors.As(err, &op) && op.Op == "dial":
		return s.wire.reached.Load() // a name or a port that never answered is a wrong one
	}
	return true
}

func passingStatus(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return code >= 500 || code == 499
}
