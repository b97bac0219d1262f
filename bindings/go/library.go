package tls

/*
#include <stdlib.h>
#include "tlsbio.h"

// Handles are numbers to Go, which must not take them for addresses. What a call changes comes back with it, in a result,
// so that a record costs one call and no allocation.

typedef struct {
	ptrdiff_t answer;
	size_t consumed;
	ptrdiff_t queued;
	uint32_t state;
} go_step_t;

static int is_one_record(const uint8_t *wire, size_t len)
{
	return len > 5 && len == 5 + ((size_t)wire[3] << 8 | wire[4]);
}

// The calls for records answer through memory of the caller: a result costs a look for the stack that it is written to.

static void go_read_in_place(uintptr_t conn, uint8_t *wire, size_t len, tls_span_t *spans, size_t max, go_step_t *step)
{
	const int alone = is_one_record(wire, len);
	step->answer = tls_read_in_place((tls_conn_t *)conn, wire, len, spans, max, &step->consumed);
	// A record alone that held plain bytes held nothing that ends the connection or wants an answer: no bit that is of use
	// to Go has changed.
	if (step->answer != 1 || !alone)
		step->state = tls_state((tls_conn_t *)conn);
}

static void go_write_into(uintptr_t conn, const uint8_t *plain, size_t len, uint8_t *wire, size_t capacity, go_step_t *step)
{
	step->answer = tls_write_into((tls_conn_t *)conn, plain, len, wire, capacity, &step->consumed);
}

static go_step_t go_drain_into(uintptr_t conn, uint8_t *wire, size_t capacity)
{
	go_step_t step = {0};
	step.answer = tls_drain_into((tls_conn_t *)conn, wire, capacity);
	step.queued = tls_drain_pending((tls_conn_t *)conn);
	return step;
}

static go_step_t go_stand(uintptr_t conn)
{
	go_step_t step = {0};
	step.answer = tls_advance((tls_conn_t *)conn);
	step.state = tls_state((tls_conn_t *)conn);
	return step;
}

static ptrdiff_t go_queued(uintptr_t conn) { return tls_drain_pending((tls_conn_t *)conn); }
static ptrdiff_t go_advance(uintptr_t conn) { return tls_advance((tls_conn_t *)conn); }
static ptrdiff_t go_feed_eof(uintptr_t conn) { return tls_feed_eof((tls_conn_t *)conn); }
static ptrdiff_t go_close_notify(uintptr_t conn) { return tls_close_notify((tls_conn_t *)conn); }
static ptrdiff_t go_key_update(uintptr_t conn) { return tls_key_update((tls_conn_t *)conn); }
static void go_free(uintptr_t conn) { tls_free((tls_conn_t *)conn); }
static void go_conn_error(uintptr_t conn, tls_error_t *error) { tls_conn_error((tls_conn_t *)conn, error); }

static uintptr_t go_client_new(uintptr_t context, const char *name, const uint8_t *ech, size_t ech_len, uintptr_t session,
	int own_sessions, tls_error_t *error)
{
	tls_client_options_t options = {.size = sizeof options, .server_name = name, .ech = ech, .ech_len = ech_len};
	options.session = (tls_session_t *)session;
	if (own_sessions)
		options.flags = TLS_CLIENT_OWN_SESSIONS;
	return (uintptr_t)tls_client_new_with((tls_context_t *)context, &options, error);
}

static uintptr_t go_session_take(uintptr_t conn) { return (uintptr_t)tls_session_take((tls_conn_t *)conn, NULL); }
static void go_session_free(uintptr_t session) { tls_session_free((tls_session_t *)session); }

static uintptr_t go_server_new(uintptr_t context, tls_error_t *error)
{
	return (uintptr_t)tls_server_new((tls_context_t *)context, error);
}

typedef struct {
	uint16_t version;
	uint16_t suite;
	uint16_t group;
	int32_t kind;
	int32_t ech;
} go_facts_t;

static go_facts_t go_facts(uintptr_t conn)
{
	tls_conn_t *c = (tls_conn_t *)conn;
	go_facts_t facts = {tls_protocol_version(c), tls_cipher_suite(c), tls_group(c), tls_handshake_kind(c), tls_ech_status(c)};
	return facts;
}

// Facts that are copied out, by number.
static ptrdiff_t go_blob(uintptr_t conn, int which, size_t index, uint8_t *out, size_t capacity)
{
	tls_conn_t *c = (tls_conn_t *)conn;
	switch (which) {
	case 0: return tls_alpn(c, out, capacity);
	case 1: return tls_sni(c, (char *)out, capacity);
	case 2: return tls_peer_certificate(c, index, out, capacity);
	case 3: return tls_ocsp_response(c, out, capacity);
	case 4: return tls_hello_suites(c, out, capacity);
	case 5: return tls_hello_alpn(c, out, capacity);
	case 6: return tls_hello_groups(c, out, capacity);
	case 7: return tls_hello_versions(c, out, capacity);
	case 8: return tls_hello_schemes(c, out, capacity);
	case 9: return tls_hello_raw(c, out, capacity);
	case 10: return tls_sign_message(c, out, capacity);
	case 11: return tls_ech_retry_configs(c, out, capacity);
	case 12: return tls_verify_name(c, (char *)out, capacity);
	case 13: return tls_sign_certificate(c, out, capacity);
	case 14: return tls_identity_schemes(c, out, capacity);
	case 15: return tls_identity_authority(c, index, out, capacity);
	default: return TLS_ERR_ARGUMENT;
	}
}

static ptrdiff_t go_answer_context(uintptr_t conn, uintptr_t context, int no_alpn)
{
	tls_server_options_t options = {.size = sizeof options};
	if (no_alpn)
		options.flags = TLS_SERVER_NO_ALPN;
	return tls_answer_context_with((tls_conn_t *)conn, (tls_context_t *)context, &options, NULL);
}
static ptrdiff_t go_answer_identity(uintptr_t conn, uintptr_t context)
{
	return tls_answer_identity((tls_conn_t *)conn, (tls_context_t *)context);
}
static ptrdiff_t go_answer_verify(uintptr_t conn, int32_t verdict) { return tls_answer_verify((tls_conn_t *)conn, verdict); }
static ptrdiff_t go_answer_refuse(uintptr_t conn, uint8_t alert) { return tls_answer_refuse((tls_conn_t *)conn, alert); }
static ptrdiff_t go_refuse(uintptr_t conn, uint8_t alert) { return tls_refuse((tls_conn_t *)conn, alert); }
static uint16_t go_sign_scheme(uintptr_t conn) { return tls_sign_scheme((tls_conn_t *)conn); }
static ptrdiff_t go_answer_sign(uintptr_t conn, const uint8_t *signature, size_t len)
{
	return tls_answer_sign((tls_conn_t *)conn, signature, len);
}
static ptrdiff_t go_export(uintptr_t conn, const uint8_t *label, size_t label_len, const uint8_t *context,
	size_t context_len, int has_context, uint8_t *out, size_t out_len)
{
	return tls_export((tls_conn_t *)conn, label, label_len, context, context_len, has_context, out, out_len);
}
static int32_t go_next_event(uintptr_t conn, tls_event_t *event) { return tls_next_event((tls_conn_t *)conn, event); }

static uintptr_t go_builder_new(void) { return (uintptr_t)tls_builder_new(); }
static void go_builder_free(uintptr_t builder) { tls_builder_free((tls_builder_t *)builder); }
static void go_builder_forget(uintptr_t builder) { tls_builder_clear_error((tls_builder_t *)builder); }
static void go_builder_error(uintptr_t builder, tls_error_t *error) { tls_builder_error((tls_builder_t *)builder, error); }

// Settings of one number, and of bytes, by number.
static ptrdiff_t go_builder_set(uintptr_t builder, int which, size_t a, size_t b)
{
	tls_builder_t *r = (tls_builder_t *)builder;
	switch (which) {
	case 0: return tls_builder_versions(r, (uint16_t)a, (uint16_t)b);
	case 1: return tls_builder_client_auth(r, (int32_t)a);
	case 2: return tls_builder_verify(r, (int32_t)a);
	case 3: return tls_builder_limits(r, a, b);
	case 4: return tls_builder_key_log(r, (int32_t)a);
	case 5: return tls_builder_sessions(r, a);
	case 6: return tls_builder_ask_identity(r, (int32_t)a);
	case 7: return tls_builder_tickets(r, (uint32_t)a);
	default: return TLS_ERR_ARGUMENT;
	}
}
static ptrdiff_t go_builder_bytes(uintptr_t builder, int which, const uint8_t *data, size_t len, const uint8_t *more, size_t more_len)
{
	tls_builder_t *r = (tls_builder_t *)builder;
	switch (which) {
	case 0: return tls_builder_identity_pem(r, data, len, more, more_len);
	case 1: return tls_builder_identity_external(r, data, len);
	case 2: return tls_builder_trust_pem(r, data, len);
	case 3: return tls_builder_alpn(r, data, len);
	case 4: return tls_builder_ocsp(r, data, len);
	case 5: return tls_builder_intermediates_pem(r, data, len);
	case 6: return tls_builder_ech(r, data, len);
	default: return TLS_ERR_ARGUMENT;
	}
}
static ptrdiff_t go_builder_numbers(uintptr_t builder, int which, const uint16_t *numbers, size_t count)
{
	tls_builder_t *r = (tls_builder_t *)builder;
	switch (which) {
	case 0: return tls_builder_suites(r, numbers, count);
	case 1: return tls_builder_groups(r, numbers, count);
	case 2: return tls_builder_signature_schemes(r, numbers, count);
	default: return TLS_ERR_ARGUMENT;
	}
}

static uintptr_t go_context(uintptr_t builder, int server, tls_error_t *error)
{
	tls_builder_t *r = (tls_builder_t *)builder;
	return (uintptr_t)(server ? tls_context_server(r, error) : tls_context_client(r, error));
}
static void go_context_free(uintptr_t context) { tls_context_free((tls_context_t *)context); }
static ptrdiff_t go_context_time(uintptr_t context, int64_t unix_seconds)
{
	return tls_context_time((tls_context_t *)context, unix_seconds);
}
static ptrdiff_t go_ticket_keys(uintptr_t context, const tls_ticket_key_t *keys, size_t count, tls_error_t *error)
{
	return tls_context_ticket_keys((tls_context_t *)context, keys, count, error);
}

#cgo noescape go_read_in_place
#cgo nocallback go_read_in_place
#cgo noescape go_write_into
#cgo nocallback go_write_into
#cgo noescape go_drain_into
#cgo nocallback go_drain_into
#cgo nocallback go_stand
#cgo nocallback go_queued
#cgo nocallback go_advance
#cgo nocallback go_feed_eof
#cgo nocallback go_close_notify
#cgo nocallback go_key_update
#cgo nocallback go_free
#cgo noescape go_conn_error
#cgo nocallback go_conn_error
#cgo noescape go_client_new
#cgo nocallback go_client_new
#cgo nocallback go_session_take
#cgo nocallback go_session_free
#cgo noescape go_server_new
#cgo nocallback go_server_new
#cgo nocallback go_facts
#cgo noescape go_blob
#cgo nocallback go_blob
#cgo nocallback go_answer_context
#cgo nocallback go_answer_identity
#cgo nocallback go_answer_verify
#cgo nocallback go_answer_refuse
#cgo nocallback go_refuse
#cgo nocallback go_sign_scheme
#cgo noescape go_answer_sign
#cgo nocallback go_answer_sign
#cgo noescape go_export
#cgo nocallback go_export
#cgo noescape go_next_event
#cgo nocallback go_next_event
*/
import "C"

import (
	"strings"
	"unsafe"
)

// handle is a connection, a builder or a context of the library. It looks like an address and is none: it must never be
// in a type that the collector takes for a pointer.
type handle uintptr

// span says where in a buffer plain bytes are: tls_span_t.
type span struct{ offset, length uintptr }

var _ = [1]struct{}{}[unsafe.Sizeof(span{})-C.sizeof_tls_span_t]

// maxRecord is the length of the largest record that is accepted, header included.
const maxRecord = C.TLS_MAX_RECORD

// Classes of answers.
const (
	statusOK       = C.TLS_OK
	wantFeed       = C.TLS_WANT_FEED
	wantDrain      = C.TLS_WANT_DRAIN
	askContext     = C.TLS_ASK_CONTEXT
	askVerify      = C.TLS_ASK_VERIFY
	askSign        = C.TLS_ASK_SIGN
	askIdentity    = C.TLS_ASK_IDENTITY
	peerClosed     = C.TLS_CLOSED
	truncated      = C.TLS_TRUNCATED
	errHandle      = C.TLS_ERR_HANDLE
	errConfig      = C.TLS_ERR_CONFIG
	errState       = C.TLS_ERR_STATE
	errAlert       = C.TLS_ERR_ALERT
	errCertificate = C.TLS_ERR_CERTIFICATE
	firstFatal     = C.TLS_ERR_PEER

	canDrain         = C.TLS_CAN_DRAIN
	stateHandshaking = C.TLS_HANDSHAKING
	stateFailed      = C.TLS_FAILED
	stateEnded       = C.TLS_FAILED | C.TLS_PEER_CLOSED
)

// Facts and questions that are bytes.
const (
	blobALPN = iota
	blobSNI
	blobPeerCertificate
	blobOCSP
	blobHelloSuites
	blobHelloALPN
	blobHelloGroups
	blobHelloVersions
	blobHelloSchemes
	blobHelloRaw
	blobSignMessage
	blobECHRetry
	blobVerifyName
	blobSignCertificate
	blobIdentitySchemes
	blobIdentityAuthority
)

// What a builder is told.
const (
	setVersions = iota
	setClientAuth
	setVerify
	setLimits
	setKeyLog
	setSessions
	setAskIdentity
	setTickets
)

const (
	bytesIdentity = iota
	bytesExternalIdentity
	bytesTrust
	bytesALPN
	bytesOCSP
	bytesIntermediates
	bytesECH
)

const (
	numbersSuites = iota
	numbersGroups
	numbersSchemes
)

// step is what one call did.
type step struct {
	answer   int // a count, or a negative status
	consumed int
	queued   int // wire bytes that wait to be drained
	state    uint32
}

func stepOf(s C.go_step_t) step {
	return step{answer: int(s.answer), consumed: int(s.consumed), queued: int(s.queued), state: uint32(s.state)}
}

func data(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }

func (h handle) readInPlace(wire []byte, spans *[maxSpans]span) step {
	var s C.go_step_t
	C.go_read_in_place(C.uintptr_t(h), data(wire), C.size_t(len(wire)), (*C.tls_span_t)(unsafe.Pointer(&spans[0])), maxSpans, &s)
	return stepOf(s)
}

func (h handle) writeInto(plain, wire []byte) step {
	var s C.go_step_t
	C.go_write_into(C.uintptr_t(h), data(plain), C.size_t(len(plain)), data(wire), C.size_t(len(wire)), &s)
	return stepOf(s)
}

func (h handle) drainInto(wire []byte) step {
	return stepOf(C.go_drain_into(C.uintptr_t(h), data(wire), C.size_t(len(wire))))
}

// stand says where the connection stands, and does nothing with wire bytes.
func (h handle) stand() step { return stepOf(C.go_stand(C.uintptr_t(h))) }

func (h handle) queued() int      { return int(C.go_queued(C.uintptr_t(h))) }
func (h handle) advance() int     { return int(C.go_advance(C.uintptr_t(h))) }
func (h handle) feedEOF() int     { return int(C.go_feed_eof(C.uintptr_t(h))) }
func (h handle) closeNotify() int { return int(C.go_close_notify(C.uintptr_t(h))) }
func (h handle) keyUpdate() int   { return int(C.go_key_update(C.uintptr_t(h))) }
func (h handle) free()            { C.go_free(C.uintptr_t(h)) }

func (h handle) answerContext(context handle, withoutALPN bool) int {
	noALPN := 0
	if withoutALPN {
		noALPN = 1
	}
	return int(C.go_answer_context(C.uintptr_t(h), C.uintptr_t(context), C.int(noALPN)))
}
func (h handle) answerIdentity(context handle) int {
	return int(C.go_answer_identity(C.uintptr_t(h), C.uintptr_t(context)))
}
func (h handle) answerVerify(verdict int) int {
	return int(C.go_answer_verify(C.uintptr_t(h), C.int32_t(verdict)))
}
func (h handle) answerRefuse(alert uint8) int {
	return int(C.go_answer_refuse(C.uintptr_t(h), C.uint8_t(alert)))
}

// refuse ends a connection whose handshake is done, and answers how many wire bytes are in front of the alert.
func (h handle) refuse(alert uint8) int { return int(C.go_refuse(C.uintptr_t(h), C.uint8_t(alert))) }

func (h handle) signScheme() uint16 { return uint16(C.go_sign_scheme(C.uintptr_t(h))) }
func (h handle) answerSign(signature []byte) int {
	return int(C.go_answer_sign(C.uintptr_t(h), data(signature), C.size_t(len(signature))))
}

// blob copies a fact out; nil if there is none.
func (h handle) blob(which, index int) []byte {
	var short [256]byte
	n := int(C.go_blob(C.uintptr_t(h), C.int(which), C.size_t(index), data(short[:]), C.size_t(len(short))))
	if n <= 0 {
		return nil
	}
	// Texts have a terminator behind them.
	if n < len(short) {
		return append([]byte(nil), short[:n]...)
	}
	long := make([]byte, n+1)
	n = int(C.go_blob(C.uintptr_t(h), C.int(which), C.size_t(index), data(long), C.size_t(len(long))))
	if n <= 0 || n >= len(long) {
		return nil
	}
	return long[:n:n]
}

// settled are the facts of a handshake that are numbers.
type settled struct {
	version, suite, group uint16
	resumed, retried, ech bool
	known                 bool // that the handshake is a full one, or a resumed one
}

func (h handle) facts() settled {
	f := C.go_facts(C.uintptr_t(h))
	return settled{
		version: uint16(f.version),
		suite:   uint16(f.suite),
		group:   uint16(f.group),
		resumed: f.kind == C.TLS_HANDSHAKE_RESUMED || f.kind == C.TLS_HANDSHAKE_RESUMED_RETRIED,
		retried: f.kind == C.TLS_HANDSHAKE_FULL_RETRIED || f.kind == C.TLS_HANDSHAKE_RESUMED_RETRIED,
		known:   f.kind != C.TLS_HANDSHAKE_UNKNOWN,
		ech:     f.ech == C.TLS_ECH_ACCEPTED,
	}
}

// rejectedECH tells whether a server takes no ECH of what the client offers, from when it has shown its certificates.
func (h handle) rejectedECH() bool { return C.go_facts(C.uintptr_t(h)).ech == C.TLS_ECH_REJECTED }

func (h handle) export(label string, context []byte, out []byte) int {
	hasContext := 0
	if context != nil {
		hasContext = 1
	}
	return int(C.go_export(C.uintptr_t(h), (*C.uint8_t)(unsafe.StringData(label)), C.size_t(len(label)), data(context),
		C.size_t(len(context)), C.int(hasContext), data(out), C.size_t(len(out))))
}

// keyLogLine takes the next line for a key log; "" if there is none.
func (h handle) keyLogLine() string {
	event := C.tls_event_t{size: C.sizeof_tls_event_t}
	for C.go_next_event(C.uintptr_t(h), &event) == 1 {
		if event.kind == C.TLS_EVENT_KEY_LOG {
			return C.GoString(&event.text[0])
		}
	}
	return ""
}

// report is what the library says about an error.
type report struct {
	status, reason           int
	alertSent, alertReceived int
	message                  string
}

func reportOf(e *C.tls_error_t) report {
	return report{
		status: int(e.status), reason: int(e.reason),
		alertSent: int(e.alert_sent), alertReceived: int(e.alert_received),
		message: inGoTerms(C.GoString(&e.message[0])),
	}
}

func (h handle) lastError() report {
	e := C.tls_error_t{size: C.sizeof_tls_error_t}
	C.go_conn_error(C.uintptr_t(h), &e)
	return reportOf(&e)
}

// newClient starts a client; without a name where none is verified. With own the connection has sessions of its own, and
// resumes the given one, if that is not 0.
func newClient(context handle, name string, ech []byte, session handle, own bool) (handle, report) {
	ownSessions := 0
	if own {
		ownSessions = 1
	}
	e := C.tls_error_t{size: C.sizeof_tls_error_t}
	var text []byte
	if strings.Contains(name, "\x00") {
		// It would end there for the library, as another name.
		return 0, report{reason: reasonNoName, message: "the server name is neither a DNS name nor an IP address: it has a zero byte"}
	}
	if name != "" {
		text = append([]byte(name), 0)
	}
	h := C.go_client_new(C.uintptr_t(context), (*C.char)(unsafe.Pointer(unsafe.SliceData(text))),
		data(ech), C.size_t(len(ech)), C.uintptr_t(session), C.int(ownSessions), &e)
	if h == 0 {
		return 0, reportOf(&e)
	}
	return handle(h), report{}
}

// takeSession takes the newest session that the server has given; 0 if there is none.
func (h handle) takeSession() handle { return handle(C.go_session_take(C.uintptr_t(h))) }

func freeSession(session handle) { C.go_session_free(C.uintptr_t(session)) }

func newServer(context handle) (handle, report) {
	e := C.tls_error_t{size: C.sizeof_tls_error_t}
	h := C.go_server_new(C.uintptr_t(context), &e)
	if h == 0 {
		return 0, reportOf(&e)
	}
	return handle(h), report{}
}

// builder is a recipe of a context that remembers the first thing that went wrong.
type builder struct {
	handle handle
	err    error
}

func newBuilder() *builder {
	b := &builder{handle: handle(C.go_builder_new())}
	if b.handle == 0 {
		b.err = &ConfigError{Message: "the library has no memory for a builder"}
	}
	return b
}

func (b *builder) free() { C.go_builder_free(C.uintptr_t(b.handle)) }

func (b *builder) check(field string, status C.ptrdiff_t) {
	if status == statusOK || b.err != nil {
		return
	}
	e := C.tls_error_t{size: C.sizeof_tls_error_t}
	C.go_builder_error(C.uintptr_t(b.handle), &e)
	r := reportOf(&e)
	if r.message == "" {
		r.message = "refused by the library: " + strings.ToLower(C.GoString(C.tls_status_name(C.tls_status_t(status))))
	}
	b.err = &ConfigError{Field: field, Message: r.message}
}

func (b *builder) set(field string, which int, x, y uint) {
	b.check(field, C.go_builder_set(C.uintptr_t(b.handle), C.int(which), C.size_t(x), C.size_t(y)))
}

func (b *builder) bytes(field string, which int, first, second []byte) {
	b.check(field, C.go_builder_bytes(C.uintptr_t(b.handle), C.int(which), data(first), C.size_t(len(first)), data(second), C.size_t(len(second))))
}

// try passes over what the library cannot use.
func (b *builder) try(which int, first []byte) {
	if C.go_builder_bytes(C.uintptr_t(b.handle), C.int(which), data(first), C.size_t(len(first)), nil, 0) != statusOK && b.err == nil {
		C.go_builder_forget(C.uintptr_t(b.handle))
	}
}

func (b *builder) numbers(field string, which int, numbers []uint16) {
	b.check(field, C.go_builder_numbers(C.uintptr_t(b.handle), C.int(which), (*C.uint16_t)(unsafe.SliceData(numbers)), C.size_t(len(numbers))))
}

func (b *builder) context(server bool) (handle, error) {
	if b.err != nil {
		return 0, b.err
	}
	role := 0
	if server {
		role = 1
	}
	e := C.tls_error_t{size: C.sizeof_tls_error_t}
	h := C.go_context(C.uintptr_t(b.handle), C.int(role), &e)
	if h == 0 {
		return 0, &ConfigError{Message: reportOf(&e).message}
	}
	return handle(h), nil
}

func freeContext(h handle) { C.go_context_free(C.uintptr_t(h)) }

func (h handle) setTime(unixSeconds int64) { C.go_context_time(C.uintptr_t(h), C.int64_t(unixSeconds)) }

// Modes of verification and of asking for client certificates.
const (
	verifyPeer         = C.TLS_VERIFY_PEER
	verifyAsk          = C.TLS_VERIFY_ASK
	verifyNone         = C.TLS_VERIFY_DANGEROUS_NONE
	clientAuthNone     = C.TLS_CLIENT_AUTH_NONE
	clientAuthOptional = C.TLS_CLIENT_AUTH_OPTIONAL
	clientAuthRequired = C.TLS_CLIENT_AUTH_REQUIRED
)

// ticketKey is a key for the tickets of servers, with its time in Unix seconds.
type ticketKey struct {
	name        [16]byte
	secret      [64]byte
	from, until uint64
}

func (h handle) setTicketKeys(keys []ticketKey) error {
	list := make([]C.tls_ticket_key_t, len(keys))
	for i, key := range keys {
		list[i].size = C.sizeof_tls_ticket_key_t
		list[i].secret_len = C.size_t(len(key.secret))
		list[i].encrypt_from = C.uint64_t(key.from)
		list[i].decrypt_until = C.uint64_t(key.until)
		for j, b := range key.name {
			list[i].name[j] = C.uint8_t(b)
		}
		for j, b := range key.secret {
			list[i].secret[j] = C.uint8_t(b)
		}
	}
	e := C.tls_error_t{size: C.sizeof_tls_error_t}
	status := C.go_ticket_keys(C.uintptr_t(h), unsafe.SliceData(list), C.size_t(len(list)), &e)
	clear(list)
	if status != statusOK {
		return &ConfigError{Field: "SessionTicketKey", Message: reportOf(&e).message}
	}
	return nil
}

// Reasons of a refused certificate that crypto/x509 has errors for, of bytes that are not TLS, of a rejected ECH, and of a server
// name that is none.
const (
	reasonExpired       = C.TLS_REASON_CERTIFICATE_EXPIRED
	reasonNotYetValid   = C.TLS_REASON_CERTIFICATE_NOT_YET_VALID
	reasonWrongName     = C.TLS_REASON_CERTIFICATE_WRONG_NAME
	reasonUnknownIssuer = C.TLS_REASON_CERTIFICATE_UNKNOWN_ISSUER
	reasonWrongUsage    = C.TLS_REASON_CERTIFICATE_WRONG_USAGE
	reasonNotTLS        = C.TLS_REASON_NOT_TLS
	reasonECHRejected   = C.TLS_REASON_ECH_REJECTED
	reasonNoName        = C.TLS_REASON_SERVER_NAME_INVALID
)
