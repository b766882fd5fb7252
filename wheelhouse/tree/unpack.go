package tree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"wheelwright/fault"
	"wheelwright/wheelhouse/whl"
)

// Wheel is a wheel to be unpacked.
type Wheel struct {
	SHA256 string // of the file, lower-case hex: what it is kept by
	File   string // its own name
	Path   string // where it lies
	Size   int64  // bytes of the file
}

// Options say how Unpack works.
type Options struct {
	Parallel int                                            // wheels at a time; 0: one for each core
	Ready    func(ctx context.Context, sha256 string) error // waits until the file lies there; nil: all do
	Progress func(done, total int64)                        // bytes of wheel files; calls do not overlap; may be nil
}

// Unpack unpacks the wheels that the store lacks, side by side, the heaviest
// of those that are ready first. CRC-32 and size of every member are checked.
// A wheel appears whole or not at all; what is whole stays where another fails.
//
// A damaged wheel is fault.Integrity, a disk too small, where it is known
// beforehand or found out, fault.Temporary.
func (s *Store) Unpack(ctx context.Context, wheels []Wheel, o Options) error {
	todo := slices.DeleteFunc(slices.Clone(wheels), func(w Wheel) bool { return s.Has(w.SHA256) })
	if len(todo) == 0 {
		return nil
	}
	err := s.shelf.Fill(ctx, func(f *Filling) error {
		todo = slices.DeleteFunc(todo, func(w Wheel) bool { return s.Has(w.SHA256) }) // by another process
		slices.SortFunc(todo, func(a, b Wheel) int { return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.SHA256, b.SHA256)) })
		todo = slices.CompactFunc(todo, func(a, b Wheel) bool { return a.SHA256 == b.SHA256 })
		u := &unpacking{shelf: s.shelf, f: f, o: o}
		for _, w := range todo {
			u.total += w.Size
		}
		return u.all(ctx, todo)
	})
	return Told("unpack wheels below "+s.shelf.dir, err)
}

// unpacking is one Unpack under way.
type unpacking struct {
	shelf Shelf
	f     *Filling
	o     Options

	mu          sync.Mutex
	done, total int64
	promised    int64 // bytes that wheels in the making will still write
}

// all unpacks wheels, which stand heaviest first, as they become ready.
func (u *unpacking) all(ctx context.Context, wheels []Wheel) error {
	if err := Room(u.shelf.dir, fmt.Sprintf("unpack %d wheels", len(wheels)), u.need(wheels)); err != nil {
		return err
	}
	n := u.o.Parallel
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	group, ctx := errgroup.WithContext(ctx)
	waits, wctx := errgroup.WithContext(ctx)
	arrived := make(chan int, len(wheels))
	for i, w := range wheels {
		waits.Go(func() error {
			if u.o.Ready != nil {
				if err := u.o.Ready(wctx, w.SHA256); err != nil {
					return err
				}
			}
			arrived <- i
			return nil
		})
	}
	waited := make(chan error, 1)
	go func() { waited <- waits.Wait(); close(arrived) }()

	group.SetLimit(n)
	var ready []int
	for range wheels {
		if len(ready) == 0 {
			i, ok := <-arrived
			if !ok {
				break
			}
			ready = append(ready, i)
		}
		ready = append(ready, others(arrived)...)
		slices.Sort(ready) // heaviest first
		w := wheels[ready[0]]
		ready = ready[1:]
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return u.one(ctx, w) })
	}
	err := group.Wait() // ends the waiting, too, where it failed
	if werr := <-waited; err == nil {
		err = werr
	}
	return err
}

// others are what a channel holds without waiting.
func others(c <-chan int) (out []int) {
	for {
		select {
		case i, ok := <-c:
			if !ok {
				return out
			}
			out = append(out, i)
		default:
			return out
		}
	}
}

// need is how many bytes the wheels will take: of one that is not there yet
// the least that is sure.
func (u *unpacking) need(wheels []Wheel) (n int64) {
	for _, x := range wheels {
		w, closer, err := whl.OpenFile(x.Path, x.File)
		if err != nil {
			n += x.Size
			continue
		}
		n += unpacked(w)
		closer.Close()
	}
	return n
}

func unpacked(w *whl.Wheel) (n int64) {
	members := w.Members()
	for i := range members {
		n += onDisk(members[i].Size)
	}
	return n
}

// one unpacks a wheel.
func (u *unpacking) one(ctx context.Context, x Wheel) error {
	w, closer, err := whl.OpenFile(x.Path, x.File)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Temporary, "wheel %s", x.File).Wrap(err).Try("fill the wheelhouse again")
		}
		return err
	}
	defer closer.Close()
	need := unpacked(w)
	u.mu.Lock()
	u.promised += need
	promised := u.promised
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		u.promised -= need
		u.mu.Unlock()
	}()
	if u.o.Ready != nil { // it was not counted beforehand
		if err := Room(u.shelf.dir, "unpack wheel "+x.File, promised); err != nil {
			return err
		}
	}
	dir, err := u.f.Begin(x.SHA256)
	if err != nil {
		return err
	}
	members, rest := w.Members(), x.Size
	for i := range members {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := unpackMember(ctx, w, &members[i], filepath.Join(dir, strconv.Itoa(i))); err != nil {
			return err
		}
		u.progress(members[i].Compressed)
		rest -= members[i].Compressed
	}
	u.progress(rest) // the directory and the headers
	u.f.Whole(x.SHA256)
	return nil
}

func (u *unpacking) progress(n int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done += n
	if u.o.Progress != nil {
		u.o.Progress(u.done, u.total)
	}
}

// unpackMember writes a member to a new file.
func unpackMember(ctx context.Context, w *whl.Wheel, m *whl.Member, to string) error {
	r, err := w.OpenMember(*m)
	if err != nil {
		return err
	}
	defer r.Close()
	return WriteNew(ctx, to, memberMode(m), r)
}

// WriteNew writes what r gives to a file that is not there yet. Its time is
// that of the files of a layer, 1970-01-01.
func WriteNew(ctx context.Context, to string, mode fs.FileMode, r io.Reader) error {
	fd, err := retry(func() (int, error) {
		return unix.Open(to, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	})
	if err != nil {
		return &fs.PathError{Op: "open", Path: to, Err: err}
	}
	_, err = io.Copy(fdWriter{ctx, fd}, r)
	if err == nil {
		err = settle(fd, mode)
	}
	return errors.Join(err, os.NewSyscallError("close", unix.Close(fd)))
}
