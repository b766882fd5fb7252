package deb

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// The three lines that hold a cleartext signature together (RFC 9580 section
// 7), in their order.
var frame = []string{"-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----"}

// cleartext takes a cleartext signature apart. text is what was signed, with
// line feeds and no white space at the ends of lines; signed is the same as
// the signature is made over it. The file must hold one message and nothing
// before, after or between, so that no reader takes unsigned text for signed.
func cleartext(file []byte) (text, signed, signature []byte, err error) {
	if err := framed(file); err != nil {
		return nil, nil, nil, err
	}
	block, rest := clearsign.Decode(file)
	if block == nil {
		return nil, nil, nil, errors.New("its cleartext signature is damaged, or has headers besides Hash")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, nil, nil, errors.New("there is text after its signature")
	}
	if bytes.ContainsAny(block.Plaintext, "\r\x00") {
		return nil, nil, nil, errors.New("its text holds control characters")
	}
	if signature, err = io.ReadAll(io.LimitReader(block.ArmoredSignature.Body, maxRelease)); err != nil {
		return nil, nil, nil, fmt.Errorf("the armour of its signature: %w", err)
	}
	return block.Plaintext, block.Bytes, signature, nil
}

// framed checks that the lines of the frame, each once and in order, are the
// only ones that begin with a dash: in the text, such lines are escaped by
// "- ".
func framed(file []byte) error {
	next, last := 0, false
	for first := true; len(file) > 0; first = false {
		var line []byte
		line, file = cutLine(file)
		switch {
		case last && len(bytes.TrimSpace(line)) > 0:
			return errors.New("there is text after its signature")
		case next < len(frame) && string(line) == frame[next]:
			if next++; next == 1 && !first {
				return errors.New("there is text before its signed part")
			}
			last = next == len(frame)
		case first:
			return errors.New("it does not begin with a signed message")
		case bytes.HasPrefix(line, []byte("-")) && !bytes.HasPrefix(line, []byte("- ")):
			return fmt.Errorf("the line %.60q does not belong there", line)
		}
	}
	if !last {
		return errors.New("it is cut before the end of its signature")
	}
	return nil
}
