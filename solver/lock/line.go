package lock

import "github.com/pelletier/go-toml/v2/unstable"

// lineOf is the line (1-based) where a package, or one of its wheels, begins;
// 0 when it cannot be told. It reads the document again, so it is for errors
// only. Packages may stand as [[packages]] or as an inline array.
func lineOf(text []byte, pkg, wheel int) int {
	if pkg < 0 {
		return 0
	}
	var parser unstable.Parser
	parser.Reset(text)
	line := func(n *unstable.Node) int {
		for n.Valid() && n.Raw.Length == 0 {
			n = n.Child()
		}
		if !n.Valid() {
			return 0
		}
		return parser.Shape(n.Raw).Start.Line
	}
	at, found := -1, 0
	wheels := 0
	for parser.NextExpression() {
		e := parser.Expression()
		switch e.Kind {
		case unstable.ArrayTable, unstable.Table:
			key := e.Key()
			path := keyOf(key)
			switch {
			case path == "packages" && e.Kind == unstable.ArrayTable:
				at, wheels = at+1, 0
				if at == pkg {
					found = line(e.Child())
				}
			case path == "packages.wheels" && at == pkg && e.Kind == unstable.ArrayTable:
				if wheels == wheel {
					return line(e.Child())
				}
				wheels++
			case path == "packages.archive" && at == pkg && wheel == 0:
				return line(e.Child())
			}
		case unstable.KeyValue:
			path := keyOf(e.Key())
			switch {
			case at < 0 && path == "packages":
				found = line(element(e.Value(), pkg))
			case at == pkg && wheel == 0 && path == "archive":
				return line(e.Value())
			case at == pkg && wheel >= 0 && path == "wheels":
				return line(element(e.Value(), wheel))
			}
		}
	}
	return found
}

// element is the i-th element of an array, nil if there is none.
func element(array *unstable.Node, i int) *unstable.Node {
	for it := array.Children(); it.Next(); i-- {
		if i == 0 {
			return it.Node()
		}
	}
	return nil
}

func keyOf(it unstable.Iterator) string {
	path := ""
	for it.Next() {
		if path != "" {
			path += "."
		}
		path += string(it.Node().Data)
	}
	return path
}
