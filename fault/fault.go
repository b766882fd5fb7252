// Package fault is the one shape of an error that a person reads: what is
// wrong, why (the chain of reasons) and what to do next; and the one place
// where an error becomes an exit code (design.md section 7).
//
// A package returns a *fault.Error where it knows the kind; wrapping with %w
// keeps the kind. It imports nothing of the project, so every package may use it.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind is the class of a failure; its value is the exit code of the program.
type Kind int

const (
	No            Kind = 1   // a check said no
	Input         Kind = 2   // usage, malformed input, internal error
	Unsatisfiable Kind = 3   // unsatisfiable or refused
	Auth          Kind = 4   // 401, 403
	Integrity     Kind = 5   // hash, signature, disagreement
	Temporary     Kind = 75  // try again: cut connection, 5xx after retries, not cached
	Interrupted   Kind = 130 // Ctrl-C: 128 + SIGINT, as a shell reports it
)

// Error is a failure in three parts. Text is lower case and ends without a
// full stop; no part may hold a credential.
type Error struct {
	Kind Kind
	What string   // the operation and the value: "wheel torch-2.6.0-….whl: sha256 is X, lock says Y"
	Why  []string // reasons, outermost first; may be empty
	Next string   // a command or a version to try; may be empty
	Err  error    // the cause, for errors.Is and errors.As; may be nil
}

// Error is the failure on one line: what, then why.
func (e *Error) Error() string {
	parts := append([]string{e.What}, e.Why...)
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an Error of kind k whose What is formatted as by fmt.Sprintf.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, What: fmt.Sprintf(format, args...)}
}

// Because adds one reason and returns e.
func (e *Error) Because(format string, args ...any) *Error {
	e.Why = append(e.Why, fmt.Sprintf(format, args...))
	return e
}

// Try sets what to do next and returns e.
func (e *Error) Try(format string, args ...any) *Error {
	e.Next = fmt.Sprintf(format, args...)
	return e
}

// Wrap sets the cause and returns e.
func (e *Error) Wrap(err error) *Error {
	e.Err = err
	return e
}

// KindOf is the kind of the first *Error in err's chain; Interrupted for a
// cancelled context, Input for any other error, 0 for nil.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &e):
		return e.Kind
	}
	return Input
}

// Render is err for a terminal: a line "error: what", a line for each reason
// indented by two, and a line "next: …". What servers and archives said in it
// is made Printable.
func Render(err error) string { return Printable(render(err)) }

// Printable is s with every control character but newline and tab as "?": a
// text of foreign origin must not steer a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || 0x7f <= r && r <= 0x9f {
			return '?'
		}
		return r
	}, s)
}

func render(err error) string {
	var b strings.Builder
	var e *Error
	if !errors.As(err, &e) {
		fmt.Fprintf(&b, "error: %v\n", err)
		return b.String()
	}
	outer := strings.TrimSuffix(strings.TrimSuffix(err.Error(), e.Error()), ": ")
	what := e.What
	if outer != "" && outer != err.Error() {
		what = outer + ": " + what
	}
	fmt.Fprintf(&b, "error: %s\n", what)
	for _, w := range e.Why {
		for i, line := range strings.Split(strings.TrimRight(w, "\n"), "\n") {
			if i == 0 {
				line = "because " + line
			} else {
				line = "        " + line
			}
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "  because %v\n", e.Err)
	}
	if e.Next != "" {
		fmt.Fprintf(&b, "next: %s\n", e.Next)
	}
	return b.String()
}
