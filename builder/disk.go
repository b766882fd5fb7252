package builder

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"wheelwright/fault"
	"wheelwright/wheelhouse"
)

// explained makes an error of a step one that says what to do, where the
// cause decides it and not the step: a full disk, a spoilt file of the cache.
func (b *Builder) explained(ctx context.Context, err error, wheels []wheelhouse.Artifact) error {
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		if fault.KindOf(err) == fault.Temporary {
			return err
		}
		return fault.New(fault.Temporary, "the disk is full").Wrap(err).
			Try("make room (cache: %s), then run the same command again: it goes on from what is there", b.CacheDir)
	case fault.KindOf(err) == fault.Integrity:
		return b.spoilt(ctx, err, wheels)
	}
	return err
}

// spoilt looks, after an integrity error, for files of the store that changed
// since they were stored, and takes them out, so that the next run fetches
// them anew.
func (b *Builder) spoilt(ctx context.Context, err error, artifacts []wheelhouse.Artifact) error {
	gone, herr := b.house.Recheck(ctx, artifacts)
	if herr != nil || len(gone) == 0 {
		return err
	}
	e := fault.New(fault.Integrity, "%d files of the cache have changed since they were stored", len(gone)).Wrap(err)
	for _, a := range gone {
		e.Because("%s is taken out of the cache", a)
	}
	return e.Try("run the same command again: it fetches them anew")
}

// need tells how much a fill is about to download.
func need(n wheelhouse.Need) string {
	if n.Files == 0 {
		return ""
	}
	text := fmt.Sprintf("%d files to fetch, %d bytes", n.Files, n.Bytes)
	if n.Unknown > 0 {
		text += fmt.Sprintf(" and %d files of unknown size", n.Unknown)
	}
	return text
}
