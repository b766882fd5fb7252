package whl

// codes unpacks symbols until the block ends (done), the window is full or
// input runs short. At least 16 bytes of input must stand ready.
func (f *Inflater) codes() (done bool, err error) {
	in, out := f.in[:f.have], f.window[:]
	inLimit := len(in) - inSlack
	lit, dist := f.lit, f.dist
	ip, pos, bits, n := f.ip, f.pos, f.bits, f.n
	for ip <= inLimit && pos < outLimit {
		// 56 bits or more: four literals of the first table, at most 11 each.
		bits |= le.Uint64(in[ip:]) << (n & 63)
		ip += int(63-n) >> 3
		n |= 56
		e := lit[bits&(1<<litBits-1)]
		out[pos] = byte(e >> 8)
		if int32(e) >= 0 {
			bits >>= e & 63
			n -= uint64(e & 63)
			pos++
			e = lit[bits&(1<<litBits-1)]
			out[pos] = byte(e >> 8)
			if int32(e) >= 0 {
				bits >>= e & 63
				n -= uint64(e & 63)
				pos++
				e = lit[bits&(1<<litBits-1)]
				out[pos] = byte(e >> 8)
				if int32(e) >= 0 {
					bits >>= e & 63
					n -= uint64(e & 63)
					pos++
					e = lit[bits&(1<<litBits-1)]
					out[pos] = byte(e >> 8)
					if int32(e) >= 0 {
						bits >>= e & 63
						n -= uint64(e & 63)
						pos++
						continue
					}
				}
			}
		}
		// And again: a length takes 20 bits at most, a distance 28.
		bits |= le.Uint64(in[ip:]) << (n & 63)
		ip += int(63-n) >> 3
		n |= 56
		if e >= special && e < noCode {
			e = lit[(uint64(e>>8&0xffff)+bits>>litBits&(1<<(e>>24&15)-1))&(litSize-1)]
			out[pos] = byte(e >> 8)
			if int32(e) >= 0 {
				bits >>= e & 63
				n -= uint64(e & 63)
				pos++
				continue
			}
		}
		if e >= special {
			bits >>= e & 63
			n -= uint64(e & 63)
			if done = e >= ended; !done {
				err = errCode
			}
			break
		}
		length := int(e>>16&0xff) + int(bits&(1<<(e&63)-1)>>(e>>24&15)) + 3
		bits >>= e & 63
		n -= uint64(e & 63)

		d := dist[bits&(1<<distBits-1)]
		if int32(d) < 0 {
			if d >= farther {
				d = dist[(uint64(d>>16&0x7fff)+bits>>distBits&(1<<(d>>8&15)-1))&(distSize-1)]
			}
			if int32(d) < 0 {
				bits >>= d & 63
				n -= uint64(d & 63)
				err = errDistance
				break
			}
		}
		offset := int(d>>16) + int(bits&(1<<(d&63)-1)>>(d>>8&15))
		bits >>= d & 63
		n -= uint64(d & 63)
		from := pos - offset
		if from < 0 {
			err = errFar
			break
		}
		to := pos
		pos += length
		switch {
		case offset >= 16:
			*(*[16]byte)(out[to:]) = *(*[16]byte)(out[from:])
			for length > 16 {
				to, from, length = to+16, from+16, length-16
				*(*[16]byte)(out[to:]) = *(*[16]byte)(out[from:])
			}
		case offset >= 8:
			for ; to < pos; to, from = to+8, from+8 {
				*(*[8]byte)(out[to:]) = *(*[8]byte)(out[from:])
			}
		default:
			repeat(out[from:], offset, length)
		}
	}
	f.ip, f.pos, f.bits, f.n = ip, pos, bits, n
	return done, err
}

// repeat writes length bytes behind the first offset (< 8) bytes of b, with
// these repeated; it may write up to 7 bytes more.
func repeat(b []byte, offset, length int) {
	var v uint64
	for i := range 8 {
		v |= uint64(b[i%offset]) << (8 * i)
	}
	// The step is the largest multiple of offset that one store covers.
	step := 8 - 8%offset
	for at := offset; at < offset+length; at += step {
		le.PutUint64(b[at:], v)
	}
}
