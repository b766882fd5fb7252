package index

import (
	"net/url"
	"strings"
	"sync"
)

// keyring holds credentials by the place they were given for. They go to that
// origin and to no other.
type keyring struct {
	mu    sync.RWMutex
	keys  []key
	login func(*url.URL) (user, pass string, ok bool) // netrc; may be nil
}

type key struct{ origin, path, user, pass string }

// add gives credentials to the origin of u.
func (k *keyring) add(u *url.URL, user, pass string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append(k.keys, key{origin(u), u.Path, user, pass})
}

// find gives the credentials for u: of those given for its origin, the ones
// whose path is most like u's; the first given where several are alike.
func (k *keyring) find(u *url.URL) (user, pass string, ok bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	here, best := origin(u), -1
	for _, c := range k.keys {
		if c.origin != here {
			continue
		}
		if n := common(c.path, u.Path); n > best {
			best, user, pass, ok = n, c.user, c.pass, true
		}
	}
	if !ok && k.login != nil {
		return k.login(u)
	}
	return user, pass, ok
}

// common counts the leading path elements that a and b share.
func common(a, b string) int {
	x, y := strings.Split(strings.Trim(a, "/"), "/"), strings.Split(strings.Trim(b, "/"), "/")
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}
