package index

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"syscall"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// bundles are the METADATA that the cache has, one file for each distribution:
// a solve asks for hundreds, of some eighty names. A file is records one after
// another, each with its length before it and a checksum at its end. Processes
// append and cut under a lock, so that none takes the record another is writing
// for a damaged one. Of two records with one key the later counts.
type bundles struct {
	mu sync.Mutex
	m  map[pep508.Name]*bundle
}

type bundle struct {
	mu    sync.Mutex
	read  bool
	facts map[string]string // by metadataKey, encoded
}

func (b *bundles) of(name pep508.Name) *bundle {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = map[pep508.Name]*bundle{}
	}
	if b.m[name] == nil {
		b.m[name] = &bundle{}
	}
	return b.m[name]
}

// cachedMetadata is what the cache says of a wheel.
func (c *Client) cachedMetadata(name pep508.Name, key string) (solver.Fact, bool) {
	b := c.bundles.of(name)
	b.mu.Lock()
	b.load(c.store, name)
	text, ok := b.facts[key]
	b.mu.Unlock()
	if !ok {
		return solver.Fact{}, false
	}
	fact, err := decodeMetadata(text)
	return fact, err == nil
}

// keepMetadata puts a fact into the cache.
func (c *Client) keepMetadata(name pep508.Name, key string, fact solver.Fact) error {
	b := c.bundles.of(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.load(c.store, name)
	text := string(encodeMetadata(fact))
	if b.facts[key] == text {
		return nil
	}
	b.facts[key] = text
	e := &encoder{}
	e.text(key)
	e.b = append(e.b, text...)
	record := e.seal()
	return c.store.append(metadataDir, keyOf(string(name)), append(binary.LittleEndian.AppendUint32(nil, uint32(len(record))), record...))
}

// dropMetadata forgets a distribution's METADATA; what of it is right comes
// again when asked for.
func (c *Client) dropMetadata(name pep508.Name) {
	b := c.bundles.of(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read, b.facts = true, map[string]string{}
	c.store.drop(metadataDir, keyOf(string(name)))
}

// load reads the file once. Where a record is cut or damaged, by a crash
// while it was written, the file is cut before it.
func (b *bundle) load(s store, name pep508.Name) {
	if b.read {
		return
	}
	b.read = true
	p := s.path(metadataDir, keyOf(string(name)))
	data := raw(p)
	if b.take(data) < len(data) {
		// It may be another process's, half written: once that is done, look again.
		_ = locked(p, os.O_RDWR, func(f *os.File) error {
			return f.Truncate(int64(b.take(raw(p))))
		})
	}
}

// take reads the records of a file, up to where one is damaged.
func (b *bundle) take(data []byte) (sound int) {
	b.facts = map[string]string{}
	text := string(data) // what the facts are cut from
	for at := 0; ; {
		n, ok := cutRecord(data[at:])
		if !ok {
			return at
		}
		d := &decoder{s: text[at+4 : at+n-4]}
		key := d.text()
		if d.err != nil {
			return at
		}
		b.facts[key] = d.s
		at += n
	}
}

// cutRecord is how many bytes the first record takes, with the length before
// it and the checksum at its end, four bytes each.
func cutRecord(b []byte) (n int, ok bool) {
	if len(b) < 8 {
		return 0, false
	}
	size := int64(binary.LittleEndian.Uint32(b)) + 4
	if size < 8 || size > int64(len(b)) {
		return 0, false
	}
	body, sum := b[4:size-4], binary.LittleEndian.Uint32(b[size-4:size])
	return int(size), crc32.Checksum(body, castagnoli) == sum
}

// raw reads an entry that carries its own checks; nil where there is none.
func raw(p string) []byte {
	f, err := os.Open(p)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxEntry {
		return nil
	}
	data := make([]byte, st.Size())
	n, _ := io.ReadFull(f, data) // what cannot be read is as if cut
	return data[:n]
}

// append adds to an entry by one write; where the machine stops in it, it is cut.
func (s store) append(folder, key string, data []byte) error {
	p := s.path(folder, key)
	if p == "" {
		return nil
	}
	err := locked(p, os.O_APPEND|os.O_CREATE|os.O_WRONLY, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
	if err != nil {
		return cacheFault(p, err)
	}
	return nil
}

// locked opens a file and runs do on it while every other locked waits, in
// other processes too; a file system without locks lets them meet.
func locked(p string, flags int, do func(*os.File) error) error {
	f, err := inFolder(p, func() (*os.File, error) { return os.OpenFile(p, flags, 0o600) })
	if err != nil {
		return err
	}
	for errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX), syscall.EINTR) {
	}
	err = do(f)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
