package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// How the members of the image's own layers begin.
const (
	environmentAt = "environment at "
	waivedFiles   = "waived: "
	lockFile      = "lock"
	hostFiles     = "files "
)

type recipeFunc = func(context.Context) (*layer.Recipe, error)

// onGround looks through the base once, when that is asked for.
func (b *build) onGround(base []*blob) func(context.Context) (*ground, error) {
	var mu sync.Mutex
	var g *ground
	return func(ctx context.Context) (_ *ground, err error) {
		mu.Lock()
		defer mu.Unlock()
		if g == nil {
			g, err = b.Base.ground(ctx, b.Spec, base)
		}
		return g, err
	}
}

// environment makes the layer of the virtual environment's own files and the
// account that the image runs as.
func (b *build) environment(ctx context.Context, on func(context.Context) (*ground, error)) (*blob, Account, error) {
	members := []string{environmentAt + b.Scheme.Prefix}
	recipe := func(ctx context.Context) (*layer.Recipe, error) { // of every reader, side by side
		list, _, err := b.environmentEntries(ctx, on)
		if err != nil {
			return nil, err
		}
		return layer.NewRecipe(list)
	}
	if sum, ok := b.believed(members); ok && b.Account != nil {
		l, err := b.finished(ctx, layer.Made(members[0], sum, layer.Gzip, recipe), members, layer.Gzip, false)
		return l, *b.Account, err
	}
	_, who, err := b.environmentEntries(ctx, on)
	if err != nil {
		return nil, who, err
	}
	l, err := b.small(ctx, members, recipe)
	return l, who, err
}

// environmentEntries are the entries of that layer.
func (b *build) environmentEntries(ctx context.Context, on func(context.Context) (*ground, error)) ([]layer.Entry, Account, error) {
	g, err := on(ctx)
	if err != nil {
		return nil, Account{}, err
	}
	return g.environmentEntries(b.Spec, b.Base.pythonVersion(b.Scheme.Python), b.Base.user())
}

// decision looks for wheels that write over one another, once all are there,
// and lets the waivers decide.
func (b *build) decision(ctx context.Context, groups []Group) (*decision, error) {
	found, err := b.collisions(ctx, groups)
	if err != nil {
		return nil, err
	}
	return b.decide(found)
}

// collided makes the layer of the winners' files where wheels collide and one
// is needed. A set that is believed was looked through when it was built.
func (b *build) collided(ctx context.Context, groups []Group) (*decision, *blob, error) {
	if b.Believe {
		i := slices.IndexFunc(b.Known, func(l Layer) bool { return len(l.Members) > 0 && strings.HasPrefix(l.Members[0], waivedFiles) })
		if i < 0 {
			return &decision{}, nil, nil
		}
		l := layer.Made(strings.Join(b.Known[i].Members, ", "), b.Known[i].Sum, layer.Gzip, func(ctx context.Context) (*layer.Recipe, error) {
			d, err := b.decision(ctx, groups)
			if err != nil {
				return nil, err
			}
			return b.waived(ctx, d)
		})
		b.more()
		out, err := b.finished(ctx, l, b.Known[i].Members, layer.Gzip, false)
		return &decision{}, out, err
	}
	d, err := b.decision(ctx, groups)
	if err != nil || len(d.winners) == 0 {
		return d, nil, err
	}
	b.more()
	l, err := b.small(ctx, d.members(), func(ctx context.Context) (*layer.Recipe, error) { return b.waived(ctx, d) })
	return d, l, err
}

// lock makes the layer of the lock.
func (b *build) lock(ctx context.Context) (*blob, error) {
	return b.small(ctx, []string{lockFile}, func(context.Context) (*layer.Recipe, error) {
		return layer.NewRecipe([]layer.Entry{b.lockEntry()})
	})
}

func (b *build) lockEntry() layer.Entry {
	return layer.Literal(b.Scheme.Prefix[1:]+"/"+LockName, 0o644, b.Lock)
}

// files makes the layer of the profile's files. Its member says what they are,
// so that a lock is not believed once one was edited.
func (b *build) files(ctx context.Context, on func(context.Context) (*ground, error)) (*blob, error) {
	sum, err := filesSum(ctx, b.Files)
	if err != nil {
		return nil, err
	}
	members := []string{hostFiles + sum}
	recipe := func(ctx context.Context) (*layer.Recipe, error) {
		entries, err := b.fileEntries(ctx, on)
		if err != nil {
			return nil, err
		}
		return layer.NewRecipe(entries)
	}
	if sum, ok := b.believed(members); ok {
		return b.finished(ctx, layer.Made("files", sum, layer.Gzip, recipe), members, layer.Gzip, false)
	}
	if b.Base.remembered && b.OpenBase == nil {
		return nil, fault.New(fault.No, "image.files").Because("they were edited since the lock's layers were recorded").
			Try("wheelwright build records them anew")
	}
	return b.small(ctx, members, recipe)
}

func (b *build) fileEntries(ctx context.Context, on func(context.Context) (*ground, error)) ([]layer.Entry, error) {
	g, err := on(ctx)
	if err != nil {
		return nil, err
	}
	return g.fileEntries(b.Files)
}

// filesSum is "sha256:…" of the places, modes and contents of files, whatever
// the base.
func filesSum(ctx context.Context, files []File) (_ string, err error) {
	bare := &ground{survey: &survey{Folders: map[string]folder{}, Links: map[string]string{}}}
	entries, err := bare.fileEntries(files)
	if err != nil {
		return "", err
	}
	slices.SortFunc(entries, func(a, b layer.Entry) int { return strings.Compare(a.Path, b.Path) })
	h := sha256.New()
	for _, e := range entries {
		// Lengths, not quotes: what %q quotes is a matter of the library's Unicode.
		fmt.Fprintf(h, "%d %s %o %d %s %d\n", len(e.Path), e.Path, uint32(e.Mode), len(e.Link), e.Link, e.Size)
		if e.Open == nil {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, contextReader{ctx, r})
		if err = errors.Join(err, r.Close()); err != nil {
			return "", err
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// small makes a layer that takes no time, and so is made anew each time.
func (b *build) small(ctx context.Context, members []string, recipe recipeFunc) (*blob, error) {
	r, err := recipe(ctx)
	if err != nil {
		return nil, err
	}
	sum, err := r.Sum(ctx, layer.Gzip, nil)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	return b.finished(ctx, layer.Made(strings.Join(members, ", "), sum, layer.Gzip, recipe), members, layer.Gzip, false)
}
