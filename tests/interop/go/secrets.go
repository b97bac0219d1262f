package main

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"os"
)

const exportLabel = "EXPERIMENTAL-tlsbio"

// What is derived from a connection, in hexadecimal; empty where it cannot be.
type secrets struct {
	Exported        string `json:"exported"`
	ExporterBinding string `json:"exporter_binding"`
	Stapled         string `json:"stapled"`
}

func newSecrets(state tls.ConnectionState) secrets {
	return secrets{
		Exported: export(state, exportLabel, nil, 40),
		// RFC 9266: with a context, which is empty.
		ExporterBinding: export(state, "EXPORTER-Channel-Binding", []byte{}, 32),
		Stapled:         hex.EncodeToString(state.OCSPResponse),
	}
}

func export(state tls.ConnectionState, label string, context []byte, length int) string {
	material, err := state.ExportKeyingMaterial(label, context, length)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(material)
}

func setSecrets(config *tls.Config, o options) error {
	if o.keyLog != "" {
		file, err := os.OpenFile(o.keyLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		config.KeyLogWriter = file
	}
	if o.staple != "" {
		response, err := os.ReadFile(o.staple)
		if err != nil {
			return err
		}
		config.Certificates[0].OCSPStaple = response
	}
	if o.ticket != 0 {
		config.SetSessionTicketKeys([][32]byte{[32]byte(bytes.Repeat([]byte{byte(o.ticket)}, 32))})
	}
	return nil
}
