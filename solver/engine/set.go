package engine

import "math/bits"

// Set is a set of the values 0..n of one package, as bits; 0 is "absent".
// Sets of one package have one length, that of Engine.Empty.
type Set []uint64

// Has says whether v is in s.
func (s Set) Has(v int) bool { return s[v>>6]&(1<<(v&63)) != 0 }

// Put adds v.
func (s Set) Put(v int) { s[v>>6] |= 1 << (v & 63) }

// Drop removes v.
func (s Set) Drop(v int) { s[v>>6] &^= 1 << (v & 63) }

// Clone is a copy of s.
func (s Set) Clone() Set { return append(Set(nil), s...) }

// Len is the number of values in s.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// First is the least value in s that is at least v, or -1.
func (s Set) First(v int) int {
	if v>>6 >= len(s) {
		return -1
	}
	w := s[v>>6] &^ (1<<(v&63) - 1)
	for i := v >> 6; ; {
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
		if i++; i == len(s) {
			return -1
		}
		w = s[i]
	}
}

// IsEmpty says whether s has no value.
func (s Set) IsEmpty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// Within says whether every value of s is in t.
func (s Set) Within(t Set) bool {
	for i, w := range s {
		if w&^t[i] != 0 {
			return false
		}
	}
	return true
}

// Meets says whether s and t have a value in common.
func (s Set) Meets(t Set) bool {
	for i, w := range s {
		if w&t[i] != 0 {
			return true
		}
	}
	return false
}

// Add puts every value of t into s.
func (s Set) Add(t Set) {
	for i, w := range t {
		s[i] |= w
	}
}

// Keep drops from s what is not in t.
func (s Set) Keep(t Set) {
	for i, w := range t {
		s[i] &= w
	}
}

// Remove drops from s what is in t.
func (s Set) Remove(t Set) {
	for i, w := range t {
		s[i] &^= w
	}
}

// Equal says whether s and t have the same values.
func (s Set) Equal(t Set) bool {
	for i, w := range s {
		if w != t[i] {
			return false
		}
	}
	return true
}
