#!/usr/bin/env luajit
-- An echo server in a language with a collector, and no line of C: LuaJIT declares what it calls, and calls it (ffi.cdef). Readiness by
-- epoll, edge-triggered: whoever is told once goes on until the socket says EAGAIN.
--
-- Nothing of the library holds anything of Lua's: there is no callback that would, and no buffer is kept after a call. So there is no
-- cycle for the collector to find, and a connection ends where it is freed. Who is forgotten is freed by the collector (ffi.gc).
--
-- The strings and buffers that are passed are Lua's; the window and the peek are the library's, and are used before its next call.
local ffi = require("ffi")

ffi.cdef([[
typedef struct tls_builder_t tls_builder_t;
typedef struct tls_context_t tls_context_t;
typedef struct tls_conn_t tls_conn_t;
typedef int32_t tls_status_t;
typedef struct { size_t size; tls_status_t status; int32_t reason; int16_t alert_sent, alert_received; char message[256]; } tls_error_t;
typedef struct { size_t size; uint64_t in_flight, in_flight_bytes, unused_bytes; } tls_buffers_t;
enum { TLS_OK = 0, TLS_WANT_FEED = -1, TLS_WANT_DRAIN = -2, TLS_CAN_FEED = 1, TLS_CAN_WRITE = 8, TLS_HANDSHAKING = 16 };
tls_builder_t *tls_builder_new(void);
void tls_builder_free(tls_builder_t *builder);
tls_status_t tls_builder_identity_file(tls_builder_t *builder, const char *chain, const char *key);
tls_context_t *tls_context_server(const tls_builder_t *builder, tls_error_t *error);
void tls_context_free(tls_context_t *context);
tls_status_t tls_context_buffers(const tls_context_t *context, tls_buffers_t *buffers);
tls_conn_t *tls_server_new(const tls_context_t *context, tls_error_t *error);
void tls_free(tls_conn_t *conn);
uint32_t tls_state(tls_conn_t *conn);
tls_status_t tls_advance(tls_conn_t *conn);
tls_status_t tls_feed_window(tls_conn_t *conn, size_t want, void **window, size_t *room);
tls_status_t tls_feed_commit(tls_conn_t *conn, size_t len);
tls_status_t tls_feed_eof(tls_conn_t *conn);
tls_status_t tls_drain_peek(tls_conn_t *conn, const void **wire, size_t *len);
tls_status_t tls_drain_consume(tls_conn_t *conn, size_t len);
ptrdiff_t tls_drain_pending(tls_conn_t *conn);
ptrdiff_t tls_writable(tls_conn_t *conn);
ptrdiff_t tls_read_into(tls_conn_t *conn, void *plain, size_t len);
ptrdiff_t tls_write_from(tls_conn_t *conn, const void *plain, size_t len);
tls_status_t tls_close_notify(tls_conn_t *conn);

struct sockaddr_in { uint16_t family, port; uint32_t address; char zero[8]; };
struct epoll_event { uint32_t events; uint32_t fd, unused; } __attribute__((packed));
int socket(int domain, int type, int protocol);
int setsockopt(int fd, int level, int option, const void *value, uint32_t len);
int bind(int fd, const void *address, uint32_t len);
int listen(int fd, int backlog);
int getsockname(int fd, void *address, uint32_t *len);
int accept4(int fd, void *address, uint32_t *len, int flags);
ssize_t recv(int fd, void *buffer, size_t len, int flags);
ssize_t send(int fd, const void *buffer, size_t len, int flags);
int close(int fd);
int epoll_create1(int flags);
int epoll_ctl(int loop, int what, int fd, struct epoll_event *event);
int epoll_wait(int loop, struct epoll_event *events, int most, int timeout);
int sigemptyset(void *set);
int sigaddset(void *set, int number);
int sigprocmask(int how, const void *set, void *old);
int signalfd(int fd, const void *set, int flags);
char *strerror(int number);
]])
assert(ffi.os == "Linux" and ffi.arch == "x64", "the numbers and the layout of epoll_event are Linux's on x86-64")

local C, tls = ffi.C, ffi.load("tlsbio")
local EINTR, EAGAIN, SIGTERM = 4, 11, 15
local AF_INET, STREAM, NONBLOCK, CLOEXEC = 2, 1, 0x800, 0x80000
local SOL_SOCKET, REUSEADDR, NOSIGNAL = 1, 2, 0x4000
local IN, OUT, RDHUP, ET = 1, 4, 0x2000, 0x80000000
local EVENTS = 64

local wire, window = ffi.new("const void *[1]"), ffi.new("void *[1]")
local len, room = ffi.new("size_t[1]"), ffi.new("size_t[1]")
local plain = ffi.new("char[65536]")

local function die(text)
    io.stderr:write(arg[0], ": ", text, "\n")
    os.exit(1)
end

local function why()
    return ffi.string(C.strerror(ffi.errno()))
end

local function make_context(chain, key)
    local failure = ffi.new("tls_error_t", { size = ffi.sizeof("tls_error_t") })
    local builder = tls.tls_builder_new()
    tls.tls_builder_identity_file(builder, chain, key)
    local context = tls.tls_context_server(builder, failure)
    tls.tls_builder_free(builder)
    if context == nil then
        die(ffi.string(failure.message))
    end
    return ffi.gc(context, tls.tls_context_free)
end

local function swap(port)
    return bit.bor(bit.lshift(bit.band(port, 255), 8), bit.rshift(port, 8))
end

local function listen(port)
    local address = ffi.new("struct sockaddr_in", { family = AF_INET, port = swap(port), address = 0x0100007f })
    local size = ffi.new("uint32_t[1]", ffi.sizeof(address))
    local fd = C.socket(AF_INET, bit.bor(STREAM, NONBLOCK, CLOEXEC), 0)
    if fd < 0 or C.setsockopt(fd, SOL_SOCKET, REUSEADDR, ffi.new("int[1]", 1), 4) ~= 0
        or C.bind(fd, address, size[0]) ~= 0 or C.listen(fd, 64) ~= 0 or C.getsockname(fd, address, size) ~= 0 then
        die("port " .. port .. ": " .. why())
    end
    return fd, swap(address.port)
end

-- Writes back what can be read. Returns true once nothing more will come of the connection but what is queued.
local function echo(conn)
    while true do
        local ready, most = tls.tls_advance(conn) == C.TLS_OK, tls.tls_writable(conn)
        if ready and most == 0 then
            return false
        end
        -- No more than can be written: so there is never anything to keep.
        local got = tls.tls_read_into(conn, plain, most > 0 and math.min(tonumber(most), 65536) or 65536)
        if got > 0 then
            tls.tls_write_from(conn, plain, got)
        elseif got == C.TLS_WANT_FEED or got == C.TLS_WANT_DRAIN then
            return false
        else
            -- The peer's end, or a failure, whose alert is queued already.
            tls.tls_close_notify(conn)
            return true
        end
    end
end

local function wants_bytes(conn)
    local state = tls.tls_state(conn)
    return bit.band(state, C.TLS_CAN_FEED) ~= 0 and bit.band(state, C.TLS_HANDSHAKING + C.TLS_CAN_WRITE) ~= 0
end

-- Calls again what a signal interrupted. Returns the answer; 0 with "again" at EAGAIN; nil after an error.
local function on_socket(call, fd, memory, size)
    local count
    repeat
        count = tonumber(call(fd, memory, size, NOSIGNAL))
    until count >= 0 or ffi.errno() ~= EINTR
    if count < 0 then
        return ffi.errno() == EAGAIN and 0 or nil, "again"
    end
    return count
end

-- Returns how many bytes came; nil after an error.
local function receive(peer)
    if not wants_bytes(peer.conn) or tls.tls_feed_window(peer.conn, 0, window, room) ~= C.TLS_OK then
        return 0
    end
    local got, again = on_socket(C.recv, peer.fd, window[0], room[0])
    -- A window that stays open keeps a buffer for nothing.
    tls.tls_feed_commit(peer.conn, got or 0)
    if got == 0 and not again then
        tls.tls_feed_eof(peer.conn)
    end
    return got
end

-- Returns how many bytes went; nil after an error.
local function send_queued(peer)
    local total = 0
    while tls.tls_drain_peek(peer.conn, wire, len) == C.TLS_OK and len[0] > 0 do
        local sent = on_socket(C.send, peer.fd, wire[0], len[0])
        if not sent then
            return nil
        elseif sent == 0 then
            break
        end
        tls.tls_drain_consume(peer.conn, sent)
        total = total + sent
    end
    return total
end

local peers, alive = {}, 0

local function finish(peer)
    C.close(peer.fd)
    -- At once: nothing waits for the collector.
    tls.tls_free(ffi.gc(peer.conn, nil))
    peers[peer.fd] = nil
    alive = alive - 1
end

-- Goes on until nothing moves any more: there will be no other event for what is left.
local function turn(peer)
    local into, out
    repeat
        into = peer.ending and 0 or receive(peer)
        peer.ending = peer.ending or echo(peer.conn)
        out = send_queued(peer)
    until not into or not out or into + out == 0
    if not into or not out or (peer.ending and tls.tls_drain_pending(peer.conn) == 0) then
        finish(peer)
    end
end

local function watch(loop, fd, events)
    return C.epoll_ctl(loop, 1, fd, ffi.new("struct epoll_event", { events = events, fd = fd })) == 0
end

local function accept_all(context, listener, loop)
    while true do
        local fd = C.accept4(listener, nil, nil, bit.bor(NONBLOCK, CLOEXEC))
        if fd < 0 then
            return
        end
        local conn = ffi.gc(tls.tls_server_new(context, nil), tls.tls_free)
        if conn ~= nil and watch(loop, fd, bit.bor(IN, OUT, RDHUP) + ET) then
            peers[fd] = { fd = fd, conn = conn }
            alive = alive + 1
        else
            C.close(fd)
        end
    end
end

local function signals(number)
    local set = ffi.new("uint64_t[16]")
    C.sigemptyset(set)
    C.sigaddset(set, number)
    C.sigprocmask(0, set, nil)
    return C.signalfd(-1, set, CLOEXEC)
end

local port = tonumber(arg[1])
if #arg ~= 3 or not port or port < 0 or port > 65535 then
    io.stderr:write("usage: ", arg[0], " PORT CHAIN KEY\n")
    os.exit(2)
end
local context = make_context(arg[2], arg[3])
local listener, bound = listen(port)
local loop, ending = C.epoll_create1(CLOEXEC), signals(SIGTERM)
if loop < 0 or ending < 0 or not watch(loop, listener, IN) or not watch(loop, ending, IN) then
    die(why())
end
print("listening on " .. bound)
io.stdout:flush()

local events, running = ffi.new("struct epoll_event[?]", EVENTS), true
while running do
    for i = 0, C.epoll_wait(loop, events, EVENTS, -1) - 1 do
        local fd = events[i].fd
        if fd == ending then
            running = false
        elseif fd == listener then
            accept_all(context, listener, loop)
        elseif peers[fd] then
            turn(peers[fd])
        end
    end
end
local buffers = ffi.new("tls_buffers_t", { size = ffi.sizeof("tls_buffers_t") })
tls.tls_context_buffers(context, buffers)
print(("left: %d connections, %d buffers"):format(alive, tonumber(buffers.in_flight)))
