package wheelhouse

import (
	"sync"
	"sync/atomic"
	"time"
)

// Event is what a Progress tells.
type Event int

const (
	Started Event = iota // the first bytes of Artifact are asked for
	Moved                // Artifact grew; at most ten times a second
	Done                 // Artifact entered the store
	Cached               // Artifact was in the store already, or another process put it there
	Waiting              // another process is fetching Artifact
	Retry                // a source of Artifact failed and is asked again, or the next one; Note says why
)

// String is the event in one word.
func (e Event) String() string {
	return [...]string{"started", "moved", "done", "cached", "waiting", "retry"}[e]
}

// Progress is one step of a Fill.
type Progress struct {
	Event    Event
	Artifact Artifact // with SHA256 and Size from Done and Cached on
	Got      int64    // bytes of Artifact that are here
	Note     string   // Retry: the reason, without credentials
	Totals   Totals
}

// Totals are the sums over one Fill.
type Totals struct {
	Files   int   `json:"files"`   // different files in the list
	Done    int   `json:"done"`    // of them in the store now
	Cached  int   `json:"cached"`  // of those, not fetched by this Fill
	Bytes   int64 `json:"bytes"`   // known sizes of the files to fetch
	Got     int64 `json:"got"`     // of them here, partial files from earlier runs included
	Fetched int64 `json:"fetched"` // bytes read from sources, those fetched twice counted twice
}

const progressEvery = 100 * time.Millisecond

// reporter hands progress on, one call at a time, and reads the workers'
// counters on a clock so that the workers need not wait for a display.
type reporter struct {
	to      func(Progress)
	fetched atomic.Int64

	mu     sync.Mutex
	totals Totals
	active map[*job]int64 // last reported size
	stop   chan struct{}
	ended  sync.WaitGroup
}

func newReporter(to func(Progress), t Totals) *reporter {
	r := &reporter{to: to, totals: t, active: map[*job]int64{}, stop: make(chan struct{})}
	if to != nil {
		r.ended.Go(r.tick)
	}
	return r
}

// close ends the clock; no call is made after it.
func (r *reporter) close() {
	close(r.stop)
	r.ended.Wait()
}

func (r *reporter) tick() {
	t := time.NewTicker(progressEvery)
	defer t.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-t.C:
		}
		r.mu.Lock()
		for j := range r.active {
			if r.update(j) {
				r.emit(Moved, j, j.a, "")
			}
		}
		r.mu.Unlock()
	}
}

// update brings the totals up to what j has now.
func (r *reporter) update(j *job) bool {
	got, last := j.got.Load(), r.active[j]
	r.totals.Got += got - last
	r.totals.Fetched = r.fetched.Load()
	r.active[j] = got
	return got != last
}

func (r *reporter) emit(e Event, j *job, a Artifact, note string) {
	if r.to != nil {
		r.to(Progress{Event: e, Artifact: a, Got: j.got.Load(), Note: note, Totals: r.totals})
	}
}

// event reports a change of j's state.
func (r *reporter) event(e Event, j *job, a Artifact, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e {
	case Started:
		r.active[j] = 0
		r.update(j)
	case Done:
		r.update(j)
		r.totals.Done++
		delete(r.active, j)
	case Cached:
		r.totals.Done++
		r.totals.Cached++
		if j.planned { // counted as to be fetched: it no longer is
			r.totals.Bytes -= j.a.Size
		}
	}
	r.emit(e, j, a, note)
}
