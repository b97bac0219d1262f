//go:build cgo

package tls

import (
	"crypto/tls"
	"crypto/x509"
	"reflect"
	"unsafe"
)

// FromStd makes a Config of crypto/tls's, for programs and packages that have such a value: net/http, gRPC, smtp, autocert. All
// that is set is taken over, keys of tickets that SetSessionTicketKeys has set and a ClientSessionCache of crypto/tls included.
// What does not exist here is a *ConfigError that names the field. Later changes of config have no effect, but
// GetConfigForClient's answers are taken over in the same way, each time.
func FromStd(config *tls.Config) (*Config, error) {
	made, err := fromStd(config)
	if err == nil && made != nil {
		err = made.tryOut()
	}
	if err != nil {
		return nil, err
	}
	return made, nil
}

// fromStd is FromStd without a look at what is found when contexts are built.
func fromStd(config *tls.Config) (*Config, error) {
	if config == nil {
		return nil, nil
	}
	// A copy, so that nobody changes it meanwhile.
	config = config.Clone()
	made := new(Config)
	from, to := reflect.ValueOf(config).Elem(), reflect.ValueOf(made).Elem()
	for i := range from.NumField() {
		field := from.Type().Field(i)
		if !field.IsExported() || from.Field(i).IsZero() || field.Name == "GetConfigForClient" {
			continue
		}
		own := to.FieldByName(field.Name)
		switch {
		case field.Name == "SessionTicketKey" && isNoKey(config.SessionTicketKey):
		case !own.IsValid() || own.Type() != field.Type:
			return nil, &ConfigError{Field: field.Name, Message: "it does not exist here"}
		default:
			own.Set(from.Field(i))
		}
	}
	made.ticketKeys = stdTicketKeys(from)
	if choose := config.GetConfigForClient; choose != nil {
		made.GetConfigForClient = func(hello *ClientHelloInfo) (*Config, error) {
			chosen, err := choose(hello)
			if err != nil {
				return nil, err
			}
			return fromStd(chosen)
		}
	}
	return made, made.check()
}

// tryOut finds what cannot be used in what check does not look at.
func (c *Config) tryOut() error {
	for _, server := range []bool{false, true} {
		s, err := c.settings(server)
		if err == nil {
			_, err = s.build(server, c.Certificates)
		}
		if err != nil && (!server || len(c.Certificates) > 0) {
			return err
		}
	}
	return nil
}

// isNoKey tells whether crypto/tls has filled in a key that it does not use.
func isNoKey(key [32]byte) bool {
	const filled = "DEPRECATED"
	return string(key[:len(filled)]) == filled
}

// stdTicketKeys are the keys that SetSessionTicketKeys has set, as far as this Go's crypto/tls keeps them as the known ones do.
// The keys that it derives are as secret as what they were derived from, and the same wherever that is the same.
func stdTicketKeys(config reflect.Value) [][32]byte {
	list := config.FieldByName("sessionTicketKeys")
	if !list.IsValid() || list.Kind() != reflect.Slice || list.Type().Elem().Kind() != reflect.Struct {
		return nil
	}
	var keys [][32]byte
	for i := range list.Len() {
		var key [32]byte
		aes, hmac := list.Index(i).FieldByName("aesKey"), list.Index(i).FieldByName("hmacKey")
		if !aes.IsValid() || !hmac.IsValid() || aes.Type() != reflect.TypeFor[[16]byte]() || hmac.Type() != aes.Type() {
			return nil
		}
		copy(key[:16], (*[16]byte)(unsafe.Pointer(aes.UnsafeAddr()))[:])
		copy(key[16:], (*[16]byte)(unsafe.Pointer(hmac.UnsafeAddr()))[:])
		keys = append(keys, key)
	}
	return keys
}

// Std gives a Config of crypto/tls with the same settings, for packages that want to look at one: the protocols that a server
// speaks, a client's name and certificates. RootsPEM and ClientCAsPEM become pools. Connections that are made with it are
// crypto/tls's, with its tickets and its sessions.
func (c *Config) Std() *tls.Config {
	if c == nil {
		return nil
	}
	c = c.Clone()
	made := new(tls.Config)
	from, to := reflect.ValueOf(c).Elem(), reflect.ValueOf(made).Elem()
	for i := range from.NumField() {
		field := from.Type().Field(i)
		if other := to.FieldByName(field.Name); field.IsExported() && other.IsValid() && other.Type() == field.Type {
			other.Set(from.Field(i))
		}
	}
	if cache, ok := c.ClientSessionCache.(*sessionCache); ok {
		made.ClientSessionCache = cache.ClientSessionCache
	}
	if c.RootsPEM != nil {
		made.RootCAs = poolOf(c.RootsPEM)
	}
	if c.ClientCAsPEM != nil {
		made.ClientCAs = poolOf(c.ClientCAsPEM)
	}
	if choose := c.GetConfigForClient; choose != nil {
		made.GetConfigForClient = func(hello *ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			return chosen.Std(), err
		}
	}
	if c.ticketKeys != nil {
		made.SetSessionTicketKeys(c.ticketKeys)
	}
	return made
}

func poolOf(roots []byte) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	return pool
}
