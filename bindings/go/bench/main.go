// Compares this package with crypto/tls by the processor's time: small and large messages over net.Pipe and TCP, and many busy
// connections. Both packages take turns, some tens of milliseconds each, so that what else the machine does falls on both; each pair of
// turns gives a ratio, and what is printed is their median and quartiles, beside the bar.
//
//	go run ./bench [-rounds 41] [-only tcp/64] [-alone tlsbio]
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	std "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	tls "tlsbio.example/go"
)

var (
	rounds = flag.Int("rounds", 41, "pairs of turns for each workload")
	turn   = flag.Duration("turn", 20*time.Millisecond, "about how long a turn of messages is")
	period = flag.Duration("period", 250*time.Millisecond, "how long a turn of busy connections is")
	only   = flag.String("only", "", "workloads whose names contain this")
	alone  = flag.String("alone", "", "one package alone (crypto or tlsbio), for a profiler")
)

// maker makes a client and a server over two ends of a transport.
type maker func(client, server net.Conn) (net.Conn, net.Conn)

var packages = [2]string{"crypto", "tlsbio"}

// makers gives one for each package: TLS 1.3 with AES-128-GCM, an ECDSA key.
func makers() [2]maker {
	certificate, roots := issue()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	stdServer := &std.Config{Certificates: []std.Certificate{certificate}}
	stdClient := &std.Config{RootCAs: pool, ServerName: "localhost"}
	suites := []uint16{tls.TLS_AES_128_GCM_SHA256}
	ourServer := &tls.Config{Certificates: []tls.Certificate{certificate}, CipherSuites: suites}
	ourClient := &tls.Config{RootsPEM: roots, ServerName: "localhost", CipherSuites: suites}
	return [2]maker{
		func(client, server net.Conn) (net.Conn, net.Conn) {
			return std.Client(client, stdClient), std.Server(server, stdServer)
		},
		func(client, server net.Conn) (net.Conn, net.Conn) {
			return tls.Client(client, ourClient), tls.Server(server, ourServer)
		},
	}
}

func pipe() (net.Conn, net.Conn) { return net.Pipe() }

func loopback() (net.Conn, net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	check(err)
	server, err := listener.Accept()
	check(err)
	return client, server
}

// echo answers each message of size bytes with one.
func echo(conn net.Conn, size int) {
	defer conn.Close()
	message := make([]byte, size)
	for {
		if _, err := io.ReadFull(conn, message); err != nil {
			return
		}
		if _, err := conn.Write(message); err != nil {
			return
		}
	}
}

func exchange(conn net.Conn, message []byte) {
	_, err := conn.Write(message)
	check(err)
	_, err = io.ReadFull(conn, message)
	check(err)
}

// cost is what a turn took.
type cost struct {
	wall, processor time.Duration
	count           int
}

func (c cost) each() float64      { return float64(c.processor.Nanoseconds()) / 1000 / float64(c.count) }
func (c cost) perSecond() float64 { return float64(c.count) / c.wall.Seconds() }

// measured runs something that counts what it has done.
func measured(work func() int) cost {
	begin, before := time.Now(), processorTime()
	count := work()
	return cost{time.Since(begin), processorTime() - before, count}
}

// processorTime is what this process has used, in the kernel and outside.
func processorTime() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// messages gives a turn of one connection with messages of size bytes each way.
func messages(make_ maker, transport func() (net.Conn, net.Conn), size int) func() int {
	client, server := make_(transport())
	go echo(server, size)
	message := make([]byte, size)
	// Records of crypto/tls are small at first, and pools fill.
	for range 500 {
		exchange(client, message)
	}
	begin := time.Now()
	for range 100 {
		exchange(client, message)
	}
	count := max(20, int(*turn/(time.Since(begin)/100+1)))
	return func() int {
		for range count {
			exchange(client, message)
		}
		return count
	}
}

// busy gives a turn of many connections over TCP, each with one message of size bytes under way all the time.
func busy(make_ maker, connections, size int) func() int {
	var (
		clients []net.Conn
		stop    atomic.Bool
		done    atomic.Int64
	)
	for range connections {
		client, server := make_(loopback())
		go echo(server, size)
		exchange(client, make([]byte, size))
		clients = append(clients, client)
	}
	return func() int {
		stop.Store(false)
		done.Store(0)
		var running sync.WaitGroup
		for _, client := range clients {
			running.Add(1)
			go func() {
				defer running.Done()
				message := make([]byte, size)
				n := 0
				for !stop.Load() {
					exchange(client, message)
					n++
				}
				done.Add(int64(n))
			}()
		}
		time.Sleep(*period)
		stop.Store(true)
		running.Wait()
		return int(done.Load())
	}
}

// workload is one line of the table.
type workload struct {
	name string
	make func(maker) func() int
	bar  float64
	// The bar is about messages per second, as much as crypto/tls's or more; else about time of the processor.
	rate bool
}

func workloads() []workload {
	var all []workload
	sizes := []struct {
		name string
		size int
		bar  float64
	}{{"64", 64, 1.05}, {"1K", 1 << 10, 1.0}, {"4K", 4 << 10, 0.9}, {"1M", 1 << 20, 0.55}}
	for _, transport := range []struct {
		name string
		make func() (net.Conn, net.Conn)
	}{{"pipe", pipe}, {"tcp", loopback}} {
		for _, size := range sizes {
			all = append(all, workload{transport.name + "/" + size.name, func(m maker) func() int {
				return messages(m, transport.make, size.size)
			}, size.bar, false})
		}
	}
	for _, connections := range []int{100, 1000} {
		all = append(all, workload{fmt.Sprintf("busy/%d", connections), func(m maker) func() int { return busy(m, connections, 64) }, 1.0, true})
	}
	return all
}

// quartiles gives the first, the median and the third.
func quartiles(values []float64) (float64, float64, float64) {
	slices.Sort(values)
	at := func(part float64) float64 { return values[int(part*float64(len(values)-1)+0.5)] }
	return at(0.25), at(0.5), at(0.75)
}

func main() {
	flag.Parse()
	fmt.Printf("%s, %d processors, load %s\n", runtime.Version(), runtime.GOMAXPROCS(0), load())
	fmt.Println("both ends, a message each way; µs of the processor (kernel's too) for both, or messages per second; ratios by pairs of turns")
	fmt.Printf("%-10s %10s %10s  %-24s %-8s %s\n", "", packages[0], packages[1], "ratio (quartiles)", "of best", "bar")
	made := makers()
	for _, w := range workloads() {
		if !strings.Contains(w.name, *only) {
			continue
		}
		if *alone != "" {
			run := w.make(made[slices.Index(packages[:], *alone)])
			for range *rounds {
				run()
			}
			continue
		}
		compare(w, made)
	}
	fmt.Printf("load %s\n", load())
}

func compare(w workload, made [2]maker) {
	if !w.rate {
		// Of two ends that wait for each other one runs at a time. Which processor wakes which is left out, for the same in both packages.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	turns := [2]func() int{w.make(made[0]), w.make(made[1])}
	var costs [2][]cost
	for round := range *rounds {
		var both [2]cost
		for i := range turns {
			// Who goes first changes.
			which := (i + round) % 2
			both[which] = measured(turns[which])
		}
		for i, c := range both {
			costs[i] = append(costs[i], c)
		}
	}
	if w.rate {
		show(w.name, costs, cost.perSecond, w.bar, true)
		// Where other programs have the machine as well, this is what says something.
		show("  and cpu", costs, cost.each, 1/w.bar, false)
	} else {
		show(w.name, costs, cost.each, w.bar, false)
	}
}

// show prints a line about costs by some measure, of which more is better or less.
func show(name string, costs [2][]cost, measure func(cost) float64, bar float64, more bool) {
	var values [2][]float64
	var ratios []float64
	for round := range costs[0] {
		for i := range costs {
			values[i] = append(values[i], measure(costs[i][round]))
		}
		ratios = append(ratios, values[1][round]/values[0][round])
	}
	low, middle, high := quartiles(ratios)
	_, theirs, _ := quartiles(values[0])
	_, ours, _ := quartiles(values[1])
	// What each has done when it was disturbed least: quartiles has sorted them.
	best, sign, met := values[1][0]/values[0][0], "<=", middle <= bar
	if more {
		last := len(ratios) - 1
		best, sign, met = values[1][last]/values[0][last], ">=", middle >= bar
	}
	verdict := "missed"
	if met {
		verdict = "met"
	}
	ratio := fmt.Sprintf("%.2f (%.2f to %.2f)", middle, low, high)
	fmt.Printf("%-10s %10.2f %10.2f  %-24s %-8.2f %s %.2f %s\n", name, theirs, ours, ratio, best, sign, bar, verdict)
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// issue makes a certificate for localhost, and its root in PEM.
func issue() (std.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	check(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
	check(err)
	return std.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
