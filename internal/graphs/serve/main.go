// Command serve serves a recorded graph as a package index on loopback, or
// makes one of a universe of deps.dev/util/resolve:
//
//	go run ./internal/graphs/serve testdata/graphs/cheroot.txt.gz
//	go run ./internal/graphs/serve -convert cheroot pypi-2020-11-17-cheroot.data >cheroot.txt
//
// The first line on stdout is the index's URL; then one line a request of the
// graph: its name and its requirements, apart by tabs. It ends with its stdin.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"wheelwright/internal/graphs"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(2)
	}
}

func run() error {
	convert := flag.String("convert", "", "write the universe as a graph with this `request`, instead of serving one")
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on")
	flag.Parse()
	if flag.NArg() != 1 {
		return fmt.Errorf("want one file, got %d arguments", flag.NArg())
	}
	if *convert != "" {
		f, err := os.Open(flag.Arg(0))
		if err != nil {
			return err
		}
		defer f.Close()
		g, err := graphs.ReadResolvelib(f, *convert)
		if err != nil {
			return err
		}
		return g.Write(os.Stdout)
	}
	g, err := graphs.Open(flag.Arg(0))
	if err != nil {
		return err
	}
	h := graphs.Handler(g)
	graphs.Warm(h, g)
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/simple\n", l.Addr())
	for _, a := range g.Asks {
		fmt.Printf("%s\t%s\n", a.Name, strings.Join(a.Requires, "\t"))
	}
	go func() {
		io.Copy(io.Discard, os.Stdin) //nolint:errcheck // its end is what counts
		os.Exit(0)
	}()
	return http.Serve(l, h)
}
