// Package index answers the solver's questions from package indexes: the
// Simple API in JSON (PEP 691) and HTML (PEP 503), find-links pages, folders
// of wheels; METADATA from FILE.metadata (PEP 658, 714) or from the tail of a
// wheel read by range; all of it through a cache that processes share.
//
// What a server sends is foreign: it is bounded, parsed without trust and
// refused with the project, the address (never its credentials) and what was
// expected. Credentials go to the origin they were given for and nowhere else.
package index

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// ClientOptions are what a Client needs besides its sources.
type ClientOptions struct {
	CacheDir string       // the client owns CacheDir/index; empty: nothing is kept
	Offline  bool         // open no socket: answer from cache and folders alone
	Targets  []tag.Target // give only files that serve one of them, and what shows why others do not; none: every file
	Parallel int          // requests at a time; 0: DefaultParallel
	Trace    io.Writer    // one line for each request; may be nil
	Log      func(string) // notes for a person, each once; may be nil
}

// DefaultParallel is how many requests run at a time.
const DefaultParallel = 48

// Stats counts what a Client did.
type Stats struct {
	Requests    int64 // requests sent, retries and redirects included
	Revalidated int64 // cached pages found unchanged: by 304 or by their bytes
	BytesRead   int64 // bytes of response bodies
	CacheHits   int64 // answers that needed no request
}

// Client reads indexes. It is safe for concurrent use.
type Client struct {
	sources []Source
	answers []answerer // what answers for each source
	keys    keyring
	store   store
	offline bool
	web     http.RoundTripper // nil offline
	slots   *semaphore.Weighted
	want    *wanted
	clock

	traceMu sync.Mutex
	trace   io.Writer
	logMu   sync.Mutex
	log     func(string)
	logged  map[string]bool

	unaskedMu sync.Mutex
	unasked   map[int]int // position of a source -> names that an earlier one has

	pages     flight[pep508.Name, solver.Fact]
	metadatas flight[string, solver.Fact]
	bundles   bundles
	blobs     flight[string, solver.File]
	asked     flight[string, bool] // whether a kept file is still the server's
	habits    habits

	requests, revalidated, bytesRead, hits atomic.Int64
}

// New makes a client for the sources of s. It reads no network.
func New(s Settings, o ClientOptions) (*Client, error) {
	if o.Parallel <= 0 {
		o.Parallel = DefaultParallel
	}
	c := &Client{
		sources: s.Sources, offline: o.Offline, slots: semaphore.NewWeighted(int64(o.Parallel)),
		want: newWanted(o.Targets), trace: o.Trace, log: o.Log, logged: map[string]bool{}, unasked: map[int]int{},
		clock: clock{now: time.Now, sleep: pause, jitter: rand.Float64, stall: stallTimeout, hedge: hedge},
	}
	if !o.Offline {
		roots, err := s.Roots()
		if err != nil {
			return nil, err
		}
		c.web = newTransport(roots)
		c.keys.login = s.Login
	}
	if o.CacheDir != "" {
		dir, err := filepath.Abs(o.CacheDir)
		if err != nil {
			return nil, fault.New(fault.Input, "cache folder %s", o.CacheDir).Wrap(err)
		}
		c.store.dir = filepath.Join(dir, "index")
	}
	for _, src := range s.Sources {
		a, err := c.answererOf(src)
		if err != nil {
			return nil, err
		}
		c.answers = append(c.answers, a)
	}
	return c, nil
}

// answererOf is what answers for a source.
func (c *Client) answererOf(src Source) (answerer, error) {
	dir, local := localPath(src.URL)
	if !local {
		u, err := remote(src.URL, "index "+src.Name)
		if err != nil {
			return nil, err
		}
		if user, pass, ok := src.Credentials(); ok {
			c.keys.add(u, user, pass)
		}
		switch src.Kind {
		case Simple:
			return &simple{c: c, src: src}, nil
		case FindLinks:
			return &links{c: c, src: src}, nil
		}
		return nil, fault.New(fault.Input, "index %s", src).Because("a path index is a folder of this machine")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.New(fault.Input, "index %s", src).Wrap(err)
	}
	if src.Kind == Simple {
		return &folderIndex{src: src, dir: dir}, nil
	}
	return &wheelFolder{c: c, src: src, dir: dir}, nil
}

// Stats is a snapshot of the counters.
func (c *Client) Stats() Stats {
	return Stats{c.requests.Load(), c.revalidated.Load(), c.bytesRead.Load(), c.hits.Load()}
}

// note logs a line once.
func (c *Client) note(line string) {
	c.logMu.Lock()
	defer c.logMu.Unlock()
	if c.log != nil && !c.logged[line] {
		c.logged[line] = true
		c.log(line)
	}
}

// hit counts and traces an answer that needed no request.
func (c *Client) hit(address, verdict string) {
	c.hits.Add(1)
	if c.trace == nil {
		return
	}
	c.traceMu.Lock()
	defer c.traceMu.Unlock()
	_, _ = io.WriteString(c.trace, "--- "+plain(address)+" 0 0 "+verdict+"\n")
}

// answerer answers for one source: the files of a project; found is false when
// the source does not have it. want may cut short what a long page gives.
type answerer interface {
	files(ctx context.Context, name pep508.Name, want *wanted) (files []solver.File, found bool, err error)
}

// loginHint names the environment variables that log in to the source at u.
func (c *Client) loginHint(u *url.URL) string {
	for _, s := range c.sources {
		if v, err := url.Parse(s.URL); err == nil && origin(v) == origin(u) {
			p := "UV_INDEX_" + variable(s.Name)
			return ", or " + p + "_USERNAME and " + p + "_PASSWORD"
		}
	}
	return ""
}
