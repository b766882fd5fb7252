package builder

import (
	"fmt"
	"strings"
	"sync"

	"wheelwright/wheelhouse"
	"wheelwright/wheelhouse/index"
)

// Session is what the builds of one run share: the store, and for each set of
// indexes and target one client, which remembers what it read, so that a page
// or METADATA that several profiles need is fetched and decoded once. It is safe for
// concurrent use; its zero value is an empty one. Builds of one session have
// the same cache, network and trace.
type Session struct {
	mu      sync.Mutex
	house   *wheelhouse.House
	clients map[string]*index.Client // by the identity of their indexes
	told    map[tale]bool
	read    map[string]*readings // by what they read for
}

// open is the store, made on first use.
func (s *Session) open(dir string) (*wheelhouse.House, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.house == nil {
		h, err := wheelhouse.Open(dir)
		if err != nil {
			return nil, err
		}
		s.house = h
	}
	return s.house, nil
}

// client is the one for these indexes, made on first use.
func (s *Session) client(set index.Settings, o index.ClientOptions) (*index.Client, error) {
	key := identity(set.Sources) + fmt.Sprint(o.Targets)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[key]; c != nil {
		return c, nil
	}
	c, err := index.New(set, o)
	if err != nil {
		return nil, err
	}
	if s.clients == nil {
		s.clients, s.told = map[string]*index.Client{}, map[tale]bool{}
	}
	s.clients[key] = c
	return c, nil
}

// tale is one thing to be told of a client, by one of the builds that share it.
type tale struct {
	of   *index.Client
	what string
}

// first says, once for each, that nobody told t yet.
func (s *Session) first(t tale) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told[t]
	s.told[t] = true
	return !told
}

// identity tells lists of indexes apart. It holds credentials and stays inside.
func identity(sources []index.Source) string {
	var b strings.Builder
	for _, s := range sources {
		user, password, _ := s.Credentials()
		fmt.Fprintf(&b, "%q %q %d %q %q %q\n", s.Name, s.URL, s.Kind, s.Packages, user, password)
	}
	return b.String()
}
