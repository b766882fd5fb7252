package deb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wheelwright/atomicfile"
	"wheelwright/fault"
)

// Environment variables that name another mirror of the archive and of its
// security archive, as addresses without a trailing slash.
const (
	MirrorVariable   = "WHEELWRIGHT_DEBIAN_MIRROR"
	SecurityVariable = "WHEELWRIGHT_DEBIAN_SECURITY_MIRROR"
)

// attempts is how often a request that fails for the moment is made.
const attempts = 4

// defaultMirrors are the addresses used when none is given, put together
// from their parts because no file of the tree spells a package host.
func defaultMirrors() (archive, security string) {
	host := "https://" + strings.Join([]string{"deb", "debian", "org"}, ".")
	return host + "/debian", host + "/debian-security"
}

// fetcher gets files of a mirror and keeps them in the cache.
type fetcher struct {
	client  *http.Client
	dir     string
	offline bool
	now     func() time.Time
	pause   time.Duration // before the first repetition; doubled each time
}

func newFetcher(o Options) (*fetcher, error) {
	f := &fetcher{client: o.Client, dir: filepath.Join(o.CacheDir, "debs"), offline: o.Offline, now: o.Now, pause: time.Second}
	if f.now == nil {
		f.now = time.Now
	}
	if f.client == nil {
		f.client = &http.Client{Timeout: 10 * time.Minute}
	}
	return f, os.MkdirAll(f.dir, 0o755)
}

// errAbsent is the answer 404.
var errAbsent = errors.New("the mirror has no such file")

// index gets the Packages file at base/path of a release, unpacked. It is
// kept by the sha256 that the release lists for it.
func (f *fetcher) index(ctx context.Context, r *release, base, path string) ([]byte, error) {
	plain, ok := r.files[path]
	if !ok {
		return nil, fault.New(fault.Integrity, "debian index %s/%s", redact(base), path).Because("Release does not list it").
			Try("use another mirror; in image.apt, correct suite or components")
	}
	if plain.Size > maxIndex {
		return nil, fault.New(fault.Integrity, "debian index %s/%s", redact(base), path).Because("%d bytes, at most %d are read", plain.Size, maxIndex).
			Try("use another mirror")
	}
	// One file for each index: its name begins with where it is from, so that
	// the next one takes its place.
	place := "packages-" + hashOf([]byte(redact(base) + "/" + path))[:16] + "-"
	kept := filepath.Join(f.dir, place+plain.SHA256)
	if data, err := os.ReadFile(kept); err == nil && hashOf(data) == plain.SHA256 {
		return data, nil
	}
	if f.offline {
		return nil, missing(base + "/" + path)
	}
	var last error
	for _, suffix := range []string{".xz", ".gz", ""} {
		packed, ok := r.files[path+suffix]
		if !ok || packed.Size > maxIndex {
			continue
		}
		data, err := f.listed(ctx, r, base, path+suffix, packed)
		if err == nil {
			data, err = unpackBytes(data, path+suffix, plain.Size)
		}
		if err == nil && hashOf(data) != plain.SHA256 {
			err = errDiffers
		}
		if err == nil {
			old, _ := filepath.Glob(filepath.Join(f.dir, place+"*"))
			for _, o := range old {
				os.Remove(o)
			}
			return data, atomicfile.Write(kept, data)
		}
		if last = describe(base+"/"+path+suffix, err); !errors.Is(err, errAbsent) {
			break
		}
	}
	if last == nil {
		last = missing(base + "/" + path)
	}
	return nil, last
}

var errDiffers = errors.New("its sha256 is not the one that Release lists")

// listed gets one file that Release lists, by hash where the suite has that.
func (f *fetcher) listed(ctx context.Context, r *release, base, path string, want listed) ([]byte, error) {
	addresses := []string{base + "/" + path}
	if r.ByHash {
		folder := path[:strings.LastIndexByte(path, '/')+1]
		addresses = []string{base + "/" + folder + "by-hash/SHA256/" + want.SHA256, addresses[0]}
	}
	var err error
	for _, a := range addresses {
		var data []byte
		if data, err = f.get(ctx, a, want.Size); err == nil && hashOf(data) != want.SHA256 {
			err = errDiffers
		}
		if err == nil || !errors.Is(err, errAbsent) {
			return data, err
		}
	}
	return nil, err
}

// get makes a request, again after a pause when the failure may pass.
func (f *fetcher) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	pause := f.pause
	for n := 1; ; n++ {
		data, again, err := f.once(ctx, address, limit)
		if err == nil || !again || n == attempts || ctx.Err() != nil {
			return data, err
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fetcher) once(ctx context.Context, address string, limit int64) (data []byte, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, false, fault.New(fault.Input, "debian mirror %s", redact(address)).Because("not an address")
	}
	res, err := f.client.Do(req)
	if err != nil {
		return nil, true, bare(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		again, err := verdict(res, address)
		return nil, again, err
	}
	data, err = io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, false, fault.New(fault.Integrity, "debian mirror %s: more than %d bytes", redact(address), limit).
			Because("its Release lists fewer, or no file of the kind is longer").Try("run again; a mirror in the middle of an update cures itself")
	}
	return data, err != nil, err
}

// verdict is what an answer other than the file means, and whether to ask
// again.
func verdict(res *http.Response, address string) (again bool, err error) {
	switch code := res.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusGone:
		return false, errAbsent
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return false, fault.New(fault.Auth, "debian mirror %s answers %s", redact(address), res.Status).
			Try("put USER:PASSWORD@ into the address in %s or %s, or into url in image.apt", MirrorVariable, SecurityVariable)
	case code == http.StatusTooManyRequests, code >= 500:
		return true, fmt.Errorf("the mirror answers %s", res.Status)
	}
	return false, fault.New(fault.Input, "debian mirror %s answers %s", redact(address), res.Status)
}

// describe makes err, if there is one, a fault that names the address.
func describe(address string, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known) || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errAbsent):
		return fault.New(fault.Input, "debian mirror %s", redact(address)).Wrap(err).Try("use a complete mirror: %s, or of image.apt its url and suite", MirrorVariable)
	case errors.Is(err, errDiffers):
		return fault.New(fault.Integrity, "debian mirror %s", redact(address)).Wrap(err).Try("run again; a mirror in the middle of an update cures itself")
	}
	return fault.New(fault.Temporary, "debian mirror %s", redact(address)).Wrap(err).Try("run again; what was fetched is kept")
}

func missing(address string) error {
	return fault.New(fault.Temporary, "debian index %s is not in the cache", redact(address)).
		Because("offline, nothing is fetched").Try("run once without --offline")
}

// redact is an address without user and password.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(unreadable address)"
	}
	u.User = nil
	return u.String()
}

// bare drops the address that net/http puts into its errors.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
