package index

import (
	"net/url"
	"sync"
	"sync/atomic"
)

// habits is what a Client learned about servers, by origin.
type habits struct{ m sync.Map }

type habit struct {
	noSuffix  atomic.Bool // refuses "bytes=-N"
	wholeOnly atomic.Bool // ignores Range
}

// of is the habit of the server of an address.
func (h *habits) of(address string) *habit {
	u, err := url.Parse(address)
	if err != nil {
		return &habit{}
	}
	v, _ := h.m.LoadOrStore(origin(u), &habit{})
	return v.(*habit)
}
