package deb

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Bounds on what is read of a maintainer script.
const (
	maxScript   = 1 << 20  // bytes
	maxCommands = 20_000   // after loops are unrolled
	maxUnrolled = 256      // commands that one command in a loop becomes
	maxExpanded = 64 << 20 // bytes of all words that come of it, each counted as wordCost more
	wordCost    = 64
)

// word is one argument of a command. Where its value takes more than the text
// of the script to know, known is false and text is how the script spells it.
type word struct {
	text  string
	known bool
}

// command is one simple command of a script, its name first.
type command []word

func (c command) String() string {
	var all []string
	for _, w := range c {
		all = append(all, w.text)
	}
	return strings.Join(all, " ")
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// commands lists the simple commands of a POSIX shell script in the order of
// its text, whatever it would take for one to be reached. Words are expanded
// where a variable has one literal value in the whole script or is one of
// known, and loops over literal words are unrolled. Nothing is run.
func commands(script []byte, known map[string]string) ([]command, error) {
	if len(script) > maxScript {
		return nil, fmt.Errorf("script of %d bytes, at most %d are read", len(script), maxScript)
	}
	first, _, _ := bytes.Cut(script, []byte("\n"))
	interpreter, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(string(first), "#!")), " ")
	if !slices.Contains([]string{"sh", "dash", "bash"}, path.Base(interpreter)) {
		return nil, fmt.Errorf("its interpreter is %.40q, not a shell", interpreter)
	}
	tokens, err := lexShell(string(script))
	if err != nil {
		return nil, err
	}
	statements := splitStatements(tokens)
	r := shellReader{values: map[string][]string{}, fickle: fickle(statements)}
	for name, value := range known {
		if !r.fickle[name] {
			r.values[name] = []string{value}
		}
	}
	for _, s := range statements {
		if err := r.read(s); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

// statement is an assignment, the head of a loop, or a command.
type statement struct {
	variable string
	loop     bool
	words    []shellWord // the value, the loop's words, or the command's
}

// splitStatements cuts tokens at control operators and drops redirections and
// the reserved words before a command.
func splitStatements(tokens []shellToken) []statement {
	var out []statement
	var words []shellWord
	flush := func() {
		out = append(out, statementsOf(words)...)
		words = nil
	}
	for i := 0; i < len(tokens); i++ {
		switch t := tokens[i]; t.op {
		case opWord:
			words = append(words, t.word)
		case opRedirect:
			if i+1 < len(tokens) && tokens[i+1].op == opWord {
				i++
			}
		default:
			flush()
		}
	}
	flush()
	return out
}

func statementsOf(words []shellWord) []statement {
	for len(words) > 0 && slices.Contains([]string{"if", "then", "elif", "else", "while", "until", "do", "!", "{", "exec", "command"}, words[0].source) {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil
	}
	if words[0].source == "for" && len(words) > 1 {
		return []statement{{variable: words[1].source, loop: true, words: words[min(3, len(words)):]}}
	}
	if words[0].source == "read" {
		var out []statement
		for _, w := range words[1:] { // whatever comes in
			out = append(out, statement{variable: w.source, words: []shellWord{{source: "$(read)", pieces: []piece{{kind: opaque}}}}})
		}
		return out
	}
	if slices.Contains([]string{"local", "export", "readonly", "declare", "typeset"}, words[0].source) {
		words = words[1:]
	}
	var out []statement
	for len(words) > 0 && assignment.MatchString(words[0].source) {
		name, _, _ := strings.Cut(words[0].source, "=")
		out = append(out, statement{variable: name, words: []shellWord{words[0].without(name + "=")}})
		words = words[1:]
	}
	if len(words) > 0 {
		out = append(out, statement{words: words})
	}
	return out
}

// fickle finds the variables whose value the text alone does not tell: those
// assigned more than once in different ways.
func fickle(statements []statement) map[string]bool {
	seen, out := map[string]string{}, map[string]bool{}
	for _, s := range statements {
		if s.variable == "" {
			continue
		}
		how := "loop"
		if !s.loop {
			how = "=" + s.words[0].source
		}
		if old, have := seen[s.variable]; have && old != how {
			out[s.variable] = true
		}
		seen[s.variable] = how
	}
	return out
}

// shellReader expands statements one after the other.
type shellReader struct {
	values map[string][]string // variables known so far; several values: of a loop
	fickle map[string]bool
	out    []command
	spent  int // of maxExpanded
}

func (r *shellReader) read(s statement) error {
	if s.variable != "" {
		delete(r.values, s.variable)
		if !r.fickle[s.variable] {
			r.assign(s)
		}
		return r.affords()
	}
	uses := r.loops(s.words)
	total := 1
	for _, name := range uses {
		if total *= len(r.values[name]); total > maxUnrolled {
			return fmt.Errorf("a loop of more than %d rounds", maxUnrolled)
		}
	}
	if len(r.out)+total > maxCommands {
		return fmt.Errorf("more than %d commands", maxCommands)
	}
	for round := range total {
		at, rest := map[string]string{}, round
		for _, name := range uses {
			values := r.values[name]
			at[name], rest = values[rest%len(values)], rest/len(values)
		}
		var c command
		for _, w := range s.words {
			c = append(c, r.expand(w, at))
			if err := r.affords(); err != nil {
				return err
			}
		}
		r.out = append(r.out, c)
	}
	return nil
}

// affords refuses a script of which too much was made: a few bytes of it can
// multiply the others.
func (r *shellReader) affords() error {
	if r.spent > maxExpanded {
		return fmt.Errorf("it expands to more than %d bytes", maxExpanded)
	}
	return nil
}

// assign gives a variable its value or, of a loop, its values.
func (r *shellReader) assign(s statement) {
	var values []string
	for _, w := range s.words {
		v := r.expand(w, nil)
		if !v.known {
			return
		}
		if s.loop && len(w.pieces) == 1 && w.pieces[0].kind == variable && !w.pieces[0].quoted {
			fields := strings.Fields(v.text)
			r.spent += wordCost * len(fields)
			values = append(values, fields...)
			continue
		}
		values = append(values, v.text)
	}
	if len(values) > 0 {
		r.values[s.variable] = values
	}
}

// loops are the variables in words that have several values.
func (r *shellReader) loops(words []shellWord) []string {
	var out []string
	for _, w := range words {
		for _, p := range w.pieces {
			if p.kind == variable && len(r.values[p.text]) > 1 && !slices.Contains(out, p.text) {
				if out = append(out, p.text); 1<<len(out) > maxUnrolled {
					return out // too many already
				}
			}
		}
	}
	return out
}

// expand joins a word's pieces; at says which of a loop's values counts, nil in
// an assignment, whose value is not split.
func (r *shellReader) expand(w shellWord, at map[string]string) word {
	var b strings.Builder
	if r.spent += wordCost; r.spent > maxExpanded {
		return word{text: w.source}
	}
	defer func() { r.spent += b.Len() }()
	for _, p := range w.pieces {
		value, ok := p.text, p.kind == literal
		if p.kind == variable {
			if value, ok = at[p.text]; !ok && len(r.values[p.text]) == 1 {
				value, ok = r.values[p.text][0], true
			}
			// Without quotes the shell would split it into several words.
			ok = ok && (p.quoted || at == nil || !strings.ContainsAny(value, " \t\n*?["))
		}
		if !ok || b.Len()+len(value) > maxScript {
			return word{text: w.source}
		}
		b.WriteString(value)
	}
	return word{text: b.String(), known: true}
}
