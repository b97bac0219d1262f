package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"strings"
)

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

var auths = map[string]tls.ClientAuthType{
	"none":     tls.NoClientCert,
	"optional": tls.VerifyClientCertIfGiven,
	"required": tls.RequireAndVerifyClientCert,
}

func newConfig(o options) (*tls.Config, error) {
	config := &tls.Config{
		ServerName:         o.name,
		MinVersion:         versions[o.min],
		MaxVersion:         versions[o.max],
		ClientAuth:         auths[o.auth],
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	if o.alpn != "" {
		config.NextProtos = strings.Split(o.alpn, ",")
	}
	if o.trust != "" {
		pem, err := os.ReadFile(o.trust)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate", o.trust)
		}
		config.ClientCAs = config.RootCAs
	}
	if o.chain != "" {
		pair, err := tls.LoadX509KeyPair(o.chain, o.key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if o.echName != "" {
		if err := takeEch(config, o); err != nil {
			return nil, err
		}
	}
	if err := setSecrets(config, o); err != nil {
		return nil, err
	}
	return config, setGroups(config, o.groups)
}

func setGroups(config *tls.Config, groups string) error {
	if groups == "" {
		return nil
	}
	for _, text := range strings.Split(groups, ",") {
		number, err := strconv.ParseUint(text, 0, 16)
		if err != nil {
			return err
		}
		config.CurvePreferences = append(config.CurvePreferences, tls.CurveID(number))
	}
	return nil
}
