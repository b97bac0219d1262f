/* tlsbio._socket: what ssl.SSLSocket has below it, over a socket instead of BIOs.
 *
 * A record is received as OpenSSL receives it: its header, then its body, and nothing behind it. So
 * select() on the socket and pending() together say what there is to read, and what follows the end
 * of the TLS stream is still in the socket. The body goes into memory of the library, and is
 * decrypted into the caller's.
 *
 * One thread may read while another one writes: each direction has a lock, which is held over waits
 * and system calls; the library's is held over calls into the library only. What the library lends
 * meanwhile (a window to receive into, bytes to send) stays where it is while the other direction
 * is served.
 */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum {
    /* So many plain bytes are encrypted before they are sent. */
    PIECE = 4 * TLS_MAX_PLAIN_PER_RECORD,
};

typedef struct {
    Failures failures; /* first: see CHANNEL_HEAD */
    PyObject *name_fileno;
} State;

typedef struct {
    CHANNEL_HEAD
    PyObject *socket;             /* a weak reference */
    PyThread_type_lock reading;   /* who has it receives */
    PyThread_type_lock writing;   /* who has it sends */
    unsigned long reader, writer; /* the threads that have these */
    /* Plain bytes that were encrypted, but not sent, so that nobody was told of them. */
    size_t owed;
    bool quiet; /* the library has nothing to say until something is fed */
    bool eof_told, we_closed, is_server;
    bool is_done;  /* the handshake */
    bool is_fresh; /* the handshake is done, and no record has come since */
} Channel;

/* One operation: what it waits for, and how long. */
typedef struct {
    Channel *channel;
    const char *what; /* for the message of a timeout */
    int fd;
    bool reads, writes; /* the locks that it has */
    bool is_timed;      /* deadline counts */
    bool nonblocking, asked;
    int64_t deadline; /* in milliseconds */
} Operation;

/* ---- Locks ---------------------------------------------------------------------------------- */

/* Waits for a lock; signals are served meanwhile. */
static int acquire(PyThread_type_lock lock)
{
    if (PyThread_acquire_lock(lock, NOWAIT_LOCK))
        return 0;
    for (;;) {
        PyLockStatus status;

        Py_BEGIN_ALLOW_THREADS;
        status = PyThread_acquire_lock_timed(lock, -1, 1);
        Py_END_ALLOW_THREADS;
        if (status == PY_LOCK_ACQUIRED)
            return 0;
        if (PyErr_CheckSignals() < 0)
            return -1;
    }
}

/* The socket: NULL with an exception if it is gone. */
static PyObject *living_socket(Channel *channel)
{
    PyObject *socket = PyObject_CallNoArgs(channel->socket);

    if (socket == Py_None) {
        Py_DECREF(socket);
        raise_protocol(channel->failures, "SOCKET_GONE", "Underlying socket connection gone");
        return NULL;
    }
    return socket;
}

/* The socket's number: it may have been closed, and the number be another one's by now. */
static int number_of(Channel *channel)
{
    PyObject *socket = living_socket(channel), *answer;
    long number;

    if (socket == NULL)
        return -1;
    answer = PyObject_CallMethodObjArgs(socket, ((State *)channel->failures)->name_fileno, NULL);
    Py_DECREF(socket);
    if (answer == NULL)
        return -1;
    number = PyLong_AsLong(answer);
    Py_DECREF(answer);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < 0) {
        errno = EBADF;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return (int)number;
}

static void end(Operation *operation)
{
    Channel *channel = operation->channel;

    if (operation->reads) {
        channel->reader = 0;
        PyThread_release_lock(channel->reading);
    }
    if (operation->writes) {
        channel->writer = 0;
        PyThread_release_lock(channel->writing);
    }
    operation->reads = operation->writes = false;
}

/* Takes the locks that the operation needs, in one order. While the handshake is not done, each
 * needs both. Afterwards this thread has the library's, too. */
static int begin(Operation *operation, Channel *channel, const char *what, bool reads, bool writes)
{
    unsigned long thread = PyThread_get_thread_ident();

    *operation = (Operation){.channel = channel, .what = what};
    if (!channel->is_done) {
        if (hold_open(channel) < 0)
            return -1;
        channel->is_done = !(tls_state(channel->conn) & TLS_HANDSHAKING);
        let_go(channel);
        if (!channel->is_done)
            reads = writes = true;
    }
    /* A callback, or a handler of a signal. */
    if (channel->reader == thread || channel->writer == thread)
        return raise_protocol(channel->failures, "BUSY",
                              "another operation of this thread uses this connection");
    if (reads) {
        if (acquire(channel->reading) < 0)
            return -1;
        operation->reads = true;
        channel->reader = thread;
    }
    if (writes) {
        if (acquire(channel->writing) < 0) {
            end(operation);
            return -1;
        }
        operation->writes = true;
        channel->writer = thread;
    }
    operation->fd = number_of(channel);
    if (operation->fd < 0 || hold_open(channel) < 0) {
        end(operation);
        return -1;
    }
    return 0;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* How long this operation may take is asked when it first has to wait. */
static int ask_timeout(Operation *operation)
{
    PyObject *socket = living_socket(operation->channel), *timeout;
    double seconds;

    operation->asked = true;
    if (socket == NULL)
        return -1;
    timeout = PyObject_CallMethod(socket, "gettimeout", NULL);
    Py_DECREF(socket);
    if (timeout == NULL)
        return -1;
    if (timeout != Py_None) {
        seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1.0 && PyErr_Occurred()) {
            Py_DECREF(timeout);
            return -1;
        }
        operation->nonblocking = seconds == 0.0;
        operation->is_timed = true;
        operation->deadline = now() + (int64_t)(seconds * 1000.0 + 0.999);
    }
    Py_DECREF(timeout);
    return 0;
}

/* Waits until the socket may be used so; the library's lock is not held. 0, or -1 with an
 * exception. */
static int wait_for(Operation *operation, short events)
{
    for (;;) {
        struct pollfd waits = {.fd = operation->fd, .events = events};
        int64_t rest = -1;
        int ready;

        if (!operation->asked && ask_timeout(operation) < 0)
            return -1;
        if (operation->nonblocking && events == POLLIN)
            return raise_want_read(operation->channel->failures);
        if (operation->nonblocking)
            return raise_want_write(operation->channel->failures);
        if (operation->is_timed) {
            rest = operation->deadline - now();
            if (rest < 0)
                rest = 0;
            if (rest > INT32_MAX)
                rest = INT32_MAX;
        }
        Py_BEGIN_ALLOW_THREADS;
        ready = poll(&waits, 1, (int)rest);
        Py_END_ALLOW_THREADS;
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR) {
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
        if (ready < 0 && PyErr_CheckSignals() < 0)
            return -1;
        if (ready == 0 && operation->is_timed && now() >= operation->deadline) {
            PyErr_Format(PyExc_TimeoutError, "The %s operation timed out", operation->what);
            return -1;
        }
    }
}

/* Receives some bytes, waiting if need be; the library's lock is let go meanwhile. How many, 0 at
 * the end of the transport, -1 with an exception. What is behind bytes that have come is there most
 * of the time, and if it is little, nobody is let in for it. */
static ptrdiff_t receive_some(Operation *operation, void *memory, size_t size, bool is_behind)
{
    Channel *channel = operation->channel;
    bool tried = is_behind && size < BULK;
    ptrdiff_t got = -1;
    int error = 0;

    if (tried) {
        got = recv(operation->fd, memory, size, MSG_DONTWAIT);
        error = errno;
        if (got > 0)
            return got;
    }
    let_go(channel);
    for (;;) {
        if (!tried) {
            Py_BEGIN_ALLOW_THREADS;
            got = recv(operation->fd, memory, size, 0);
            error = errno;
            Py_END_ALLOW_THREADS;
        }
        tried = false;
        if (got >= 0)
            break;
        if (error == EINTR) {
            if (PyErr_CheckSignals() < 0)
                break;
        } else if (error == EAGAIN || error == EWOULDBLOCK) {
            if (wait_for(operation, POLLIN) < 0)
                break;
        } else if (error == ECONNRESET && channel->is_server && channel->is_fresh) {
            /* A client that leaves without reading its tickets resets the connection. It has said
             * nothing, and that is the end of it: OpenSSL sees no more than that, either. */
            got = 0;
            break;
        } else {
            errno = error;
            PyErr_SetFromErrno(PyExc_OSError);
            break;
        }
    }
    hold(channel);
    if (got >= 0 && entered(channel) < 0)
        return -1;
    return got;
}

/* Sends all that is queued. With `tries` it waits for nothing, and what goes wrong is nobody's
 * business now: whoever writes next finds out. */
static int flush(Operation *operation, bool tries)
{
    Channel *channel = operation->channel;
    const void *wire;
    size_t len;

    while (tls_drain_peek(channel->conn, &wire, &len) == TLS_OK && len > 0) {
        ptrdiff_t sent;
        int error;

        let_go(channel);
        Py_BEGIN_ALLOW_THREADS;
        sent = send(operation->fd, wire, len, MSG_NOSIGNAL | (tries ? MSG_DONTWAIT : 0));
        error = errno;
        Py_END_ALLOW_THREADS;
        if (sent < 0 && !tries) {
            int waited = 0;

            if (error == EINTR) {
                waited = PyErr_CheckSignals();
            } else if (error == EAGAIN || error == EWOULDBLOCK) {
                waited = wait_for(operation, POLLOUT);
            } else {
                errno = error;
                PyErr_SetFromErrno(PyExc_OSError);
                waited = -1;
            }
            hold(channel);
            if (waited < 0 || entered(channel) < 0)
                return -1;
            continue;
        }
        hold(channel);
        if (sent < 0)
            return 0;
        if (entered(channel) < 0)
            return -1;
        tls_drain_consume(channel->conn, (size_t)sent);
    }
    return 0;
}

/* ---- Records -------------------------------------------------------------------------------- */

/* Receives up to the end of a record: 0, or -1 with an exception. */
static int receive(Operation *operation)
{
    Channel *channel = operation->channel;

    for (;;) {
        ptrdiff_t got;

        if (channel->body > 0) {
            void *memory;
            size_t room;
            tls_status_t status = tls_feed_window(channel->conn, channel->body, &memory, &room);

            if (status != TLS_OK)
                return failed(channel, status);
            got =
                receive_some(operation, memory, room < channel->body ? room : channel->body, true);
            /* The window is given back whatever happened. */
            if (channel->conn != NULL && got <= 0)
                tls_feed_commit(channel->conn, 0);
            if (got > 0) {
                tls_feed_commit(channel->conn, (size_t)got);
                channel->quiet = false;
                channel->body -= (size_t)got;
                if (channel->body == 0)
                    return 0;
                continue;
            }
        } else {
            got = receive_some(operation, channel->header + channel->header_len,
                               (size_t)(RECORD_HEADER - channel->header_len), false);
            if (got > 0) {
                channel->header_len += (unsigned char)got;
                if (channel->header_len < RECORD_HEADER)
                    continue;
                channel->header_len = 0;
                channel->quiet = channel->is_fresh = false;
                if (tls_feed(channel->conn, channel->header, RECORD_HEADER) != RECORD_HEADER)
                    return failed(channel, tls_advance(channel->conn));
                if (!begin_body(channel) || channel->body == 0)
                    return 0;
                continue;
            }
        }
        if (got < 0)
            return -1;
        if (channel->header_len > 0) {
            /* A part of a header is a cut-off record, too. */
            tls_feed(channel->conn, channel->header, channel->header_len);
            channel->header_len = 0;
        }
        channel->eof_told = true;
        channel->quiet = false;
        tls_feed_eof(channel->conn);
        return 0;
    }
}

/* Does what a negative answer asks for: 0, or -1 with an exception. */
static int go_on(Operation *operation, ptrdiff_t status)
{
    Channel *channel = operation->channel;

    switch (status) {
    case TLS_WANT_FEED:
        if (operation->writes && flush(operation, false) < 0)
            return -1;
        if (!operation->reads) {
            /* Only a handshake makes a writer wait for the peer, and has both locks. */
            return raise_protocol(channel->failures, "INTERNAL_ERROR", "nothing is read here");
        }
        return receive(operation);
    case TLS_WANT_DRAIN:
        return flush(operation, false);
    case TLS_TRUNCATED:
        raise_made(PyObject_CallNoArgs(channel->failures->unexpected_eof));
        return -1;
    default:
        if (status <= TLS_CLOSED)
            return failed(channel, (tls_status_t)status);
        return answer(channel, (tls_status_t)status) < 0 || entered(channel) < 0 ? -1 : 0;
    }
}

/* Ends an operation. Its own exception counts more than what comes now. */
static int leave(Operation *operation, int result)
{
    Channel *channel = operation->channel;
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    if (channel->conn != NULL) {
        bool lends = operation->writes;

        /* An alert, or an answer to a KeyUpdate: if somebody sends already, it is sent by them. */
        if (tls_state(channel->conn) & TLS_CAN_DRAIN &&
            (lends || PyThread_acquire_lock(channel->writing, NOWAIT_LOCK))) {
            if (channel->owed == 0)
                flush(operation, true);
            if (!lends)
                PyThread_release_lock(channel->writing);
        }
        if (!PyErr_Occurred() && note(channel) < 0)
            result = -1;
    }
    let_go(channel);
    end(operation);
    if (type != NULL) {
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
    return result;
}

static tls_status_t advance(Channel *channel)
{
    tls_status_t status;

    Py_BEGIN_ALLOW_THREADS;
    status = tls_advance(channel->conn);
    Py_END_ALLOW_THREADS;
    return status;
}

static PyObject *channel_do_handshake(PyObject *self, PyObject *unused)
{
    Channel *channel = (Channel *)self;
    Operation operation;
    int result = 0;

    (void)unused;
    /* Nobody is waited for who reads or writes. */
    if (channel->is_done)
        return none_or_error(entered(channel));
    if (begin(&operation, channel, "handshake", true, true) < 0)
        return NULL;
    while (result == 0) {
        tls_status_t status = advance(channel);

        /* Before the peer can know that they exist. */
        if (note(channel) < 0) {
            result = -1;
        } else if (status == TLS_CLOSED && tls_state(channel->conn) & TLS_HANDSHAKING) {
            /* The peer has left: nothing was agreed on, and nobody was verified. */
            raise_made(PyObject_CallNoArgs(channel->failures->zero_return));
            result = -1;
        } else if (status == TLS_OK || status == TLS_CLOSED) {
            result = flush(&operation, false);
            channel->is_fresh = true;
            /* A client that has gone needs no ticket; what it said before can be read. */
            if (result < 0 && channel->is_server && PyErr_ExceptionMatches(PyExc_ConnectionError)) {
                PyErr_Clear();
                result = 0;
            }
            break;
        } else {
            result = go_on(&operation, status);
        }
    }
    return none_or_error(leave(&operation, result));
}

/* ---- Plain bytes ---------------------------------------------------------------------------- */

static ptrdiff_t read_into(void *self, void *plain, size_t size)
{
    Channel *channel = self;
    ptrdiff_t got;

    if (size < BULK || channel->record < BULK)
        return tls_read_into(channel->conn, plain, size);
    Py_BEGIN_ALLOW_THREADS;
    got = tls_read_into(channel->conn, plain, size);
    Py_END_ALLOW_THREADS;
    return got;
}

/* A negative status that a read ends with: 0 at the end of the stream, -1 with an exception, 1 to
 * go on. */
static int end_of_read(Operation *operation, ptrdiff_t status)
{
    Channel *channel = operation->channel;

    if (status == TLS_CLOSED) {
        if (!channel->we_closed)
            return 0;
        raise_made(PyObject_CallNoArgs(channel->failures->zero_return));
        return -1;
    }
    if (status == TLS_TRUNCATED) {
        int is_end = truncated_is_end(channel);

        if (is_end != 0)
            return is_end < 0 ? -1 : 0;
    }
    channel->quiet = status == TLS_WANT_FEED;
    return go_on(operation, status) < 0 ? -1 : 1;
}

static PyObject *read_bytes(Channel *channel, size_t size)
{
    Operation operation;
    PyObject *plain = NULL;
    int result = 1;

    if (begin(&operation, channel, "read", true, false) < 0)
        return NULL;
    while (result == 1) {
        ptrdiff_t got = tls_plain_pending(channel->conn);
        size_t room = got > 0 ? (size_t)got : channel->record;

        if (channel->quiet) {
            /* The size of what is there will be known when it has come. */
            result = end_of_read(&operation, TLS_WANT_FEED);
            continue;
        }
        if (room == 0 || room > size)
            room = size < LARGEST_BODY ? size : LARGEST_BODY;
        got = read_new(read_into, channel, room, &plain);
        if (got > 0)
            break;
        if (got == NO_MEMORY) {
            result = -1;
            break;
        }
        result = end_of_read(&operation, got);
    }
    if (result == 0)
        plain = PyBytes_FromStringAndSize(NULL, 0);
    if (leave(&operation, result < 0 ? -1 : 0) < 0)
        Py_CLEAR(plain);
    return plain;
}

static PyObject *read_buffer(Channel *channel, PyObject *target, Py_ssize_t size)
{
    Operation operation;
    Py_buffer buffer;
    ptrdiff_t got = 0;
    int result = 1;

    if (writable(target, &buffer) < 0)
        return NULL;
    if (size <= 0 || size > buffer.len)
        size = buffer.len;
    if (size == 0) {
        PyBuffer_Release(&buffer);
        return entered(channel) < 0 ? NULL : PyLong_FromLong(0);
    }
    if (begin(&operation, channel, "read", true, false) < 0) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    while (result == 1) {
        got = channel->quiet ? TLS_WANT_FEED : read_into(channel, buffer.buf, (size_t)size);
        if (got > 0)
            break;
        result = end_of_read(&operation, got);
    }
    result = leave(&operation, result < 0 ? -1 : 0);
    PyBuffer_Release(&buffer);
    return result < 0 ? NULL : PyLong_FromSsize_t(got > 0 ? got : 0);
}

/* read(len[, buffer]) */
static PyObject *channel_read(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Py_ssize_t size = 1024;

    if (count > 2)
        return PyErr_Format(PyExc_TypeError, "read expected at most 2 arguments, got %zd", count);
    if (count > 0 && size_of_read(arguments[0], &size) < 0)
        return NULL;
    if (count == 2 && arguments[1] != Py_None)
        return read_buffer((Channel *)self, arguments[1], size);
    if (size <= 0)
        return read_nothing(self, size);
    return read_bytes((Channel *)self, (size_t)size);
}

static ptrdiff_t write_from(Channel *channel, const char *plain, size_t size)
{
    ptrdiff_t taken;

    if (size < BULK)
        return tls_write_from(channel->conn, plain, size);
    Py_BEGIN_ALLOW_THREADS;
    taken = tls_write_from(channel->conn, plain, size);
    Py_END_ALLOW_THREADS;
    return taken;
}

static PyObject *channel_write(PyObject *self, PyObject *data)
{
    Channel *channel = (Channel *)self;
    Operation operation;
    Py_buffer buffer;
    size_t size, done = 0;
    int result = 0;

    if (PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) < 0)
        return NULL;
    size = (size_t)buffer.len;
    if (begin(&operation, channel, "write", false, true) < 0) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    if (channel->we_closed)
        result = raise_protocol(channel->failures, "PROTOCOL_IS_SHUTDOWN", "");
    else if (channel->owed > size)
        result = raise_protocol(channel->failures, "BAD_LENGTH",
                                "a write that did not complete has to be repeated");
    while (result == 0) {
        /* What an earlier call has encrypted and could not send is this one's beginning. */
        if (channel->owed > 0) {
            result = flush(&operation, false);
            if (result < 0)
                break;
            done += channel->owed;
            channel->owed = 0;
        }
        if (done >= size)
            break;
        ptrdiff_t taken = write_from(channel, (const char *)buffer.buf + done,
                                     size - done < PIECE ? size - done : (size_t)PIECE);
        if (taken > 0)
            channel->owed = (size_t)taken;
        else
            result = go_on(&operation, taken);
    }
    PyBuffer_Release(&buffer);
    /* What was sent is told; the rest is to be written again, and then found to be under way. */
    if (result < 0 && done > 0 &&
        (PyErr_ExceptionMatches(channel->failures->want_write) ||
         PyErr_ExceptionMatches(channel->failures->want_read))) {
        PyErr_Clear();
        result = 0;
    }
    if (leave(&operation, result) < 0)
        return NULL;
    return PyLong_FromSize_t(done);
}

/* Says that nothing more will be written, waits until the peer says the same, and answers the
 * socket. */
static PyObject *channel_shutdown(PyObject *self, PyObject *unused)
{
    Channel *channel = (Channel *)self;
    Operation operation;
    tls_status_t status;
    int result = 0;

    (void)unused;
    /* A thread that reads already waits for an answer to what is said here. */
    if (begin(&operation, channel, "read", false, true) < 0)
        return NULL;
    if ((tls_state(channel->conn) & (TLS_HANDSHAKING | TLS_FAILED)) == TLS_HANDSHAKING) {
        result = raise_protocol(channel->failures, "SHUTDOWN_WHILE_IN_INIT", "");
    } else if ((status = tls_close_notify(channel->conn)) != TLS_OK) {
        result = failed(channel, status);
    } else {
        channel->we_closed = true;
        channel->owed = 0;
        result = flush(&operation, false);
    }
    if (leave(&operation, result) < 0 || begin(&operation, channel, "read", true, false) < 0)
        return NULL;
    while (result == 0) {
        status = advance(channel);
        if (status == TLS_CLOSED)
            break;
        if (status == TLS_OK && tls_plain_pending(channel->conn) > 0)
            result = raise_protocol(channel->failures, "APPLICATION_DATA_AFTER_CLOSE_NOTIFY", "");
        else
            result = go_on(&operation, status == TLS_OK ? TLS_WANT_FEED : status);
    }
    if (leave(&operation, result) < 0)
        return NULL;
    return PyObject_CallNoArgs(channel->socket);
}

/* ---- The object ----------------------------------------------------------------------------- */

static PyObject *channel_open(PyObject *self, PyObject *arguments)
{
    Channel *channel = (Channel *)self;
    PyObject *socket;
    int wants_notes, is_server;

    if (!PyArg_ParseTuple(arguments, "Opp", &socket, &wants_notes, &is_server))
        return NULL;
    if (channel->socket != NULL) {
        PyErr_SetString(PyExc_ValueError, "this connection is open");
        return NULL;
    }
    channel->reading = PyThread_allocate_lock();
    channel->writing = PyThread_allocate_lock();
    if (!channel->reading || !channel->writing)
        return PyErr_NoMemory();
    channel->socket = PyWeakref_NewRef(socket, NULL);
    if (channel->socket == NULL)
        return NULL;
    channel->opened = channel->unmade = true;
    channel->wants_notes = wants_notes;
    channel->is_server = is_server;
    Py_RETURN_NONE;
}

/* What an operation has sent or received may not have been counted yet. */
static PyObject *channel_has_begun(PyObject *self, void *unused)
{
    Channel *channel = (Channel *)self;

    (void)unused;
    return PyBool_FromLong(channel->reader != 0 || channel->writer != 0 || channel->eof_told ||
                           has_moved(channel));
}

static PyObject *channel_is_read(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((Channel *)self)->reader != 0);
}

static PyObject *socket_unmake(PyObject *self, PyObject *wants_notes)
{
    ((Channel *)self)->quiet = false;
    return channel_unmake(self, wants_notes);
}

static PyObject *channel_socket(PyObject *self, void *unused)
{
    PyObject *socket = ((Channel *)self)->socket;

    (void)unused;
    if (socket == NULL)
        Py_RETURN_NONE;
    return PyObject_CallNoArgs(socket);
}

static PyModuleDef module;

static PyObject *channel_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    State *state = state_of(type, &module);

    return state == NULL ? NULL : new_channel(type, arguments, names, &state->failures);
}

static void channel_dealloc(PyObject *self)
{
    Channel *channel = (Channel *)self;

    free_head(channel);
    Py_XDECREF(channel->socket);
    if (channel->reading != NULL)
        PyThread_free_lock(channel->reading);
    if (channel->writing != NULL)
        PyThread_free_lock(channel->writing);
    free_object(self);
}

static PyMethodDef channel_methods[] = {
    {"do_handshake", channel_do_handshake, METH_NOARGS, "Goes on with the handshake."},
    {"read", (PyCFunction)(void (*)(void))channel_read, METH_FASTCALL,
     "Reads up to ``len`` plain bytes; into ``buffer`` if there is one, and answers how many."},
    {"write", channel_write, METH_O, "Encrypts and sends, and answers how many bytes that were."},
    {"pending", channel_pending, METH_NOARGS,
     "How many plain bytes can be read without the socket."},
    {"shutdown", channel_shutdown, METH_NOARGS,
     "Says that nothing more will be written, waits until the peer says the same, and answers the "
     "socket."},
    {"_open", channel_open, METH_VARARGS, NULL},
    {"_unmake", socket_unmake, METH_O, NULL},
    {"_take_notes", channel_take_notes, METH_NOARGS, NULL},
    {"_hold", channel_hold, METH_NOARGS, NULL},
    {"_release", channel_release, METH_NOARGS, NULL},
    {0},
};

static PyGetSetDef channel_members[] = {
    {"_address", channel_address, NULL, "The handle as a number.", NULL},
    {"_header", channel_header, NULL, "The last record's first bytes.", NULL},
    {"_has_begun", channel_has_begun, NULL, "Whether the handshake has begun.", NULL},
    {"_is_read", channel_is_read, NULL, "Whether a thread is in an operation that reads.", NULL},
    {"_socket", channel_socket, NULL, "The socket, as long as it lives.", NULL},
    {0},
};

static PyType_Slot channel_slots[] = {
    {Py_tp_doc,
     "A connection over a socket; its subclass has ``_make``, ``_failure``, ``_asked`` and "
     "``_noted``."},
    {Py_tp_new, channel_new},
    {Py_tp_dealloc, channel_dealloc},
    {Py_tp_methods, channel_methods},
    {Py_tp_getset, channel_members},
    {0, NULL},
};

static PyType_Spec channel_spec = {
    .name = "tlsbio._socket.SocketChannel",
    .basicsize = sizeof(Channel),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = channel_slots,
};

static int fill(PyObject *self)
{
    State *state = PyModule_GetState(self);
    PyObject *type;
    int result;

    if (failures_fill(&state->failures) < 0 ||
        (state->name_fileno = PyUnicode_InternFromString("fileno")) == NULL)
        return -1;
    type = PyType_FromModuleAndSpec(self, &channel_spec, NULL);
    if (type == NULL)
        return -1;
    result = PyModule_AddType(self, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}

static int module_traverse(PyObject *self, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(self);

    return failures_traverse(&state->failures, visit, arg);
}

static int module_clear(PyObject *self)
{
    State *state = PyModule_GetState(self);

    Py_CLEAR(state->name_fileno);
    failures_clear(&state->failures);
    return 0;
}

static void module_free(void *self)
{
    module_clear(self);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill},
    {0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tlsbio._socket",
    .m_doc = "What ssl.SSLSocket has below it.",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__socket(void)
{
    return PyModuleDef_Init(&module);
}
