package deb

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Limits of what is read as OpenPGP data.
const (
	maxKeys       = 1 << 20 // bytes of a keyring; Debian's own are below 10 KiB each
	maxSignatures = 32      // of one file; Debian makes two or three
	minRSA        = 2048    // bits of an RSA key that is believed
)

// early is how far a signature may be dated ahead: clocks differ a little.
const early = 5 * time.Minute

// keyring is public keys that are trusted for one archive.
type keyring struct {
	from string // whose they are, for messages: "Debian 12's archive keys"
	keys openpgp.EntityList
}

// readKeys reads OpenPGP public keys, in binary form or in any number of
// armoured blocks.
func readKeys(from string, data []byte) (keyring, error) {
	ring := keyring{from: from}
	if len(data) > maxKeys {
		return ring, fmt.Errorf("%d bytes, at most %d are read", len(data), maxKeys)
	}
	bodies, err := dearmour(data)
	if err != nil {
		return ring, err
	}
	for _, b := range bodies {
		keys, err := openpgp.ReadKeyRing(b)
		if err != nil {
			return ring, err
		}
		ring.keys = append(ring.keys, keys...)
	}
	for _, e := range ring.keys {
		if e.PrivateKey != nil {
			return ring, errors.New("it holds a private key, not a public key")
		}
	}
	if len(ring.keys) == 0 {
		return ring, errors.New("no OpenPGP public key is in it")
	}
	return ring, nil
}

// dearmour gives the binary keys of a file: of each armoured block, or the
// file itself where there is none.
func dearmour(data []byte) (bodies []io.Reader, err error) {
	starts := []byte("-----BEGIN PGP")
	if !bytes.Contains(data, starts) {
		return []io.Reader{bytes.NewReader(data)}, nil
	}
	for {
		at := bytes.Index(data, starts)
		if at < 0 {
			return bodies, nil
		}
		text := data[at:]
		data = text[len(starts):]
		if next := bytes.Index(data, starts); next >= 0 {
			text = text[:len(starts)+next]
		}
		block, err := armor.Decode(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("armour: %w", err)
		}
		if block.Type != openpgp.PublicKeyType {
			return nil, fmt.Errorf("it holds a %s, not a public key", strings.ToLower(block.Type))
		}
		bodies = append(bodies, block.Body)
	}
}

// and is both rings as one.
func (k keyring) and(o keyring) keyring {
	return keyring{from: k.from + " and " + o.from, keys: slices.Concat(k.keys, o.keys)}
}

// String lists the ids that sign and whose they are.
func (k keyring) String() string { return k.ids() + " (" + k.from + ")" }

func (k keyring) ids() string {
	var ids []string
	for _, e := range k.keys {
		all := []uint64{e.PrimaryKey.KeyId}
		for _, sub := range e.Subkeys {
			all = append(all, sub.PublicKey.KeyId)
		}
		for _, id := range all {
			name := fmt.Sprintf("%016X", id)
			if len(k.keys.KeysByIdUsage(id, packet.KeyFlagSign)) > 0 && !slices.Contains(ids, name) {
				ids = append(ids, name)
			}
		}
	}
	return strings.Join(ids, ", ")
}

// verify holds a detached signature, binary or armoured, against what it
// signs. One good signature by a key of the ring is enough. now is the time
// that keys and signatures must be valid at; zero: their expiry is not looked
// at. The reasons say of each signature why it does not count.
func (k keyring) verify(signed, signature []byte, now time.Time) (reasons []string, ok bool) {
	body := io.Reader(bytes.NewReader(signature))
	if bytes.HasPrefix(bytes.TrimSpace(signature), []byte("-----BEGIN PGP SIGNATURE-----")) {
		block, err := armor.Decode(body)
		if err != nil {
			return []string{"the armour of the signature: " + err.Error()}, false
		}
		body = block.Body
	}
	packets := packet.NewOpaqueReader(body)
	for n := 0; ; n++ {
		p, err := packets.Next()
		switch {
		case err == io.EOF && n == 0:
			return []string{"there is no signature"}, false
		case err == io.EOF:
			return reasons, false
		case err != nil:
			return append(reasons, "the signature is damaged: "+err.Error()), false
		case n == maxSignatures:
			return append(reasons, fmt.Sprintf("more than %d signatures", maxSignatures)), false
		}
		why := k.one(signed, p, now)
		if why == "" {
			return nil, true
		}
		reasons = append(reasons, why)
	}
}

// one says why a signature packet does not count; empty where it does.
func (k keyring) one(signed []byte, p *packet.OpaquePacket, now time.Time) string {
	parsed, err := p.Parse()
	if err != nil {
		return "a signature that cannot be read: " + err.Error()
	}
	sig, ok := parsed.(*packet.Signature)
	if !ok {
		return "a packet that is no signature"
	}
	if sig.IssuerKeyId == nil {
		return "a signature that does not name its key"
	}
	signer := fmt.Sprintf("signed by %016X", *sig.IssuerKeyId)
	switch known := k.keys.KeysById(*sig.IssuerKeyId); {
	case len(known) == 0:
		return signer + ", which is not trusted"
	case slices.ContainsFunc(known, feeble):
		return signer + ", a key too weak to be believed"
	case len(k.keys.KeysByIdUsage(*sig.IssuerKeyId, packet.KeyFlagSign)) == 0:
		return signer + ", a key that is not for signing"
	}
	if !slices.Contains([]crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512}, sig.Hash) {
		return signer + " over the weak hash " + sig.Hash.String()
	}
	at := now
	if ahead := sig.CreationTime.Sub(now); ahead > 0 && ahead <= early || now.IsZero() {
		at = sig.CreationTime
	}
	var one bytes.Buffer
	if err := p.Serialize(&one); err != nil {
		return signer + ": " + err.Error()
	}
	_, _, err = openpgp.VerifyDetachedSignature(k.keys, bytes.NewReader(signed), &one, &packet.Config{Time: func() time.Time { return at }})
	switch {
	case err == nil:
		return ""
	case (err == pgperrors.ErrSignatureExpired || err == pgperrors.ErrKeyExpired) && now.IsZero():
		return "" // the library reports these last, when nothing else is wrong
	case err == pgperrors.ErrSignatureExpired && sig.CreationTime.After(at):
		return fmt.Sprintf("%s in the future, on %s; this machine's clock says %s", signer, stamp(sig.CreationTime), stamp(now))
	case err == pgperrors.ErrSignatureExpired:
		return signer + ", the signature has expired"
	case err == pgperrors.ErrKeyExpired:
		return signer + ", the key has expired"
	case err == pgperrors.ErrKeyRevoked:
		return signer + ", the key is revoked"
	}
	return signer + ", but the text is not what was signed (" + strings.TrimPrefix(err.Error(), "openpgp: ") + ")"
}

// feeble says whether a key's signatures can be forged with effort: DSA, and
// short RSA.
func feeble(k openpgp.Key) bool {
	switch k.PublicKey.PubKeyAlgo {
	case packet.PubKeyAlgoDSA:
		return true
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		bits, err := k.PublicKey.BitLength()
		return err != nil || bits < minRSA
	}
	return false
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
