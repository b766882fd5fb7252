package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"wheelwright/builder"
)

var events = []builder.Event{
	{Step: builder.StepResolve, Kind: builder.Began, Text: "index https://index.test/simple: the default"},
	{Step: builder.StepWheelhouse, Kind: builder.Began, Unit: builder.Bytes},
	{Step: builder.StepWheelhouse, Kind: builder.Progressed, Unit: builder.Bytes, Done: 1 << 20, Total: 3 << 20},
	{Step: builder.StepWheelhouse, Kind: builder.Note, Text: "a server said \x1b[2J"},
	{Step: builder.StepWheelhouse, Kind: builder.Progressed, Unit: builder.Bytes, Done: 2 << 20, Total: 3 << 20},
	{Step: builder.StepWheelhouse, Kind: builder.Ended, Text: "1 files"},
	{Step: builder.StepResolve, Kind: builder.Ended, Text: "3 distributions"},
	{Step: builder.StepLayers, Kind: builder.Warning, Text: "two wheels write /x"},
}

// Where stderr is no terminal there are lines and nothing else.
func TestScreenElsewhere(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	for _, e := range events {
		s.report(e)
	}
	s.close()
	text := out.String()
	if strings.ContainsAny(text, "\r\x1b") || strings.Contains(text, "MiB") {
		t.Errorf("%q", text)
	}
	for _, want := range []string{"resolve    index https://index.test/simple: the default\n", "a server said ?[2J\n", "wheelhouse 1 files (", "resolve    3 distributions (", "warning: two wheels write /x\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

// On a terminal a live line is drawn over itself, never into a line that
// stays, and is gone at the end; which index won is said there too.
func TestScreenOnATerminal(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	s.live, s.width = true, 30
	for _, e := range events {
		s.drawn = time.Time{}
		s.report(e)
	}
	s.report(builder.Event{Step: builder.StepLayers, Kind: builder.Began})
	s.drawn = time.Time{}
	s.report(builder.Event{Step: builder.StepLayers, Kind: builder.Progressed, Done: 1, Total: 9})
	s.close()
	text := out.String()
	if !strings.Contains(text, "wheelhouse 1.0 MiB") || !strings.Contains(text, "index https://index.test/simple") {
		t.Errorf("%q", text)
	}
	for _, line := range strings.Split(text, "\n") {
		parts := strings.Split(line, "\r\x1b[K")
		for _, p := range parts {
			if strings.Contains(p, "MiB") && len(p) > 29 {
				t.Errorf("a live line of %d columns on a terminal of 30: %q", len(p), p)
			}
		}
		if last := parts[len(parts)-1]; strings.Contains(last, "MiB") || strings.Contains(last, "1 of 9") {
			t.Errorf("a live line stays: %q", line)
		}
	}
}

func TestScreenQuiet(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	s.quiet = true
	for _, e := range events {
		s.report(e)
	}
	s.close()
	if out.Len() > 0 {
		t.Errorf("%q", out.String())
	}
}

// Builds that run side by side are told one after the other, in the order in
// which they are shown, whatever the order of events.
func TestScreenLanes(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	s.live, s.width = true, 60
	a, b := s.lane(), s.lane()
	note := func(l *lane, text string) {
		l.report(builder.Event{Step: builder.StepResolve, Kind: builder.Note, Text: text})
	}
	progress := func(l *lane, done int64) {
		s.drawn = time.Time{}
		l.report(builder.Event{Step: builder.StepResolve, Kind: builder.Progressed, Done: done, Unit: builder.Items})
	}
	a.show()
	for _, l := range []*lane{b, a} {
		l.report(builder.Event{Step: builder.StepResolve, Kind: builder.Began})
	}
	note(b, "b first")
	progress(b, 77)
	note(a, "a first")
	progress(a, 11)
	note(b, "b second")
	note(a, "a second")
	b.show()
	note(b, "b third")
	progress(b, 78)
	note(a, "a late")
	(*lane)(nil).show()
	s.close()
	text := regexp.MustCompile("\r\x1b\\[K(resolve [0-9]+)?").ReplaceAllString(out.String(), "<$1>")
	want := "resolve    a first\n<resolve 11><>resolve    a second\nresolve    b first\nresolve    b second\nresolve    b third\n<resolve 78><>resolve    a late\n"
	if text != want {
		t.Errorf("got  %q\nwant %q", text, want)
	}
	out.Reset()
	s.quiet = true
	note(b, "unheard")
	if out.Len() > 0 {
		t.Errorf("quiet, and says %q", &out)
	}
}
