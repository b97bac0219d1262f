package tls

import (
	"context"
	"crypto/tls"
	"net"
	"reflect"
	"slices"
	"testing"
)

// The functions that programs begin with have crypto/tls's names and argument order.
var (
	_ func(net.Conn, *Config) *Conn                                       = Client
	_ func(net.Conn, *Config) *Conn                                       = Server
	_ func(network, addr string, config *Config) (*Conn, error)           = Dial
	_ func(*net.Dialer, string, string, *Config) (*Conn, error)           = DialWithDialer
	_ func(network, laddr string, config *Config) (net.Listener, error)   = Listen
	_ func(net.Listener, *Config) net.Listener                            = NewListener
	_ func(certPEM, keyPEM []byte) (Certificate, error)                   = X509KeyPair
	_ func(certFile, keyFile string) (Certificate, error)                 = LoadX509KeyPair
	_ func(capacity int) ClientSessionCache                               = NewLRUClientSessionCache
	_ func(uint16) string                                                 = VersionName
	_ func(uint16) string                                                 = CipherSuiteName
	_ func(d *Dialer, ctx context.Context, n, a string) (net.Conn, error) = (*Dialer).DialContext
)

// TestShape compares methods and fields with crypto/tls's, so that a program changes an import. What is only in a newer Go's
// is named in the log.
func TestShape(t *testing.T) {
	// Those of Go 1.24.
	methods := []string{"Close", "CloseWrite", "ConnectionState", "Handshake", "HandshakeContext", "LocalAddr", "NetConn", "OCSPResponse",
		"Read", "RemoteAddr", "SetDeadline", "SetReadDeadline", "SetWriteDeadline", "VerifyHostname", "Write"}
	theirs, ours := reflect.TypeFor[*tls.Conn](), reflect.TypeFor[*Conn]()
	for i := range theirs.NumMethod() {
		wanted := theirs.Method(i)
		found, ok := ours.MethodByName(wanted.Name)
		if !ok {
			missing(t, slices.Contains(methods, wanted.Name), "method", wanted.Name)
			continue
		}
		same := found.Type.NumIn() == wanted.Type.NumIn() && found.Type.NumOut() == wanted.Type.NumOut()
		for j := 1; same && j < wanted.Type.NumIn(); j++ {
			same = found.Type.In(j) == wanted.Type.In(j)
		}
		for j := 0; same && j < wanted.Type.NumOut(); j++ {
			same = found.Type.Out(j) == wanted.Type.Out(j)
		}
		if !same {
			t.Errorf("%s is %v, not %v", wanted.Name, found.Type, wanted.Type)
		}
	}

	fields := []string{"Rand", "Time", "Certificates", "GetCertificate", "GetClientCertificate", "GetConfigForClient", "VerifyPeerCertificate",
		"VerifyConnection", "RootCAs", "NextProtos", "ServerName", "ClientAuth", "ClientCAs", "InsecureSkipVerify", "CipherSuites",
		"PreferServerCipherSuites", "SessionTicketsDisabled", "SessionTicketKey", "ClientSessionCache", "UnwrapSession", "WrapSession", "MinVersion",
		"MaxVersion", "CurvePreferences", "DynamicRecordSizingDisabled", "Renegotiation", "KeyLogWriter", "EncryptedClientHelloConfigList",
		"EncryptedClientHelloRejectionVerify", "EncryptedClientHelloKeys"}
	// The only one whose type names Config.
	exceptions := map[string]reflect.Type{"GetConfigForClient": reflect.TypeFor[func(*ClientHelloInfo) (*Config, error)]()}
	own := reflect.TypeFor[Config]()
	for _, wanted := range reflect.VisibleFields(reflect.TypeFor[tls.Config]()) {
		if !wanted.IsExported() {
			continue
		}
		found, ok := own.FieldByName(wanted.Name)
		kind := wanted.Type
		if exception := exceptions[wanted.Name]; exception != nil {
			kind = exception
		}
		if !ok {
			missing(t, slices.Contains(fields, wanted.Name), "field", wanted.Name)
		} else if found.Type != kind {
			t.Errorf("Config.%s is %v, not %v", wanted.Name, found.Type, kind)
		}
	}
}

func missing(t *testing.T, needed bool, what, name string) {
	t.Helper()
	if needed {
		t.Errorf("the %s %s of crypto/tls is missing", what, name)
	} else {
		t.Logf("the %s %s of this Go's crypto/tls is not here", what, name)
	}
}
