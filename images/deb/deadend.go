package deb

import (
	"fmt"
	"strings"

	"wheelwright/fault"
)

// deadEnd is a dependency that could not be satisfied in a set.
type deadEnd struct {
	want    *want
	chain   []string   // who needs the package that asks
	blocked []obstacle // why each answer was impossible
	others  []*deadEnd // where the next answers of a choice before it ended
}

// obstacle is why a package cannot join a set.
type obstacle struct {
	o     *item
	other *item    // what is in the way
	says  string   // the relation that forbids the two; empty: they have one name
	chain []string // who needs other
}

func (b *obstacle) String() string {
	switch {
	case b.says != "":
		return b.says
	case b.other.there:
		return "the base has " + b.other.named() + ", and what a base has is not exchanged"
	}
	return b.other.named() + " is in the set"
}

func (d *deadEnd) add(c *closure, o *item, why *obstacle) {
	why.chain = c.chain(why.other)
	d.blocked = append(d.blocked, *why)
}

// joined is the first of several dead ends, which knows of the others.
func joined(ends []*deadEnd) *deadEnd {
	out := *ends[0]
	out.others = append(append([]*deadEnd(nil), out.others...), ends[1:]...)
	return &out
}

// chain says who needs a member, up to what was asked for.
func (c *closure) chain(o *item) []string {
	var out []string
	for o != nil && !o.there {
		m := c.chosen[o.Name]
		if m == nil || m.by == nil || m.by.by == nil {
			break
		}
		out = append(out, fmt.Sprintf("%s is needed by %s", o.Name, m.by.by.Name))
		o = m.by.by
	}
	return out
}

// short is the dead end in half a line.
func (d *deadEnd) short() string {
	what := spell(d.want.alts)
	if d.want.by != nil {
		what = d.want.by.Name + " needs " + what
	}
	if len(d.blocked) == 0 {
		return what + ", which is not offered"
	}
	return what + ", and " + d.blocked[0].String()
}

// fault tells the dead end: what is wrong, and who brought both sides in.
func (d *deadEnd) fault(c *closure) error {
	var e *fault.Error
	lines := d.chain
	switch by := d.want.by; {
	case len(d.blocked) == 1 && d.blocked[0].says != "":
		b := d.blocked[0]
		e = fault.New(fault.Unsatisfiable, "debian packages %s and %s cannot stand together", b.o.Name, b.other.Name).Because("%s", b.says)
		if by != nil {
			e.Because("%s is needed by %s", b.o.Name, by.Name)
		}
		lines = append(append([]string(nil), lines...), b.chain...)
		if b.other.there {
			lines = append(lines, "the base has "+b.other.named())
		}
	case by == nil:
		e = fault.New(fault.Unsatisfiable, "debian package %s", spell(d.want.alts))
		d.reasons(e)
	case len(d.blocked) == 0 && c.on != nil:
		e = fault.New(fault.Unsatisfiable, "debian package %s needs %s, which neither the base nor a suite has", by.Name, spell(d.want.alts))
	case len(d.blocked) == 0:
		e = fault.New(fault.Unsatisfiable, "debian package %s needs %s, which no suite of the base has", by.Name, spell(d.want.alts))
	default:
		e = fault.New(fault.Unsatisfiable, "debian package %s needs %s, which cannot be had", by.Name, spell(d.want.alts))
		d.reasons(e)
	}
	for _, l := range lines {
		if !strings.Contains(strings.Join(e.Why, "\n")+"\n", l+"\n") {
			e.Because("%s", l)
		}
	}
	d.rest(e)
	if c.on != nil {
		return e.Try("take a newer image as image.base, or leave what needs it out: image.packages, image.without")
	}
	return e.Try("leave one of them out of image.packages")
}

// reasons tells why each answer was impossible, the first few.
func (d *deadEnd) reasons(e *fault.Error) {
	for i, b := range d.blocked {
		if i == 4 {
			e.Because("and %d more answers", len(d.blocked)-i)
			break
		}
		e.Because("%s: %s", b.o.named(), b.String())
	}
}

// rest tells where the other answers ended.
func (d *deadEnd) rest(e *fault.Error) {
	for i, o := range d.others {
		if i == 3 {
			e.Because("and %d more ways end so", len(d.others)-i)
			break
		}
		e.Because("another way: %s", o.short())
	}
}
