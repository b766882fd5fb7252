// Record reads the real index again into testdata/index (make record): the
// pages and METADATA of true releases around what the shipped profiles
// require, trimmed by target and age. testdata/index/README.md has the rule.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"wheelwright/fault"
	"wheelwright/solver/pep508"
	"wheelwright/wheelhouse/index"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprint(os.Stderr, fault.Render(err))
		os.Exit(int(fault.KindOf(err)))
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("record", flag.ContinueOnError)
	out := flags.String("out", filepath.Join("testdata", "index"), "folder written; its cu118 part is read, for its pins")
	since := flags.String("since", "2023-06-01", "releases uploaded from this day on are kept")
	before := flags.Int("before", 5, "and so many of the newest stable ones before it")
	also := flags.String("also", "torchaudio,flash-attn", "names recorded besides what profiles lead to")
	cache := flags.String("cache", "", "cache folder; default: wheelwright-record in the user's; a stopped run goes on from it")
	indexURL := flags.String("index-url", "", "index read; default: the public one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	day, err := time.Parse(time.DateOnly, *since)
	if err != nil {
		return fault.New(fault.Input, "-since %q: want YYYY-MM-DD", *since)
	}
	if *cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		*cache = filepath.Join(user, "wheelwright-record")
	}
	// The machine's own index settings have no say in what is recorded.
	settings, err := index.Configure(index.Options{IndexURL: *indexURL, Env: func(key string) string {
		return map[string]string{"PIP_CONFIG_FILE": os.DevNull}[key]
	}})
	if err != nil {
		return err
	}
	client, err := index.New(settings, index.ClientOptions{CacheDir: *cache, Parallel: parallel})
	if err != nil {
		return err
	}
	seeds, targets, err := wanted(filepath.Join(*out, "cu118"))
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(*also, ",") {
		if n, err := pep508.ParseName(strings.TrimSpace(name)); err == nil {
			seeds = append(seeds, pep508.Requirement{Name: n})
		}
	}
	c := newCrawl(client, targets, day, *before)
	c.log = func(line string) { fmt.Fprintln(os.Stderr, line) }
	if err := c.run(ctx, seeds); err != nil {
		return err
	}
	return write(*out, c)
}
