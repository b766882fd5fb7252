package deb

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"path"
	"sort"
	"strings"
	"unicode/utf16"

	"wheelwright/images/layer"
)

// Where certificates lie: those of ca-certificates.conf, and those that count
// without, where companies' packages put theirs.
const (
	listedCerts = "usr/share/ca-certificates/"
	localCerts  = "usr/local/share/ca-certificates/"
)

// certificates does what update-ca-certificates does: the bundle, a link for
// each certificate, and OpenSSL's hash links, which a file that does not hold
// one certificate has none of. Where the set lacks that program, the
// certificates of its packages join a bundle that is not ours to write.
func (t *Tree) certificates() (bool, error) {
	if !t.runs("/usr/sbin/update-ca-certificates") {
		return false, nil
	}
	var bundle, conf bytes.Buffer
	used := map[uint32]int{}
	for _, from := range []string{listedCerts, localCerts} {
		for _, p := range keys(t.nodes) {
			n := t.nodes[p]
			if !strings.HasPrefix(p, from) || path.Ext(p) != ".crt" || !n.Mode.IsRegular() || n.owner == nil {
				continue
			}
			text, err := content(t.follow(p).Entry)
			if err != nil {
				return false, err
			}
			bundle.Write(text)
			if !bytes.HasSuffix(text, []byte("\n")) {
				bundle.WriteByte('\n')
			}
			if from == listedCerts {
				fmt.Fprintf(&conf, "%s\n", strings.TrimPrefix(p, from))
			}
			name := linkName(strings.TrimSuffix(path.Base(p), ".crt")) + ".pem"
			t.make(layer.Symlink("etc/ssl/certs/"+name, "/"+p))
			hash, err := subjectHash(text)
			if err != nil {
				n.owner.leaves("hash link of certificate /" + p + ": " + err.Error())
				continue
			}
			t.make(layer.Symlink(fmt.Sprintf("etc/ssl/certs/%08x.%d", hash, used[hash]), name))
			used[hash]++
		}
	}
	t.make(layer.Literal("etc/ssl/certs/ca-certificates.crt", 0o644, bundle.Bytes()))
	t.make(layer.Literal("etc/ca-certificates.conf", 0o644, conf.Bytes()))
	return true, nil
}

// linkName is a certificate's file name as update-ca-certificates spells it.
func linkName(s string) string {
	return strings.NewReplacer(" ", "_", "(", "=", ")", "=", ",", "_").Replace(s)
}

// subjectHash is OpenSSL's X509_subject_name_hash: the first four bytes, in
// little-endian order, of the SHA-1 of the canonical subject, which is its
// RDNs one after the other with every string as trimmed, lower-case UTF-8.
func subjectHash(text []byte) (uint32, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return 0, fmt.Errorf("no PEM block")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return 0, fmt.Errorf("more than one PEM block")
	}
	subject, err := rawSubject(block.Bytes)
	if err != nil {
		return 0, err
	}
	var rdns []asn1.RawValue
	if rest, err := asn1.Unmarshal(subject, &rdns); err != nil || len(rest) > 0 {
		return 0, fmt.Errorf("subject is not a sequence")
	}
	h := sha1.New()
	for _, rdn := range rdns {
		set, err := canonicalRDN(rdn)
		if err != nil {
			return 0, err
		}
		h.Write(set)
	}
	return binary.LittleEndian.Uint32(h.Sum(nil)), nil
}

// rawSubject is the DER subject of a certificate. crypto/x509 refuses a few
// old roots (negative serials), which are then read by their bare structure.
func rawSubject(der []byte) ([]byte, error) {
	if c, err := x509.ParseCertificate(der); err == nil {
		return c.RawSubject, nil
	}
	var cert struct {
		TBS struct {
			Version  int `asn1:"optional,explicit,default:0,tag:0"`
			Serial   asn1.RawValue
			Sig      asn1.RawValue
			Issuer   asn1.RawValue
			Validity asn1.RawValue
			Subject  asn1.RawValue
			Key      asn1.RawValue
			Rest     []asn1.RawValue `asn1:"optional,explicit,tag:3"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &cert); err != nil {
		return nil, fmt.Errorf("not a certificate: %w", err)
	}
	return cert.TBS.Subject.FullBytes, nil
}

func canonicalRDN(rdn asn1.RawValue) ([]byte, error) {
	var parts [][]byte
	for rest := rdn.Bytes; len(rest) > 0; {
		var attribute struct {
			Type  asn1.ObjectIdentifier
			Value asn1.RawValue
		}
		var err error
		if rest, err = asn1.Unmarshal(rest, &attribute); err != nil {
			return nil, fmt.Errorf("subject: %w", err)
		}
		if s, ok := text(attribute.Value); ok {
			attribute.Value = asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(canonical(s))}
		}
		raw, err := asn1.Marshal(attribute)
		if err != nil {
			return nil, fmt.Errorf("subject: %w", err)
		}
		parts = append(parts, raw)
	}
	sort.Slice(parts, func(i, j int) bool { return bytes.Compare(parts[i], parts[j]) < 0 }) // DER SET OF
	return asn1.Marshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: bytes.Join(parts, nil)})
}

// text is a directory string as UTF-8; ok is false for other types, which
// OpenSSL leaves as they are.
func text(v asn1.RawValue) (s string, ok bool) {
	if v.Class != asn1.ClassUniversal {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, 26 /* VisibleString */ :
		return string(v.Bytes), true
	case asn1.TagT61String: // OpenSSL takes it for Latin-1
		r := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			r[i] = rune(b)
		}
		return string(r), true
	case asn1.TagBMPString:
		u := make([]uint16, len(v.Bytes)/2)
		for i := range u {
			u[i] = binary.BigEndian.Uint16(v.Bytes[2*i:])
		}
		return string(utf16.Decode(u)), true
	}
	return "", false
}

// canonical trims, folds runs of space into one, and lowers ASCII letters.
func canonical(s string) string {
	var b []byte
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r < 128 && strings.ContainsRune(" \t\n\v\f\r", r) }) {
		if b != nil {
			b = append(b, ' ')
		}
		for i := range len(word) {
			c := word[i]
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			b = append(b, c)
		}
	}
	return string(b)
}
