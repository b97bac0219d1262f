// The worker of the comparison for Go's crypto/tls. It obeys the same commands as worker/worker.c and does for each
// what that program does; what the commands mean is said there.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	largestWrite = 65536
	wireRoom     = largestWrite + 32768
	largestMove  = 1 << 20
	talkLength   = 16384
	// Every slice is preceded by moves of which each byte is compared, and followed by one.
	compared = 2
	way      = "conn"
)

func fail(format string, arguments ...any) {
	answer(map[string]string{"error": fmt.Sprintf(format, arguments...)})
	os.Exit(1)
}

func answer(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(text, '\n'))
}

// desk is what one thread moves with: the wire in each direction, and the room for what arrives.
type desk struct {
	toClient, toServer []byte
	room               []byte
	turn               int
}

func newDesk() *desk {
	d := &desk{make([]byte, 0, wireRoom), make([]byte, 0, wireRoom), make([]byte, largestMove), 0}
	for i := range d.room {
		d.room[i] = 1
	}
	return d
}

// The desk of the goroutine that obeys commands, for all its slices.
var mainDesk = newDesk()

// end is one end of an in-memory connection, the net.Conn that crypto/tls asks for. The bytes under way lie on the
// desk, so that a connection to which nothing happens holds none.
type end struct {
	in, out *[]byte
	at      int
	// What was not read when the handshake was over: a ticket. The next connection uses the same desk.
	left []byte
	// Lets the other end go on; nil when the handshake is over, and what is read must be there.
	wait func()
}

func (e *end) Write(bytes []byte) (int, error) {
	if len(*e.out)+len(bytes) > cap(*e.out) {
		return 0, errors.New("no room on the wire")
	}
	*e.out = append(*e.out, bytes...)
	return len(bytes), nil
}

func (e *end) Read(bytes []byte) (int, error) {
	if len(e.left) > 0 {
		n := copy(bytes, e.left)
		if e.left = e.left[n:]; len(e.left) == 0 {
			e.left = nil
		}
		return n, nil
	}
	if e.at == len(*e.in) && e.wait != nil {
		e.wait()
	}
	if e.at == len(*e.in) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(bytes, (*e.in)[e.at:])
	if e.at += n; e.at == len(*e.in) {
		*e.in, e.at = (*e.in)[:0], 0
	}
	return n, nil
}

func (e *end) leave() {
	if e.at < len(*e.in) {
		e.left = bytes.Clone((*e.in)[e.at:])
		*e.in, e.at = (*e.in)[:0], 0
	}
	e.wait = nil
}

func (e *end) Close() error                     { return nil }
func (e *end) LocalAddr() net.Addr              { return address{} }
func (e *end) RemoteAddr() net.Addr             { return address{} }
func (e *end) SetDeadline(time.Time) error      { return nil }
func (e *end) SetReadDeadline(time.Time) error  { return nil }
func (e *end) SetWriteDeadline(time.Time) error { return nil }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory" }

type pair struct{ client, server *tls.Conn }

var (
	pki     string
	resume  bool
	suite   uint16
	version uint16
	group   tls.CurveID
	configs struct{ client, server *tls.Config }
	// The connection that slices move bytes on.
	current *pair
)

func set(key string, newSuite uint16, newGroup tls.CurveID, newResume bool) {
	current, configs.client, configs.server = nil, nil, nil
	suite, group, resume, version = newSuite, newGroup, newResume, tls.VersionTLS13
	if suite == tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 {
		version = tls.VersionTLS12
	}
	if suite == tls.TLS_AES_256_GCM_SHA384 {
		answer(map[string]string{"missing": "crypto/tls lets no program choose a suite of TLS 1.3, and with AES in hardware takes TLS_AES_128_GCM_SHA256"})
		return
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(contents(pki + "/" + key + "/ca.pem")) {
		fail("no roots")
	}
	chain := "/server-chain.pem"
	if key == "minimal" {
		chain = "/server.pem"
	}
	identity, err := tls.LoadX509KeyPair(pki+"/"+key+chain, pki+"/"+key+"/server.key")
	if err != nil {
		fail("identity: %v", err)
	}
	common := tls.Config{
		MinVersion:       version,
		MaxVersion:       version,
		CipherSuites:     []uint16{suite},
		CurvePreferences: []tls.CurveID{group},
		// The others do not begin with small records either.
		DynamicRecordSizingDisabled: true,
		SessionTicketsDisabled:      !resume,
	}
	configs.server, configs.client = common.Clone(), common.Clone()
	configs.server.Certificates = []tls.Certificate{identity}
	configs.client.RootCAs = roots
	configs.client.ServerName = "localhost"
	if version == tls.VersionTLS12 {
		// The list is also that of the certificate's curve.
		configs.client.CurvePreferences = []tls.CurveID{group, tls.CurveP256}
	}
	if resume {
		configs.client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	answer(struct{}{})
}

func contents(file string) []byte {
	text, err := os.ReadFile(file)
	if err != nil {
		fail("%v", err)
	}
	return text
}

// open makes a connection and shakes hands. The server is a coroutine: it goes on when the client has nothing to read,
// and the client when the server has not, so that both ends are on one thread at every moment.
func open(d *desk) pair {
	clientEnd, serverEnd := &end{in: &d.toClient, out: &d.toServer}, &end{in: &d.toServer, out: &d.toClient}
	p := pair{tls.Client(clientEnd, configs.client), tls.Server(serverEnd, configs.server)}
	var serverError error
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		serverEnd.wait = func() { yield(struct{}{}) }
		serverError = p.server.Handshake()
	})
	defer stop()
	clientEnd.wait = func() { next() }
	clientError := p.client.Handshake()
	if _, waits := next(); waits && serverError == nil {
		serverError = errors.New("it waits for more")
	}
	if clientError != nil || serverError != nil {
		fail("the handshake did not end: client: %v, server: %v", clientError, serverError)
	}
	clientEnd.leave()
	serverEnd.leave()
	return p
}

func check(conn *tls.Conn, role string) {
	state := conn.ConnectionState()
	if !state.HandshakeComplete {
		fail("the handshake of the %s did not end", role)
	}
	if state.Version != version {
		fail("the %s says version %#x", role, state.Version)
	}
	if state.CipherSuite != suite {
		fail("the %s says suite %#x, %#x was asked for", role, state.CipherSuite, suite)
	}
	// Go 1.24 does not tell the group, and a session of TLS 1.2 that is resumed has none.
	if told := reflect.ValueOf(state).FieldByName("CurveID"); told.IsValid() && !told.IsZero() && told.Uint() != uint64(group) {
		fail("the %s says group %#x, %#x was asked for", role, told.Uint(), group)
	}
}

func connect(d *desk) pair {
	if configs.client == nil {
		fail("nothing is set")
	}
	p := open(d)
	check(p.client, "client")
	check(p.server, "server")
	return p
}

func connection() pair {
	if current == nil {
		p := connect(mainDesk)
		current = &p
	}
	return *current
}

// Bytes that no compression can help with. Each move starts at another place of them.
var pattern = func() []byte {
	made := make([]byte, 2*largestWrite)
	x := uint64(0x9e3779b97f4a7c15)
	for i := 0; i < len(made); i += 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		*(*uint64)(unsafe.Pointer(&made[i])) = x
	}
	return made
}()

func move(from, to *tls.Conn, length int, d *desk, compare bool) {
	for done := 0; done < length; {
		piece := min(length-done, largestWrite)
		start := d.turn % 4096
		d.turn++
		plain, room := pattern[start:start+piece], d.room[done:done+piece]
		if n, err := from.Write(plain); err != nil || n != piece {
			fail("Write: %d of %d bytes: %v", n, piece, err)
		}
		for got := 0; got < piece; {
			n, err := to.Read(room[got:])
			if err != nil {
				fail("Read: %v", err)
			}
			lookedAt := 0
			if compare {
				lookedAt = n
			} else if got == 0 {
				lookedAt = min(n, 8)
			}
			if !bytes.Equal(room[got:got+lookedAt], plain[got:got+lookedAt]) {
				fail("byte %d and following arrived altered", got)
			}
			got += n
		}
		done += piece
	}
}

func talk(p pair, length int, d *desk) {
	move(p.client, p.server, length, d, true)
	move(p.server, p.client, length, d, true)
}

// reading is what was used up to now.
type reading struct {
	cpu, wall, allocations, allocated float64
}

// The runtime counts what is allocated anyway, but stops everything to say it: never while timings are taken.
var tally = os.Getenv("BENCH_TALLY") == "1"

func clock(id uintptr) float64 {
	var now syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		fail("the clock cannot be read: %v", errno)
	}
	return float64(now.Nano())
}

func now() reading {
	const monotonic, processCPU = 1, 2 // CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID
	var r reading
	if tally {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		r.allocations, r.allocated = float64(stats.Mallocs), float64(stats.TotalAlloc)
	}
	r.wall, r.cpu = clock(monotonic), clock(processCPU)
	return r
}

// cost answers a command: what was used between two readings, divided by count.
func cost(from, to reading, count int) {
	n := float64(count)
	values := map[string]float64{"ns": (to.cpu - from.cpu) / n, "wall_ns": (to.wall - from.wall) / n}
	if tally {
		values["allocations"] = (to.allocations - from.allocations) / n
		values["allocated"] = (to.allocated - from.allocated) / n
	}
	answer(values)
}

func slice(count int, work func(compare bool)) {
	for range compared {
		work(true)
	}
	from := now()
	for range count {
		work(false)
	}
	to := now()
	work(true)
	cost(from, to, count)
}

func moves(length, count int) {
	p := connection()
	slice(count, func(compare bool) { move(p.client, p.server, length, mainDesk, compare) })
}

func exchanges(request, response, count int) {
	p := connection()
	slice(count, func(compare bool) {
		move(p.client, p.server, request, mainDesk, compare)
		move(p.server, p.client, response, mainDesk, compare)
	})
}

// A ticket comes with the first plain bytes of the server's at the latest; the configuration keeps it.
func keepSession(p pair) { move(p.server, p.client, 1, mainDesk, true) }

func checkedHandshake(resumed bool) {
	p := connect(mainDesk)
	if p.client.ConnectionState().DidResume != resumed || p.server.ConnectionState().DidResume != resumed {
		if resumed {
			fail("a handshake was not resumed")
		}
		fail("a handshake was resumed")
	}
	if resume {
		keepSession(p)
	}
}

func handshakes(count int) {
	// The first one has nothing to resume, unless an earlier slice left a session.
	if resume {
		keepSession(connect(mainDesk))
	}
	checkedHandshake(resume)
	from := now()
	for range count {
		p := open(mainDesk)
		if resume {
			keepSession(p)
		}
	}
	to := now()
	checkedHandshake(resume)
	cost(from, to, count)
}

type held struct{ heap, resident float64 }

// What no connection needs any more is collected, and its pages go back to the kernel.
func heldNow() held {
	// What lies in a pool outlives one collection.
	runtime.GC()
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	var pages, size float64
	if _, err := fmt.Sscan(string(contents("/proc/self/statm")), &size, &pages); err != nil {
		fail("/proc/self/statm cannot be read: %v", err)
	}
	return held{float64(stats.HeapAlloc), pages * float64(os.Getpagesize())}
}

// A connection that has been used, and to which nothing happens any more.
func idlePair() pair {
	p := connect(mainDesk)
	talk(p, talkLength, mainDesk)
	return p
}

// What the first connections of a process leave for those that follow is not theirs.
func warmUp() {
	current = nil
	for range 64 {
		idlePair()
	}
}

// count connections are count / 2 pairs. Clients go first, so that both roles are told apart.
func idle(count int) {
	warmUp()
	pairs := make([]pair, count/2)
	half := float64(len(pairs))
	before := heldNow()
	for i := range pairs {
		pairs[i] = idlePair()
	}
	with := heldNow()
	for i := range pairs {
		pairs[i].client = nil
	}
	servers := heldNow()
	for i := range pairs {
		pairs[i].server = nil
	}
	after := heldNow()
	runtime.KeepAlive(pairs)
	answer(map[string]float64{
		"connections": float64(count),
		"heap":        (with.heap - before.heap) / (2 * half),
		"resident":    (with.resident - before.resident) / (2 * half),
		"heap_client": (with.heap - servers.heap) / half,
		"heap_server": (servers.heap - before.heap) / half,
		"left":        (after.heap - before.heap) / (2 * half),
	})
}

// Of idle connections only servers are here. They stay for the next command, if it asks for as many.
var idleServers []*tls.Conn

func crowd(length, countIdle, count int) {
	if len(idleServers) != countIdle {
		idleServers = make([]*tls.Conn, countIdle)
		for i := range idleServers {
			idleServers[i] = idlePair().server
		}
	}
	moves(length, count)
}

func churn(count int) {
	warmUp()
	before := heldNow()
	for range count / 2 {
		talk(connect(mainDesk), 1024, mainDesk)
	}
	after := heldNow()
	answer(map[string]float64{
		"connections":   float64(count),
		"left":          (after.heap - before.heap) / float64(count),
		"left_resident": (after.resident - before.resident) / float64(count),
	})
}

func hello() {
	answer(map[string]any{
		"library": "Go crypto/tls", "version": strings.TrimPrefix(runtime.Version(), "go"), "connections": true, "tally": tally,
		"ways": map[string]string{way: "tls.Conn.Write and tls.Conn.Read over a net.Conn in memory"},
	})
}

// obey answers whether the line is a command.
func obey(line string) bool {
	var key, wayName string
	var newSuite uint16
	var newGroup tls.CurveID
	var a, b, c int
	is := func(format string, values ...any) bool {
		n, err := fmt.Sscanf(line, format, values...)
		return err == nil && n == len(values)
	}
	known := func() {
		if wayName != way {
			fail("there is no way '%s'", wayName)
		}
	}
	switch {
	case line == "hello":
		hello()
	case is("set %s %x %x %d", &key, &newSuite, &newGroup, &a):
		set(key, newSuite, newGroup, a != 0)
	case is("move %s %d %d", &wayName, &a, &b):
		known()
		moves(a, b)
	case is("exchange %s %d %d %d", &wayName, &a, &b, &c):
		known()
		exchanges(a, b, c)
	case is("handshake %d", &a):
		handshakes(a)
	case is("threads %s %d %d %d", &wayName, &a, &b, &c):
		known()
		threads(a, b, c)
	case is("handshake_threads %d %d", &a, &b):
		handshakeThreads(a, b)
	case is("idle %d", &a):
		idle(a)
	case is("crowd %s %d %d %d", &wayName, &a, &b, &c):
		known()
		crowd(a, b, c)
	case is("churn %d", &a):
		churn(a)
	default:
		return false
	}
	return true
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintf(os.Stderr, "usage: %s PKI_DIRECTORY (made by tests/pki/make.sh), commands on standard input\n", os.Args[0])
		os.Exit(2)
	}
	pki = os.Args[1]
	// One thread works: a second one that looks for work would be counted.
	runtime.GOMAXPROCS(1)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if !obey(lines.Text()) {
			fail("not a command: %s", lines.Text())
		}
	}
}
