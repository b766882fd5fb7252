package deb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wheelwright/atomicfile"
	"wheelwright/fault"
)

// signedFile is a Release as it came: InRelease, or Release and the
// signature beside it.
type signedFile struct {
	Text      []byte // InRelease, or Release
	Signature []byte // Release.gpg; empty for InRelease
}

// release gets the Release of a suite that counts: signed by a key of the
// suite and not expired. Of the mirror's and the one that was read here last,
// it is the newer; note tells where that is not the mirror's. Offline it is
// the latter, whose signature is verified again, but no clock is looked at.
func (f *fetcher) release(ctx context.Context, s suite) (_ *release, note string, err error) {
	kept := filepath.Join(f.dir, "release-"+hashOf([]byte(redact(s.folder()+"/InRelease"))))
	if f.offline {
		r, err := f.keptRelease(s, kept)
		return r, "", err
	}
	file, err := f.fetchRelease(ctx, s)
	if err != nil {
		return nil, "", err
	}
	now := f.now()
	r, err := s.open(file, now)
	if err != nil {
		return nil, "", err
	}
	if old, err := f.keptRelease(s, kept); err == nil && r.Date.Before(old.Date) {
		note = fmt.Sprintf("debian suite %s: the mirror has its Release of %s, older than that of %s read from it before; the newer one is used", redact(s.folder()), stamp(r.Date), stamp(old.Date))
		r, file = old, signedFile{}
	}
	if !r.Until.IsZero() && now.After(r.Until) {
		return nil, "", fault.New(fault.Integrity, "debian suite %s: its Release has expired", redact(s.folder())).
			Because("it was made on %s, its Valid-Until says %s and this machine's clock %s", stamp(r.Date), stamp(r.Until), stamp(now)).
			Because("a mirror that stands still, or someone who holds updates back, serves one like it").
			Try("%s", s.another("; first look whether the clock is right"))
	}
	if file.Text == nil {
		return r, note, nil
	}
	return r, note, f.keep(kept, file)
}

// open verifies a Release and reads it. now is as in keyring.verify.
func (s suite) open(file signedFile, now time.Time) (*release, error) {
	text, signed, signature := file.Text, file.Text, file.Signature
	name := "Release"
	if len(signature) == 0 {
		var err error
		name = "InRelease"
		if text, signed, signature, err = cleartext(file.Text); err != nil {
			return nil, fault.New(fault.Integrity, "debian suite %s: %s is not as it was signed", redact(s.folder()), name).
				Wrap(err).Try("%s", s.another("; behind a proxy, look at what it puts in the place of the file"))
		}
	}
	if reasons, ok := s.keys.verify(signed, signature, now); !ok {
		e := fault.New(fault.Integrity, "debian suite %s: %s is not signed by a trusted key", redact(s.folder()), name)
		for _, why := range reasons {
			e.Because("%s", why)
		}
		e.Because("trusted are %s", s.keys)
		return nil, e.Try("%s", s.another("; where this one signs anew, name the file of its key in "+KeyringVariable))
	}
	r, err := parseRelease(text)
	if err != nil {
		return nil, fault.New(fault.Integrity, "debian suite %s", redact(s.folder())).Wrap(err).Try("%s", s.another(""))
	}
	return r, s.admit(r)
}

// another is what to do about a Release that is refused; more is said only of
// Debian's own.
func (s suite) another(more string) string {
	variable := MirrorVariable
	switch {
	case s.foreign:
		return "ask whoever runs the repository; its url and key stand in image.apt"
	case s.archive == archiveSecurity:
		variable = SecurityVariable
	}
	return "set " + variable + " to another mirror" + more
}

// fetchRelease gets InRelease or, where there is none, Release and its
// signature.
func (f *fetcher) fetchRelease(ctx context.Context, s suite) (signedFile, error) {
	address := s.folder() + "/InRelease"
	text, absent := f.get(ctx, address, maxRelease)
	if !lacks(absent) {
		return signedFile{Text: text}, describe(address, absent)
	}
	text, err := f.get(ctx, s.folder()+"/Release", maxRelease)
	if lacks(err) {
		return signedFile{}, describe(address, absent)
	}
	if err != nil {
		return signedFile{}, describe(s.folder()+"/Release", err)
	}
	signature, err := f.get(ctx, s.folder()+"/Release.gpg", maxRelease)
	if lacks(err) || err == nil && len(signature) == 0 {
		return signedFile{}, fault.New(fault.Integrity, "debian suite %s: its Release is not signed", redact(s.folder())).
			Because("the mirror has neither InRelease nor Release.gpg").Try("%s", s.another(""))
	}
	return signedFile{Text: text, Signature: signature}, describe(s.folder()+"/Release.gpg", err)
}

// lacks says whether an answer means that there is no such file: object
// stores refuse what they do not have.
func lacks(err error) bool { return errors.Is(err, errAbsent) || fault.KindOf(err) == fault.Auth }

// keptRelease reads and verifies the Release that was read last.
func (f *fetcher) keptRelease(s suite, kept string) (*release, error) {
	data, err := os.ReadFile(kept)
	if err != nil {
		return nil, missing(s.folder() + "/InRelease")
	}
	file := signedFile{Text: data}
	if bytes.HasPrefix(data, []byte("{")) {
		if err := json.Unmarshal(data, &file); err != nil || len(file.Signature) == 0 {
			return nil, fault.New(fault.Integrity, "debian suite %s: its Release in the cache is damaged", redact(s.folder())).
				Try("run once without --offline")
		}
	}
	r, err := s.open(file, time.Time{})
	var known *fault.Error
	if errors.As(err, &known) {
		known.What = strings.Replace(known.What, "debian suite", "cache: debian suite", 1)
		known.Next = "run once without --offline"
	}
	return r, err
}

// keep puts a Release that was verified into the cache.
func (f *fetcher) keep(path string, file signedFile) error {
	data := file.Text
	if len(file.Signature) > 0 {
		var err error
		if data, err = json.Marshal(file); err != nil {
			return err
		}
	}
	return atomicfile.Write(path, data)
}
