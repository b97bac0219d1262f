// Gopeer is the crypto/tls end of the interop tests: a client or an echo server that prints one line of JSON per
// connection.
package main

import (
	"flag"
	"fmt"
	"os"
)

type options struct {
	role    string
	address string
	name    string
	trust   string
	chain   string
	key     string
	alpn    string
	min     string
	max     string
	groups  string
	auth    string
	send    string
	save    string
	finish  string
	keyLog  string
	staple  string
	ticket  int
	count   int
	echName string
	echKey  string
}

func parse() options {
	var o options
	flag.StringVar(&o.address, "address", "", "host:port to connect to or to listen on")
	flag.StringVar(&o.name, "name", "server.test", "server name that a client asks for")
	flag.StringVar(&o.trust, "trust", "", "file of trusted roots")
	flag.StringVar(&o.chain, "chain", "", "own certificates")
	flag.StringVar(&o.key, "key", "", "own key")
	flag.StringVar(&o.alpn, "alpn", "", "protocols, comma separated")
	flag.StringVar(&o.min, "min", "1.2", "lowest version")
	flag.StringVar(&o.max, "max", "1.3", "highest version")
	flag.StringVar(&o.groups, "groups", "", "group numbers, comma separated; empty for the defaults")
	flag.StringVar(&o.auth, "client-auth", "none", "none, optional or required")
	flag.StringVar(&o.send, "send", "", "file that a client sends and wants back")
	flag.StringVar(&o.save, "save", "", "file for what a client gets back")
	flag.StringVar(&o.finish, "finish", "close", "how a client ends: close, half-close or abrupt")
	flag.StringVar(&o.keyLog, "key-log", "", "file for the secrets")
	flag.StringVar(&o.staple, "staple", "", "OCSP response that a server sends")
	flag.IntVar(&o.ticket, "ticket-key", 0, "byte that a server's ticket key is made of")
	flag.IntVar(&o.count, "count", 1, "connections, one after the other; all at once in a crowd")
	flag.StringVar(&o.echName, "ech-name", "", "public name of a server that takes ECH")
	flag.StringVar(&o.echKey, "ech-key", "own", "print a configuration with the server's own key, or with a lost one")
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gopeer client|server|crowd|probe [options]")
		os.Exit(2)
	}
	o.role = os.Args[1]
	flag.CommandLine.Parse(os.Args[2:])
	return o
}

func main() {
	o := parse()
	config, err := newConfig(o)
	if err == nil {
		switch o.role {
		case "client":
			err = runClient(o, config)
		case "server":
			err = runServer(o, config)
		case "crowd":
			err = runCrowd(o, config)
		case "probe":
			err = probe(config)
		default:
			err = fmt.Errorf("no such role: %s", o.role)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gopeer:", err)
		os.Exit(1)
	}
}
