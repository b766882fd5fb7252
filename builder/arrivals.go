package builder

import (
	"context"
	"sync"

	"wheelwright/wheelhouse"
)

// arrivals tells which files lie in the House.
type arrivals struct {
	mu sync.Mutex
	at map[string]chan struct{} // by sha256; closed: it lies there

	fetched map[string]bool // by this process
}

func newArrivals(lists ...[]wheelhouse.Artifact) *arrivals {
	a := &arrivals{at: map[string]chan struct{}{}, fetched: map[string]bool{}}
	for _, list := range lists {
		for _, x := range list {
			if a.at[x.SHA256] == nil {
				a.at[x.SHA256] = make(chan struct{})
			}
		}
	}
	return a
}

// fresh says whether a file was fetched, and so hashed, by this process.
func (a *arrivals) fresh(sha256 string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fetched[sha256]
}

// note says that a file came to lie in the House, or lay there.
func (a *arrivals) note(sha256 string, fetched bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fetched[sha256] = fetched
	if c := a.at[sha256]; c != nil {
		select {
		case <-c:
		default:
			close(c)
		}
	}
}

// wait ends when the file lies in the House or ctx ends.
func (a *arrivals) wait(ctx context.Context, sha256 string) error {
	c := a.at[sha256]
	if c == nil {
		return nil
	}
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
