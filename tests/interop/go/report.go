package main

import (
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
)

type report struct {
	Version      string   `json:"version"`
	Suite        string   `json:"suite"`
	Alpn         string   `json:"alpn"`
	ServerName   string   `json:"server_name"`
	Resumed      bool     `json:"resumed"`
	Certificates []string `json:"certificates"`
	Received     int64    `json:"received"`
	Error        string   `json:"error"`
	CleanEnd     bool     `json:"clean_end"` // the other end's close_notify was seen
	Ech          bool     `json:"ech"`       // an encrypted ClientHello was accepted
	// Nil where this release of Go does not tell.
	Group   *string `json:"group"`
	Retried *bool   `json:"retried"`
	secrets
}

func newReport(conn *tls.Conn) report {
	state := conn.ConnectionState()
	r := report{
		Version:      fmt.Sprintf("0x%04x", state.Version),
		Suite:        fmt.Sprintf("0x%04x", state.CipherSuite),
		Alpn:         state.NegotiatedProtocol,
		ServerName:   state.ServerName,
		Resumed:      state.DidResume,
		Ech:          state.ECHAccepted,
		Certificates: []string{},
		secrets:      newSecrets(state),
	}
	for _, certificate := range state.PeerCertificates {
		r.Certificates = append(r.Certificates, hex.EncodeToString(certificate.Raw))
	}
	// Both fields came after Go 1.24, which this program is to be built with as well.
	fields := reflect.ValueOf(state)
	if group := fields.FieldByName("CurveID"); group.IsValid() {
		text := fmt.Sprintf("0x%04x", group.Uint())
		r.Group = &text
	}
	if retried := fields.FieldByName("HelloRetryRequest"); retried.IsValid() {
		value := retried.Bool()
		r.Retried = &value
	}
	return r
}

func (r report) print(err error) error {
	if err != nil {
		r.Error = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
