//go:build cgo

package tls

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"
)

// Server makes a TLS connection of conn, as its server. The configuration needs Certificates, GetCertificate or
// GetConfigForClient.
func Server(conn net.Conn, config *Config) *Conn { return newConn(conn, config, false) }

// Client makes a TLS connection of conn, as its client. The configuration needs ServerName or InsecureSkipVerify.
func Client(conn net.Conn, config *Config) *Conn { return newConn(conn, config, true) }

type listener struct {
	net.Listener
	config *Config
}

// NewListener makes a listener whose connections are TLS connections of those of inner. The configuration needs
// Certificates, GetCertificate or GetConfigForClient.
func NewListener(inner net.Listener, config *Config) net.Listener {
	return &listener{inner, config}
}

// Accept waits for the next connection. Its handshake is done by the first Read, Write or Handshake.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Server(conn, l.config), nil
}

// Listen listens on a network address, as net.Listen does, for TLS connections.
func Listen(network, laddr string, config *Config) (net.Listener, error) {
	if config == nil || len(config.Certificates) == 0 && !config.asksForServer() {
		return nil, errors.New("tls: neither Certificates, GetCertificate, nor GetConfigForClient set in Config")
	}
	if len(config.Certificates) > 0 {
		// What cannot be honoured is told here, not to every client.
		if _, err := config.serverContext(config, config.Certificates); err != nil {
			return nil, err
		}
	}
	inner, err := net.Listen(network, laddr)
	if err != nil {
		return nil, err
	}
	return NewListener(inner, config), nil
}

// Dialer makes TLS connections with a configuration and a dialer for what is below them.
type Dialer struct {
	NetDialer *net.Dialer // nil for the zero one
	Config    *Config     // nil for the zero one
}

// Dial connects to a network address and does the handshake. Use DialContext to set a context.
func (d *Dialer) Dial(network, addr string) (net.Conn, error) {
	return d.DialContext(background, network, addr)
}

// DialContext connects to a network address and does the handshake. The context is for both; once it is done it has no
// effect on the connection, which is a *Conn.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	netDialer := d.NetDialer
	if netDialer == nil {
		netDialer = new(net.Dialer)
	}
	conn, err := dial(ctx, netDialer, network, addr, d.Config)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// DialWithDialer connects to a network address by dialer and does the handshake; the dialer's timeout and deadline are for
// both.
func DialWithDialer(dialer *net.Dialer, network, addr string, config *Config) (*Conn, error) {
	return dial(background, dialer, network, addr, config)
}

// Dial connects to a network address and does the handshake. ServerName is taken from the address if it is not set.
func Dial(network, addr string, config *Config) (*Conn, error) {
	return DialWithDialer(new(net.Dialer), network, addr, config)
}

// DialContext is Dial with a context, which is for the connecting and the handshake.
func DialContext(ctx context.Context, network, addr string, config *Config) (*Conn, error) {
	return dial(ctx, new(net.Dialer), network, addr, config)
}

func dial(ctx context.Context, dialer *net.Dialer, network, addr string, config *Config) (*Conn, error) {
	if dialer.Timeout != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialer.Timeout)
		defer cancel()
	}
	if !dialer.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, dialer.Deadline)
		defer cancel()
	}
	raw, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	name := addr
	if colon := strings.LastIndex(addr, ":"); colon >= 0 {
		name = addr[:colon]
	}
	conn := Client(raw, orDefault(config))
	if conn.config.ServerName == "" {
		conn.name = name
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Configurations of those who give none.
var emptyConfig Config

func orDefault(config *Config) *Config {
	if config == nil {
		return &emptyConfig
	}
	return config
}

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)
