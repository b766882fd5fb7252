package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"wheelwright/builder"
	"wheelwright/fault"
)

// screen is the one progress display: a line that rewrites itself on a
// terminal, plain lines elsewhere. All rules of terminal output are here:
// stderr only, no colour and no control characters unless it is a terminal,
// nothing but errors when quiet. NO_COLOR holds trivially: no colour is used.
type screen struct {
	mu    sync.Mutex
	w     io.Writer
	quiet bool
	live  bool
	width int
	front *lane // whose progress is drawn
	drawn time.Time
	line  bool // a live line stands on the terminal
}

// lane is the talk of one of several builds that run side by side. It is held
// back until it is shown, so that lines come in the order of the command line.
type lane struct {
	s       *screen
	steps   []builder.Step
	state   map[builder.Step]builder.Event
	started map[builder.Step]time.Time
	open    bool
	held    []string
}

func newScreen(w io.Writer) *screen {
	s := &screen{w: w, width: 80}
	s.front = s.lane()
	s.front.open = true
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		s.live = true
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 20 {
			s.width = n
		}
	}
	return s
}

// lane is a new one, held back.
func (s *screen) lane() *lane {
	return &lane{s: s, state: map[builder.Step]builder.Event{}, started: map[builder.Step]time.Time{}}
}

// report shows one event of whatever is in front.
func (s *screen) report(e builder.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.front.take(e)
}

// show writes what l held back, and from now on what it reports; a nil lane
// holds nothing back.
func (l *lane) show() {
	if l == nil {
		return
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	for _, text := range l.held {
		l.s.print(text)
	}
	l.held, l.open, l.s.front = nil, true, l
}

// report shows one event in its turn.
func (l *lane) report(e builder.Event) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.take(e)
}

func (l *lane) take(e builder.Event) {
	s := l.s
	if s.quiet {
		return
	}
	switch e.Kind {
	case builder.Began:
		l.started[e.Step] = time.Now()
		l.steps = append(l.steps, e.Step)
		l.state[e.Step] = e
		if e.Text != "" {
			l.say("%-10s %s", e.Step, e.Text)
		}
	case builder.Progressed:
		l.state[e.Step] = e
		if s.live && s.front == l && time.Since(s.drawn) > 80*time.Millisecond {
			s.draw()
		}
	case builder.Ended:
		if i := slices.Index(l.steps, e.Step); i >= 0 {
			l.steps = slices.Delete(l.steps, i, i+1)
		}
		l.say("%-10s %s (%.1fs)", e.Step, e.Text, time.Since(l.started[e.Step]).Seconds())
	case builder.Note:
		l.say("%-10s %s", e.Step, e.Text)
	case builder.Warning:
		l.say("warning: %s", e.Text)
	}
}

// say prints a line, or holds it back.
func (l *lane) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !l.open {
		l.held = append(l.held, text)
		return
	}
	l.s.print(text)
}

// print writes a line that stays.
func (s *screen) print(text string) {
	s.clear()
	fmt.Fprintln(s.w, fault.Printable(text))
}

// draw rewrites the live line: each running step with how far it is.
func (s *screen) draw() {
	var parts []string
	for _, step := range s.front.steps {
		e := s.front.state[step]
		text := string(step)
		switch {
		case e.Unit == builder.Bytes && e.Total > 0:
			text += fmt.Sprintf(" %s of %s", bytesText(e.Done), bytesText(e.Total))
		case e.Unit == builder.Bytes:
			text += " " + bytesText(e.Done)
		case e.Total > 0:
			text += fmt.Sprintf(" %d of %d", e.Done, e.Total)
		case e.Done > 0:
			text += fmt.Sprintf(" %d", e.Done)
		}
		parts = append(parts, text)
	}
	line := strings.Join(parts, " | ")
	if len(line) > s.width-1 {
		line = line[:s.width-1]
	}
	fmt.Fprintf(s.w, "\r\x1b[K%s", line)
	s.line, s.drawn = true, time.Now()
}

// clear removes the live line.
func (s *screen) clear() {
	if s.line {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.line = false
	}
}

// close leaves the terminal as it was found.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// bytesText is n in the largest binary unit that keeps it at least 1.
func bytesText(n int64) string {
	const units = "KMGT"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}
