package profiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"wheelwright/fault"
)

// Limits of one profile file; a profile is a page of text.
const (
	maxBytes = 256 << 10
	maxDepth = 16
	maxNodes = 20000 // aliases expanded
)

// source is the text of one profile file.
type source struct {
	label string // what errors call it
	dir   string // absolute folder that its relative paths start from; empty for a shipped profile
	data  []byte
}

type kind int

const (
	scalarNode kind = iota
	listNode
	mapNode
)

// node is one YAML value that remembers where it was written. Merged trees
// hold nodes of several files.
type node struct {
	src   *source
	line  int
	key   string // dotted path from the top: "image.env.PATH", "requires[2]"
	kind  kind
	text  string  // scalar
	tag   string  // scalar: "!!str", "!!int", …
	items []*node // list
	names []string
	named map[string]*node // map
}

// at is the fault of a value: "FILE:LINE: KEY: problem".
func (n *node) at(format string, args ...any) *fault.Error {
	key := n.key
	if key != "" {
		key += ": "
	}
	return fault.New(fault.Input, "%s:%d: %s%s", n.src.label, n.line, key, fmt.Sprintf(format, args...))
}

// what names the value's type for a message.
func (n *node) what() string {
	switch n.kind {
	case listNode:
		return "a list"
	case mapNode:
		return "a map"
	}
	switch n.tag {
	case "!!null":
		return "empty"
	case "!!int", "!!float":
		return "the number " + n.text
	case "!!bool":
		return "the boolean " + n.text
	case "!!timestamp":
		return "the date " + n.text
	}
	return "a string"
}

// parse reads the one YAML document of src, a map, with aliases expanded.
func parse(src *source) (*node, error) {
	if len(src.data) > maxBytes {
		return nil, fault.New(fault.Input, "%s: larger than %d KiB", src.label, maxBytes>>10).Because("a profile is a short YAML file")
	}
	data := src.data
	if json.Valid(data) {
		data = fromJSON(data)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntaxError(src, err)
	}
	if len(doc.Content) == 0 {
		return nil, fault.New(fault.Input, "%s:1: empty", src.label).Because("a profile is a map; required keys: name, python, requires")
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, fault.New(fault.Input, "%s:%d: a second document", src.label, max(second.Line, 1)).Because("a profile file holds one YAML document")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(src, err)
	}
	c := converter{src: src}
	n, err := c.convert(doc.Content[0], "", 0)
	if err != nil {
		return nil, err
	}
	if n.kind != mapNode {
		return nil, n.at("a profile is a map, this is %s", n.what())
	}
	return n, nil
}

var jsonEscape = regexp.MustCompile(`\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|.)`)

// fromJSON rewrites what JSON allows and YAML does not, on the same lines:
// tabs between values, and characters escaped as two surrogates.
func fromJSON(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
	return jsonEscape.ReplaceAllFunc(data, func(escape []byte) []byte {
		var s string
		if len(escape) == 2 || json.Unmarshal([]byte(`"`+string(escape)+`"`), &s) != nil {
			return escape
		}
		return []byte(s)
	})
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

func syntaxError(src *source, err error) error {
	m := yamlLine.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0])
	line, text := "1", err.Error()
	if m != nil {
		text = m[2]
		if m[1] != "" {
			line = m[1]
		}
	}
	return fault.New(fault.Input, "%s:%s: not YAML", src.label, line).Because("%s", safe(text))
}

type converter struct {
	src   *source
	count int
}

func (c *converter) convert(y *yaml.Node, key string, depth int) (*node, error) {
	n := &node{src: c.src, line: max(y.Line, 1), key: key}
	if c.count++; c.count > maxNodes {
		return nil, n.at("more than %d values with aliases expanded", maxNodes)
	}
	if depth > maxDepth {
		return nil, n.at("nested deeper than %d levels", maxDepth)
	}
	switch y.Kind {
	case yaml.AliasNode:
		return c.convert(y.Alias, key, depth+1)
	case yaml.ScalarNode:
		n.text, n.tag = y.Value, y.ShortTag()
		switch n.tag {
		case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
			return n, nil
		case "!!merge":
			n.tag = "!!str"
			return n, nil
		}
		return nil, n.at("the YAML tag %s is not supported", y.Tag)
	case yaml.SequenceNode:
		n.kind = listNode
		if y.ShortTag() != "!!seq" {
			return nil, n.at("the YAML tag %s is not supported", y.Tag)
		}
		for i, item := range y.Content {
			m, err := c.convert(item, key+"["+strconv.Itoa(i)+"]", depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, m)
		}
		return n, nil
	case yaml.MappingNode:
		return c.convertMap(y, n, depth)
	}
	return nil, n.at("not a YAML value")
}

func (c *converter) convertMap(y *yaml.Node, n *node, depth int) (*node, error) {
	n.kind, n.named = mapNode, map[string]*node{}
	if y.ShortTag() != "!!map" {
		return nil, n.at("the YAML tag %s is not supported", y.Tag)
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		if k.Kind != yaml.ScalarNode || (k.ShortTag() != "!!str" && k.ShortTag() != "!!merge") {
			m := &node{src: c.src, line: max(k.Line, 1), key: n.key}
			return nil, m.at("a key that is no string").Try("put the key in quotes")
		}
		key := k.Value
		if !plainKey.MatchString(key) {
			key = quote(key)
		}
		if n.key != "" {
			key = n.key + "." + key
		}
		m, err := c.convert(y.Content[i+1], key, depth+1)
		if err != nil {
			return nil, err
		}
		m.line = k.Line
		if first, twice := n.named[k.Value]; twice {
			return nil, m.at("written twice, first on line %d", first.line)
		}
		n.names, n.named[k.Value] = append(n.names, k.Value), m
	}
	return n, nil
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.<-]{1,60}$`)

var userinfo = regexp.MustCompile(`(://)[^/@\s]*@`)

// safe is text of a profile without credentials, short enough to print.
func safe(text string) string {
	text = userinfo.ReplaceAllString(text, "$1")
	if r := []rune(text); len(r) > 120 {
		text = string(r[:120]) + "…"
	}
	return text
}

func quote(text string) string { return strconv.Quote(safe(text)) }
