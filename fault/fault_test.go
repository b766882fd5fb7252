package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestRender(t *testing.T) {
	inner := New(Integrity, "wheel %s: sha256 is X, lock says Y", "a.whl").Because("the index serves other bytes\nsince today").Try("lock again")
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "error: plain\n"},
		{inner, "error: wheel a.whl: sha256 is X, lock says Y\n  because the index serves other bytes\n          since today\nnext: lock again\n"},
		{fmt.Errorf("build of p: %w", inner), "error: build of p: wheel a.whl: sha256 is X, lock says Y\n  because the index serves other bytes\n          since today\nnext: lock again\n"},
		{New(Input, "lock f").Wrap(io.ErrUnexpectedEOF), "error: lock f\n  because unexpected EOF\n"},
	} {
		if got := Render(c.err); got != c.want {
			t.Errorf("Render(%v):\n%s\nwant\n%s", c.err, got, c.want)
		}
	}
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{nil, 0},
		{errors.New("x"), Input},
		{fmt.Errorf("a: %w", New(Auth, "b")), Auth},
		{New(Temporary, "cut").Wrap(context.Canceled), Interrupted},
		{fmt.Errorf("a: %w", context.Canceled), Interrupted},
		{context.DeadlineExceeded, Input},
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) is %d, want %d", c.err, got, c.want)
		}
	}
}

func TestErrorKeepsCause(t *testing.T) {
	err := error(New(Temporary, "read %s", "page").Because("cut").Wrap(io.ErrUnexpectedEOF))
	if got, want := err.Error(), "read page: cut: unexpected EOF"; got != want {
		t.Errorf("Error() is %q, want %q", got, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
}

func TestRenderSteersNoTerminal(t *testing.T) {
	text := Render(New(Auth, "registry x").Because("denied: \x1b[2Jwelcome\r\u009b31m").Wrap(errors.New("\x07")))
	if text != "error: registry x\n  because denied: ?[2Jwelcome??31m\n  because ?\n" {
		t.Errorf("%q", text)
	}
}
