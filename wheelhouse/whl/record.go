package whl

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
)

// RecordLine is one line of RECORD.
type RecordLine struct {
	Path string // as written
	Hash string // "sha256=" and unpadded base64url; empty for RECORD itself
	Size int64  // bytes; -1 where none is written
}

// Record is the wheel's RECORD, in its order.
func (w *Wheel) Record() ([]RecordLine, error) {
	raw, err := w.read(w.distInfo+"/RECORD", maxRecord)
	if err != nil {
		return nil, err
	}
	lines, err := parseRecord(raw)
	if err != nil {
		return nil, refuse(w.Filename, w.distInfo+"/RECORD", "%v", err)
	}
	return lines, nil
}

func parseRecord(raw []byte) ([]RecordLine, error) {
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	var out []RecordLine
	for {
		f, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(out) >= 2*maxMembers {
			return nil, errors.New("too many lines")
		}
		l := RecordLine{Path: f[0], Size: -1}
		if len(f) > 1 {
			l.Hash = f[1]
		}
		if len(f) > 2 && f[2] != "" {
			n, err := strconv.ParseInt(f[2], 10, 64)
			if err != nil || n < 0 {
				return nil, errors.New("size " + strconv.Quote(f[2]) + " of " + strconv.Quote(f[0]) + " is no number of bytes")
			}
			l.Size = n
		}
		out = append(out, l)
	}
}

// Info is the WHEEL file (binary distribution format, version 1.x).
type Info struct {
	WheelVersion  string // "1.0"
	Generator     string
	RootIsPurelib bool
	Tags          []string // expanded, in order
	Build         string
}

// WheelFile is the wheel's WHEEL file. A wheel version other than 1.x is
// refused, as the format asks.
func (w *Wheel) WheelFile() (Info, error) {
	name := w.distInfo + "/WHEEL"
	raw, err := w.read(name, maxWheelFile)
	if err != nil {
		return Info{}, err
	}
	i, err := parseInfo(raw)
	if err != nil {
		return Info{}, refuse(w.Filename, name, "%v", err)
	}
	return i, nil
}

func parseInfo(raw []byte) (Info, error) {
	var i Info
	_ = headers(raw, func(k, v string) error {
		switch k {
		case "wheel-version":
			i.WheelVersion = v
		case "generator":
			i.Generator = v
		case "root-is-purelib":
			i.RootIsPurelib = strings.EqualFold(v, "true")
		case "tag":
			i.Tags = append(i.Tags, v)
		case "build":
			i.Build = v
		}
		return nil
	})
	if major, _, _ := strings.Cut(i.WheelVersion, "."); major != "1" {
		return Info{}, errors.New("wheel version " + strconv.Quote(i.WheelVersion) + ", known is 1.x")
	}
	return i, nil
}
