package main

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
)

// An ECHConfig (RFC 9849, 4) for X25519, HKDF-SHA256 and the three AEADs, and the private key for it.
func newEchConfig(id byte, publicName string) (config, private []byte, err error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	contents := []byte{id, 0x00, 0x20}
	contents = append(contents, sized(key.PublicKey().Bytes())...)
	contents = append(contents, sized([]byte{0, 1, 0, 1, 0, 1, 0, 2, 0, 1, 0, 3})...)
	contents = append(contents, 0, byte(len(publicName)))
	contents = append(contents, publicName...)
	contents = append(contents, 0, 0)
	return append([]byte{0xfe, 0x0d}, sized(contents)...), key.Bytes(), nil
}

// The bytes behind their length in two bytes.
func sized(bytes []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(bytes))), bytes...)
}

// Prints the ECHConfigList for the client.
func takeEch(config *tls.Config, o options) error {
	mine, private, err := newEchConfig(1, o.echName)
	if err != nil {
		return err
	}
	config.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{
		{Config: mine, PrivateKey: private, SendAsRetry: true},
	}
	shown := mine
	if o.echKey == "lost" {
		if shown, _, err = newEchConfig(2, o.echName); err != nil {
			return err
		}
	}
	fmt.Printf("ech %x\n", sized(shown))
	return nil
}
