package whl

// order is that of the lengths of the code of code lengths.
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// take gives the next k <= 16 bits; behind the input's end they are 0, which
// the callers look for.
func (f *Inflater) take(k uint64) (int, error) {
	if f.n < k {
		if err := f.refill(); err != nil {
			return 0, err
		}
		f.load()
	}
	v := int(f.bits & (1<<k - 1))
	f.bits >>= k
	f.n -= k
	return v, nil
}

// load fills the bit buffer to 56 bits or more; 8 bytes of input must be there.
func (f *Inflater) load() {
	f.bits |= le.Uint64(f.in[f.ip:]) << (f.n & 63)
	f.ip += int(63-f.n) >> 3
	f.n |= 56
}

// over says whether bits behind the stream's end were taken.
func (f *Inflater) over() bool { return f.ip-int(f.n>>3) > f.real }

// header reads a block's header and what belongs to it.
func (f *Inflater) header() error {
	v, err := f.take(3)
	if err == nil {
		f.final = v&1 != 0
		switch v >> 1 {
		case 0:
			err = f.storedHeader()
		case 1:
			f.state, f.lit, f.dist = inCodes, &fixedLit, &fixedDist
		case 2:
			f.state, f.lit, f.dist = inCodes, &f.ownLit, &f.ownDist
			err = f.dynamicHeader()
		default:
			err = errBlock
		}
	}
	if f.over() {
		return errCut
	}
	return err
}

func (f *Inflater) storedHeader() error {
	f.bits >>= f.n & 7
	f.n &^= 7
	size, err := f.take(16)
	if err != nil {
		return err
	}
	check, err := f.take(16)
	if err != nil {
		return err
	}
	if size != check^0xffff {
		return errStored
	}
	f.unread()
	f.state, f.stored = inStored, size
	return nil
}

// copyStored moves bytes of a stored block to the window.
func (f *Inflater) copyStored() error {
	n := min(f.stored, outLimit-f.pos)
	if f.ip < f.real {
		n = copy(f.window[f.pos:f.pos+n], f.in[f.ip:f.real])
		f.ip += n
	} else if n > 0 {
		if err := f.refill(); err != nil {
			return err
		}
		if f.ip >= f.real {
			return errCut
		}
		return nil
	}
	f.pos += n
	if f.stored -= n; f.stored == 0 {
		f.blockEnd()
	}
	return nil
}

// dynamicHeader reads the codes of a block (RFC 1951, section 3.2.7).
func (f *Inflater) dynamicHeader() error {
	v, err := f.take(14)
	if err != nil {
		return err
	}
	lits, dists, precs := v&31+257, v>>5&31+1, v>>10+4
	if lits > maxLit || dists > maxDist {
		return errSymbols
	}
	var prec [len(order)]uint8
	for _, at := range order[:precs] {
		if v, err = f.take(3); err != nil {
			return err
		}
		prec[at] = uint8(v)
	}
	if !f.builder.build(f.prec[:], prec[:], &precAlphabet) {
		return errLengths
	}
	if err := f.codeLengths(f.lens[:lits+dists]); err != nil {
		return err
	}
	switch {
	case f.lens[endBlock] == 0:
		return errNoEnd
	case !f.builder.build(f.ownLit[:], f.lens[:lits], &litAlphabet):
		return errLitSet
	case !f.builder.build(f.ownDist[:], f.lens[lits:lits+dists], &distAlphabet):
		return errDistSet
	}
	return nil
}

// codeLengths reads the lengths of both codes, run together.
func (f *Inflater) codeLengths(lens []uint8) error {
	for i := 0; i < len(lens); {
		if f.n < precBits+7 {
			if err := f.refill(); err != nil {
				return err
			}
			f.load()
		}
		e := f.prec[f.bits&(precSize-1)]
		f.bits >>= e & 63
		f.n -= uint64(e & 63)
		symbol := e >> 16
		if symbol < 16 {
			lens[i] = uint8(symbol)
			i++
			continue
		}
		extra, times := uint64(7), 11
		switch symbol {
		case 16:
			extra, times = 2, 3
		case 17:
			extra, times = 3, 3
		}
		times += int(f.bits & (1<<extra - 1))
		f.bits >>= extra
		f.n -= extra
		if times > len(lens)-i || symbol == 16 && i == 0 {
			return errRepeat
		}
		value := uint8(0)
		if symbol == 16 {
			value = lens[i-1]
		}
		for range times {
			lens[i] = value
			i++
		}
	}
	return nil
}
