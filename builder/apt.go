package builder

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"wheelwright/fault"
	"wheelwright/images/deb"
	"wheelwright/profiles"
)

// maxAptKey bounds a file of OpenPGP keys, in bytes; deb refuses longer ones.
const maxAptKey = 1 << 20

// aptSources are a profile's image.apt; their keys are read where an index of
// theirs is going to be.
func aptSources(p profiles.Profile, keys bool) ([]deb.Source, error) {
	var out []deb.Source
	for _, a := range p.Image.Apt {
		s := deb.Source{URL: a.Address(), Suite: a.Suite, Components: a.Components}
		if !keys {
			out = append(out, s)
			continue
		}
		key, err := readAptKey(a.Key)
		if err != nil {
			var at *fs.PathError
			if errors.As(err, &at) {
				err = at.Err
			}
			return nil, fault.New(fault.Input, "image.apt %s: key %s", a, a.Key).Wrap(err).
				Try("take key from whoever runs the repository: a file of OpenPGP public keys, armoured or not")
		}
		s.Key = key
		out = append(out, s)
	}
	return out, nil
}

func readAptKey(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxAptKey+1))
}
