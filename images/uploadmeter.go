package images

import "sync"

// grain is how many bytes pass between two reports.
const grain = 256 << 10

// meter adds up what is sent of all blobs and tells it.
type meter struct {
	mu          sync.Mutex
	tell        func(done, total int64) // may be nil
	done, total int64
	told        int64
}

// bar is one blob's share.
type bar struct {
	m         *meter
	size, has int64
}

// add takes a blob that will be sent into the total.
func (m *meter) add(size int64) *bar {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total += size
	m.report(true)
	return &bar{m: m, size: size}
}

// at says how far the blob is; an upload that begins again is less far.
func (b *bar) at(n int64) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	b.m.done += n - b.has
	b.has = n
	b.m.report(n == b.size)
}

// report is called with the lock held, so that reports do not overlap.
func (m *meter) report(now bool) {
	if m.tell != nil && (now || m.done-m.told >= grain || m.done < m.told) {
		m.told = m.done
		m.tell(m.done, m.total)
	}
}
