/*
 * tlsbio._stream: what a record passes through in tlsbio.aio.
 *
 * Stream stands between a transport of the loop, whose BufferedProtocol it is, and the
 * application's protocol, whose Transport it is. Here is what happens for every piece of data; what
 * happens once in a connection's life (handshake, questions, ends, errors) is in its Python
 * subclass, tlsbio.aio._transport.Transport.
 *
 * Handles of the library are numbers that it checks, so nothing here trusts the one it was given.
 */

#include "module.h"

#include <string.h>
#include <structmember.h>
#include <sys/socket.h>

/* Python ignores SIGPIPE, where it cannot be kept from being sent. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum {
    /* Data of this size and more is worth letting other threads run meanwhile. */
    MANY = 16384,
    /* Data up to this size is decrypted on the stack first. */
    FEW = 4096,
    /* What is asked of a window when much is coming, and sealed at once when much is going. */
    MUCH = 65536,
};

/* Where a connection stands; the numbers are in tlsbio/aio/_phase.py as well. */
enum phase { HANDSHAKING, OPEN, CLOSING, LOST };

typedef struct Window Window;

typedef struct {
    PyObject *str_data_received, *str_get_buffer, *str_buffer_updated, *str_write,
        *str_handshake_step, *str_ended, *str_closing_step, *str_write_refused, *str_join,
        *str_get_write_buffer_size, *str_is_closed, *empty_bytes;
    PyTypeObject *window_type;
    /* The window that was closed last: nobody's, or in the hands of somebody who is about to let go
     * of it. */
    Window *spare_window;
} State;

/*
 * Memory of the library, lent to the loop to receive into.
 *
 * It refuses to become a memoryview: a reader in C takes the memory, fills it and gives it back. So
 * no Python code can keep a way into it. While a reader has it, the connection is not touched, and
 * it lives: the window holds it.
 */
struct Window {
    PyObject head;
    PyObject *connection;
    tls_conn_t *conn;
    char *memory; /* NULL once the window is closed */
    Py_ssize_t size;
    Py_ssize_t readers;
    char once; /* whoever gives it back has called buffer_updated(), or will not */
};

static void Window_dealloc(PyObject *self)
{
    Py_XDECREF(((Window *)self)->connection);
    free_object(self);
}

static int Window_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Window *window = (Window *)self;
    if (!window->memory) {
        PyErr_SetString(PyExc_BufferError, "this window is closed: its bytes were handed over");
        return -1;
    }
    /* memoryview(window) asks for everything that a buffer can say, readers ask for bytes. */
    if (flags & (PyBUF_FORMAT | PyBUF_ND)) {
        PyErr_SetString(PyExc_BufferError,
                        "a window is received into, and cannot be kept as a memoryview");
        return -1;
    }
    if (PyBuffer_FillInfo(view, self, window->memory, window->size, 0, flags) < 0)
        return -1;
    window->readers++;
    return 0;
}

static void Window_releasebuffer(PyObject *self, Py_buffer *view)
{
    Window *window = (Window *)self;
    (void)view;
    if (--window->readers == 0 && window->once && window->memory) {
        /* Nothing came: the library takes its buffer back, so that a connection that waits has
         * none. */
        window->memory = NULL;
        tls_feed_commit(window->conn, 0);
    }
}

static Py_ssize_t Window_length(PyObject *self)
{
    return ((Window *)self)->memory ? ((Window *)self)->size : 0;
}

/* window[:n] = bytes: how loops that have the bytes already hand them over. */
static int Window_ass_subscript(PyObject *self, PyObject *key, PyObject *value)
{
    Window *window = (Window *)self;
    Py_ssize_t start, stop, step;
    Py_buffer bytes;
    int failed = -1;
    if (!value || !PySlice_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "a window takes bytes at a slice");
        return -1;
    }
    if (PyObject_GetBuffer(value, &bytes, PyBUF_SIMPLE) < 0)
        return -1;
    if (PySlice_Unpack(key, &start, &stop, &step) == 0) {
        /* From here on no code in Python runs, which could close the window. */
        Py_ssize_t length = PySlice_AdjustIndices(Window_length(self), &start, &stop, step);
        if (step != 1 || bytes.len != length) {
            PyErr_SetString(PyExc_ValueError,
                            "the slice of a window and the bytes for it differ in length");
        } else {
            if (length)
                memcpy(window->memory + start, bytes.buf, (size_t)length);
            failed = 0;
        }
    }
    PyBuffer_Release(&bytes);
    return failed;
}

static PyType_Slot window_slots[] = {
    {Py_tp_doc, "Memory of the library, lent until its bytes are handed over by buffer_updated()."},
    {Py_tp_dealloc, Window_dealloc},
    {Py_bf_getbuffer, Window_getbuffer},
    {Py_bf_releasebuffer, Window_releasebuffer},
    {Py_mp_length, Window_length},
    {Py_mp_ass_subscript, Window_ass_subscript},
    {0, NULL},
};

static PyType_Spec window_spec = {
    .name = "tlsbio._stream.Window",
    .basicsize = sizeof(Window),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = window_slots,
};

typedef struct {
    PyObject head;
    PyObject *extra; /* the slot of asyncio.BaseTransport, which comes first; not used here */
    State *state;
    tls_conn_t *conn;
    PyObject *connection; /* the Connection that owns `conn` */
    PyObject *wire;       /* the transport below */
    PyObject *protocol;   /* the protocol above */
    PyObject *loop;       /* whose end closes `socket`; NULL without one */
    Window *window;       /* while bytes are awaited in it */
    int socket;           /* of the transport below, -1 if small pieces are not sent directly */
    unsigned char phase;
    char paused;     /* the application takes no data at the moment */
    char buffered;   /* the protocol above is a BufferedProtocol */
    char much;       /* the last bytes came in bulk */
    char once;       /* the transport below gives a window back after buffer_updated() */
    char delivering; /* the loop is running, and has called */
    char queued;     /* the transport below may hold bytes that it has not sent */
} Stream;

/* Puts a reference in the place of another one, which may be the last. Takes over `value`. */
static void put(PyObject **place, PyObject *value)
{
    PyObject *former = *place;
    *place = value;
    Py_XDECREF(former);
}

static void close_window(Stream *self)
{
    Window *window = self->window;
    if (!window)
        return;
    self->window = NULL;
    window->memory = NULL;
    Py_CLEAR(window->connection);
    put((PyObject **)&self->state->spare_window, (PyObject *)window);
}

/* The connection may be used: no reader is about to write into its memory. Otherwise sets an
 * exception. */
static int at_rest(Stream *self)
{
    if (!self->window)
        return 1;
    if (self->window->readers) {
        PyErr_SetString(PyExc_RuntimeError,
                        "bytes are being received: use this connection in its loop's thread only");
        return 0;
    }
    close_window(self);
    return 1;
}

static PyObject *status_exception(ptrdiff_t status)
{
    return PyErr_Format(PyExc_RuntimeError, "%s: use this connection in its loop's thread only",
                        tls_status_name((tls_status_t)status));
}

static int call_hook(Stream *self, PyObject *name)
{
    PyObject *answer = PyObject_CallMethodObjArgs((PyObject *)self, name, NULL);
    if (!answer)
        return -1;
    Py_DECREF(answer);
    return 0;
}

/* Hands a bytes object to the transport below, which keeps it as long as it needs. Steals
 * `wire_bytes`. */
static int send_bytes(Stream *self, PyObject *wire_bytes)
{
    PyObject *answer = NULL, *wire = self->wire;
    self->queued = 1;
    if (wire) {
        Py_INCREF(wire);
        answer = PyObject_CallMethodObjArgs(wire, self->state->str_write, wire_bytes, NULL);
        Py_DECREF(wire);
    } else {
        PyErr_SetString(PyExc_RuntimeError, "the connection is lost");
    }
    Py_DECREF(wire_bytes);
    if (!answer)
        return -1;
    Py_DECREF(answer);
    return 0;
}

/* Sends what is queued. */
static int flush(Stream *self)
{
    ptrdiff_t waiting;
    while ((waiting = tls_drain_pending(self->conn)) > 0) {
        PyObject *wire_bytes = PyBytes_FromStringAndSize(NULL, waiting);
        if (!wire_bytes)
            return -1;
        ptrdiff_t moved = tls_drain_into(self->conn, PyBytes_AsString(wire_bytes), (size_t)waiting);
        if (moved != waiting) {
            Py_DECREF(wire_bytes);
            status_exception(moved);
            return -1;
        }
        if (send_bytes(self, wire_bytes) < 0)
            return -1;
    }
    return 0;
}

static ptrdiff_t read_plain(Stream *self, void *plain, Py_ssize_t size)
{
    ptrdiff_t got;
    if (size < MANY)
        return tls_read_into(self->conn, plain, (size_t)size);
    Py_BEGIN_ALLOW_THREADS got = tls_read_into(self->conn, plain, (size_t)size);
    Py_END_ALLOW_THREADS return got;
}

/* Stands for an exception where a status is answered. */
#define RAISED (-1000)

/* One data_received(), if there is data. `hint`: so many wire bytes have come, 0 if that is not
 * known. */
static ptrdiff_t give_bytes(Stream *self, Py_ssize_t hint)
{
    char small[FEW];
    PyObject *data;
    ptrdiff_t got;
    if (hint && hint <= FEW) {
        if ((got = tls_read_into(self->conn, small, sizeof small)) <= 0)
            return got;
        data = PyBytes_FromStringAndSize(small, got);
    } else {
        Py_ssize_t size = tls_plain_pending(self->conn);
        if (size < hint)
            size = hint;
        if (size <= 0)
            size = TLS_MAX_PLAIN_PER_RECORD;
        data = PyBytes_FromStringAndSize(NULL, size);
        if (!data)
            return RAISED;
        got = read_plain(self, PyBytes_AsString(data), size);
        if (got <= 0) {
            Py_DECREF(data);
            return got;
        }
        data = shortened(data, got);
    }
    if (!data)
        return RAISED;
    PyObject *protocol = self->protocol;
    if (!protocol) {
        Py_DECREF(data);
        PyErr_SetString(PyExc_RuntimeError, "there is no protocol for the data");
        return RAISED;
    }
    Py_INCREF(protocol);
    PyObject *answer =
        PyObject_CallMethodObjArgs(protocol, self->state->str_data_received, data, NULL);
    Py_DECREF(protocol);
    Py_DECREF(data);
    if (!answer)
        return RAISED;
    Py_DECREF(answer);
    return got;
}

/* One get_buffer() and buffer_updated(), if there is data. */
static ptrdiff_t give_in_buffer(Stream *self, Py_ssize_t hint)
{
    PyObject *protocol = self->protocol, *argument, *buffer, *answer;
    Py_buffer plain;
    ptrdiff_t got;
    if (!protocol) {
        PyErr_SetString(PyExc_RuntimeError, "there is no protocol for the data");
        return RAISED;
    }
    /* Wire bytes have come, or there may be nothing for the application. (Like sockets, connections
     * may ask it for a buffer and then have nothing for it.) */
    if (!hint && !(tls_state(self->conn) & TLS_CAN_READ))
        return TLS_WANT_FEED;
    if (!(argument = PyLong_FromSsize_t(hint ? hint : tls_plain_pending(self->conn))))
        return RAISED;
    Py_INCREF(protocol);
    buffer = PyObject_CallMethodObjArgs(protocol, self->state->str_get_buffer, argument, NULL);
    Py_DECREF(argument);
    if (!buffer || PyObject_GetBuffer(buffer, &plain, PyBUF_WRITABLE) < 0)
        goto raised;
    if (!plain.len) {
        PyBuffer_Release(&plain);
        PyErr_SetString(PyExc_RuntimeError, "get_buffer() returned an empty buffer");
        goto raised;
    }
    /* The application may have closed or paused meanwhile. */
    got = self->phase == OPEN && !self->paused ? read_plain(self, plain.buf, plain.len)
                                               : TLS_WANT_FEED;
    PyBuffer_Release(&plain);
    if (got > 0) {
        argument = PyLong_FromSsize_t(got);
        answer = argument ? PyObject_CallMethodObjArgs(protocol, self->state->str_buffer_updated,
                                                       argument, NULL)
                          : NULL;
        Py_XDECREF(argument);
        if (!answer)
            goto raised;
        Py_DECREF(answer);
    }
    Py_DECREF(buffer);
    Py_DECREF(protocol);
    return got;
raised:
    Py_XDECREF(buffer);
    Py_DECREF(protocol);
    return RAISED;
}

/* Gives the application all the data that it takes. `hint` as above. */
static int deliver(Stream *self, Py_ssize_t hint)
{
    while (self->phase == OPEN && !self->paused) {
        ptrdiff_t got = self->buffered ? give_in_buffer(self, hint) : give_bytes(self, hint);
        if (got == RAISED)
            return -1;
        if (got == TLS_ERR_BUSY) {
            status_exception(got);
            return -1;
        }
        /* The application may have closed or paused meanwhile. */
        if (self->phase != OPEN)
            return 0;
        uint32_t state = tls_state(self->conn);
        if (state & TLS_CAN_DRAIN && flush(self) < 0)
            return -1;
        if (!(state & TLS_CAN_READ)) {
            if (state & (TLS_PEER_CLOSED | TLS_FAILED | TLS_EOF) || !state)
                return call_hook(self, self->state->str_ended);
            return 0;
        }
        hint = 0;
    }
    return 0;
}

static PyObject *Stream_get_buffer(Stream *self, PyObject *sizehint)
{
    void *memory;
    size_t size;
    (void)sizehint;
    if (!at_rest(self))
        return NULL;
    tls_status_t status = tls_feed_window(self->conn, self->much ? MUCH : 0, &memory, &size);
    if (status != TLS_OK)
        return PyErr_Format(PyExc_RuntimeError, "nothing can be received now: %s",
                            tls_status_name(status));
    Window *window = self->state->spare_window;
    if (window && Py_REFCNT((PyObject *)window) == 1)
        self->state->spare_window = NULL;
    else if (!(window = PyObject_New(Window, self->state->window_type)))
        return NULL;
    window->connection = self->connection;
    Py_XINCREF(window->connection);
    window->conn = self->conn;
    window->memory = memory;
    window->size = (Py_ssize_t)size;
    window->once = self->once;
    window->readers = 0;
    self->window = window;
    Py_INCREF((PyObject *)window);
    return (PyObject *)window;
}

static PyObject *Stream_buffer_updated(Stream *self, PyObject *nbytes)
{
    Py_ssize_t count = PyLong_AsSsize_t(nbytes);
    if (count < 0)
        return PyErr_Occurred() ? NULL
                                : PyErr_Format(PyExc_ValueError, "a negative number of bytes");
    Window *window = self->window;
    if (!window || !window->memory || count > window->size)
        return PyErr_Format(PyExc_RuntimeError,
                            "buffer_updated() without the get_buffer() that it is about");
    self->much = count >= MANY;
    /* A loop may hold the buffer while it calls this, but has no further use for it. */
    close_window(self);
    tls_status_t status = tls_feed_commit(self->conn, (size_t)count);
    if (status != TLS_OK && status != TLS_ERR_STATE)
        return status_exception(status);
    int failed = 0;
    if (self->phase == OPEN) {
        self->delivering = 1;
        failed = deliver(self, count);
        self->delivering = 0;
    } else if (self->phase != LOST)
        failed = call_hook(self, self->phase == CLOSING ? self->state->str_closing_step
                                                        : self->state->str_handshake_step);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* Seals one piece into a bytes object of its own: the transport below can keep that without a copy.
 */
static PyObject *seal(Stream *self, const char *plain, Py_ssize_t size, size_t *taken,
                      ptrdiff_t *status)
{
    size_t capacity = tls_wire_bound((size_t)size);
    PyObject *wire_bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)capacity);
    if (!wire_bytes)
        return NULL;
    char *wire = PyBytes_AsString(wire_bytes);
    if (size < MANY) {
        *status = tls_write_into(self->conn, plain, (size_t)size, wire, capacity, taken);
    } else {
        Py_BEGIN_ALLOW_THREADS *status =
            tls_write_into(self->conn, plain, (size_t)size, wire, capacity, taken);
        Py_END_ALLOW_THREADS
    }
    if (*status <= 0)
        Py_CLEAR(wire_bytes);
    else
        wire_bytes = shortened(wire_bytes, *status);
    return wire_bytes;
}

/* Asks a transport or a loop for a number or a truth; -1 with an exception. */
static Py_ssize_t ask(PyObject *object, PyObject *name)
{
    PyObject *answer = PyObject_CallMethodObjArgs(object, name, NULL);
    if (!answer)
        return -1;
    Py_ssize_t number = PyLong_AsSsize_t(answer);
    Py_DECREF(answer);
    return number;
}

/*
 * Whether the socket may be written to directly: it is open, and nothing waits in front.
 *
 * The transport below closes its socket after it has told connection_lost(), which ends this
 * Stream's use of it, or with its loop. 1, 0, or -1 with an exception.
 */
static int sends_directly(Stream *self)
{
    Py_ssize_t number;
    if (self->socket < 0 || !self->wire)
        return 0;
    if (self->queued) {
        if ((number = ask(self->wire, self->state->str_get_write_buffer_size)) != 0)
            return number < 0 ? -1 : 0;
        self->queued = 0;
    }
    /* A loop that is running is not closed. */
    if (self->delivering)
        return 1;
    number = ask(self->loop, self->state->str_is_closed);
    return number < 0 ? -1 : number == 0;
}

/* A small piece goes from the stack into the socket. What the socket does not take, the transport
 * below keeps. */
static int write_small(Stream *self, const char *plain, Py_ssize_t size, ptrdiff_t *status)
{
    char wire[FEW];
    size_t taken;
    *status = tls_write_into(self->conn, plain, (size_t)size, wire, sizeof wire, &taken);
    if (*status <= 0)
        return 0;
    ssize_t sent = send(self->socket, wire, (size_t)*status, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == *status)
        return 0;
    /* Errors are for the transport below to find. */
    if (sent < 0)
        sent = 0;
    PyObject *rest = PyBytes_FromStringAndSize(wire + sent, *status - sent);
    return rest ? send_bytes(self, rest) : -1;
}

static int write_all(Stream *self, const char *plain, Py_ssize_t size)
{
    if (size && size <= FEW - 256) {
        int direct = sends_directly(self);
        ptrdiff_t status = 0;
        if (direct < 0 || (direct && write_small(self, plain, size, &status) < 0))
            return -1;
        if (status > 0)
            return 0;
    }
    while (size) {
        size_t taken = 0;
        ptrdiff_t status = 0;
        PyObject *wire_bytes = seal(self, plain, size < MUCH ? size : MUCH, &taken, &status);
        if (!wire_bytes) {
            if (PyErr_Occurred())
                return -1;
            if (status == TLS_WANT_DRAIN) {
                if (flush(self) < 0)
                    return -1;
                continue;
            }
            if (status == TLS_ERR_BUSY) {
                status_exception(status);
                return -1;
            }
            /* The connection has failed, which its inbound side tells. */
            return call_hook(self, self->state->str_write_refused);
        }
        if (send_bytes(self, wire_bytes) < 0)
            return -1;
        plain += taken;
        size -= (Py_ssize_t)taken;
        /* The application may have closed when it was told to pause. */
        if (size && self->phase != OPEN)
            return call_hook(self, self->state->str_write_refused);
    }
    return 0;
}

static PyObject *Stream_write(Stream *self, PyObject *data)
{
    Py_buffer plain;
    if (PyObject_GetBuffer(data, &plain, PyBUF_SIMPLE) < 0) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(data), "__name__");
            if (name)
                PyErr_Format(PyExc_TypeError, "data argument must be a bytes-like object, not '%S'",
                             name);
            Py_XDECREF(name);
        }
        return NULL;
    }
    int failed;
    if (!at_rest(self))
        failed = -1;
    else if (self->phase != OPEN)
        failed = call_hook(self, self->state->str_write_refused);
    else
        failed = write_all(self, plain.buf, plain.len);
    PyBuffer_Release(&plain);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Stream_writelines(Stream *self, PyObject *lines)
{
    /* Sealed together: small pieces fill records. */
    PyObject *data =
        PyObject_CallMethodObjArgs(self->state->empty_bytes, self->state->str_join, lines, NULL);
    if (!data)
        return NULL;
    PyObject *answer = Stream_write(self, data);
    Py_DECREF(data);
    return answer;
}

static PyObject *Stream_attach(Stream *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "a connection and its handle are needed");
    self->socket = -1;
    size_t handle = PyLong_AsSize_t(arguments[1]);
    if (handle == (size_t)-1 && PyErr_Occurred())
        return NULL;
    self->conn = (tls_conn_t *)handle;
    put(&self->connection, Py_NewRef(arguments[0]));
    Py_RETURN_NONE;
}

static PyObject *Stream_send_directly(Stream *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "a loop and a socket's number are needed");
    long number = PyLong_AsLong(arguments[1]);
    if (number == -1 && PyErr_Occurred())
        return NULL;
    self->socket = (int)number;
    self->queued = 1;
    put(&self->loop, Py_NewRef(arguments[0]));
    Py_RETURN_NONE;
}

static PyObject *Stream_detach(Stream *self, PyObject *unused)
{
    (void)unused;
    PyObject *connection = self->connection;
    self->connection = NULL;
    self->conn = NULL;
    self->socket = -1;
    Py_CLEAR(self->loop);
    /* A window that a reader still has keeps the connection until it is given back. */
    int lent = self->window && self->window->readers;
    if (self->window && !lent)
        self->window->memory = NULL;
    Py_CLEAR(self->window);
    if (!connection || lent) {
        Py_XDECREF(connection);
        Py_RETURN_NONE;
    }
    return connection;
}

static PyObject *Stream_flush(Stream *self, PyObject *unused)
{
    (void)unused;
    if (!at_rest(self) || flush(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Stream_deliver(Stream *self, PyObject *unused)
{
    (void)unused;
    if (!at_rest(self) || deliver(self, 0) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *Stream_discard(Stream *self, PyObject *unused)
{
    (void)unused;
    char plain[FEW];
    ptrdiff_t got;
    if (!at_rest(self))
        return NULL;
    while ((got = tls_read_into(self->conn, plain, sizeof plain)) > 0)
        ;
    return PyLong_FromSsize_t(got);
}

static PyObject *Stream_close_window(Stream *self, PyObject *unused)
{
    (void)unused;
    close_window(self);
    Py_RETURN_NONE;
}

static PyObject *Stream_at_rest(Stream *self, PyObject *unused)
{
    (void)unused;
    if (!at_rest(self))
        return NULL;
    Py_RETURN_NONE;
}

static int Stream_traverse(PyObject *object, visitproc visit, void *arg)
{
    Stream *self = (Stream *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->extra);
    Py_VISIT(self->connection);
    Py_VISIT(self->wire);
    Py_VISIT(self->protocol);
    Py_VISIT(self->loop);
    return 0;
}

static int Stream_clear(PyObject *object)
{
    Stream *self = (Stream *)object;
    Py_CLEAR(self->extra);
    Py_CLEAR(self->wire);
    Py_CLEAR(self->protocol);
    Py_CLEAR(self->loop);
    return 0;
}

static void Stream_dealloc(PyObject *object)
{
    Stream *self = (Stream *)object;
    PyObject_GC_UnTrack(object);
    Stream_clear(object);
    if (self->window && !self->window->readers)
        self->window->memory = NULL;
    Py_CLEAR(self->window);
    Py_CLEAR(self->connection);
    free_object(object);
}

static PyModuleDef module;

static PyObject *Stream_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    State *state = state_of(type, &module);
    PyObject *self = state ? new_object(type, arguments, names) : NULL;
    if (self)
        ((Stream *)self)->state = state;
    return self;
}

static PyMethodDef stream_methods[] = {
    {"get_buffer", (PyCFunction)Stream_get_buffer, METH_O,
     "Lends the library's window to receive into."},
    {"buffer_updated", (PyCFunction)Stream_buffer_updated, METH_O,
     "So many bytes were received into the window."},
    {"write", (PyCFunction)Stream_write, METH_O,
     "Encrypts and sends; what cannot be sent at once is kept."},
    {"writelines", (PyCFunction)Stream_writelines, METH_O,
     "Encrypts and sends several pieces as if they were one."},
    {"_attach", (PyCFunction)(void (*)(void))Stream_attach, METH_FASTCALL,
     "Takes a connection and its handle."},
    {"_send_directly", (PyCFunction)(void (*)(void))Stream_send_directly, METH_FASTCALL,
     "Lets small pieces go into this socket as long as nothing waits in the transport below."},
    {"_detach", (PyCFunction)Stream_detach, METH_NOARGS,
     "Gives the connection up; answers it unless a reader has it."},
    {"_flush", (PyCFunction)Stream_flush, METH_NOARGS, "Sends what is queued."},
    {"_deliver", (PyCFunction)Stream_deliver, METH_NOARGS,
     "Gives the application the data that waits for it."},
    {"_discard", (PyCFunction)Stream_discard, METH_NOARGS,
     "Reads to the end of what came; answers what stopped it."},
    {"_close_window", (PyCFunction)Stream_close_window, METH_NOARGS,
     "Nothing was received, and nothing will be."},
    {"_at_rest", (PyCFunction)Stream_at_rest, METH_NOARGS,
     "Raises RuntimeError while bytes are being received."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef stream_members[] = {
    {"_connection", T_OBJECT, offsetof(Stream, connection), READONLY, "The connection."},
    {"_wire", T_OBJECT, offsetof(Stream, wire), 0, "The transport below."},
    {"_protocol", T_OBJECT, offsetof(Stream, protocol), 0, "The protocol above."},
    {"_phase", T_UBYTE, offsetof(Stream, phase), 0, "Where the connection stands."},
    {"_paused", T_BOOL, offsetof(Stream, paused), 0,
     "Whether the application takes no data at the moment."},
    {"_once", T_BOOL, offsetof(Stream, once), 0,
     "Whether the transport below gives a window back after buffer_updated()."},
    {"_buffered", T_BOOL, offsetof(Stream, buffered), 0,
     "Whether the protocol above is a BufferedProtocol."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot stream_slots[] = {
    {Py_tp_doc, "A protocol of the transport below, and a transport of the protocol above."},
    {Py_tp_new, Stream_new},
    {Py_tp_dealloc, Stream_dealloc},
    {Py_tp_traverse, Stream_traverse},
    {Py_tp_clear, Stream_clear},
    {Py_tp_methods, stream_methods},
    {Py_tp_members, stream_members},
    {0, NULL},
};

static PyType_Spec stream_spec = {
    .name = "tlsbio._stream.Stream",
    .basicsize = sizeof(Stream),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = stream_slots,
};

/* How many bytes an object of that class has; -1 with an exception. */
static Py_ssize_t size_of(PyObject *type)
{
    PyObject *number = PyObject_GetAttrString(type, "__basicsize__");
    Py_ssize_t size = number ? PyLong_AsSsize_t(number) : -1;
    Py_XDECREF(number);
    return size;
}

/* The Stream type: a subclass of asyncio's two classes, which is what loops and applications look
 * for. */
static PyObject *make_stream_type(PyObject *self)
{
    PyObject *type = NULL, *bases = NULL;
    PyObject *transport = imported("asyncio", "Transport");
    PyObject *protocol = imported("asyncio", "BufferedProtocol");
    Py_ssize_t size = transport && protocol ? size_of(transport) : -1;
    if (size > (Py_ssize_t)offsetof(Stream, state))
        PyErr_SetString(PyExc_SystemError, "asyncio.Transport is larger than tlsbio._stream knows");
    else if (size >= 0 && (bases = PyTuple_Pack(2, transport, protocol)))
        type = PyType_FromModuleAndSpec(self, &stream_spec, bases);
    Py_XDECREF(bases);
    Py_XDECREF(transport);
    Py_XDECREF(protocol);
    return type;
}

static int fill(PyObject *self)
{
    State *state = PyModule_GetState(self);
    const struct {
        PyObject **where;
        const char *text;
    } names[] = {
        {&state->str_data_received, "data_received"},
        {&state->str_get_buffer, "get_buffer"},
        {&state->str_buffer_updated, "buffer_updated"},
        {&state->str_write, "write"},
        {&state->str_handshake_step, "_handshake_step"},
        {&state->str_ended, "_ended"},
        {&state->str_closing_step, "_closing_step"},
        {&state->str_write_refused, "_write_refused"},
        {&state->str_join, "join"},
        {&state->str_get_write_buffer_size, "get_write_buffer_size"},
        {&state->str_is_closed, "is_closed"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!(*names[i].where = PyUnicode_InternFromString(names[i].text)))
            return -1;
    state->empty_bytes = PyBytes_FromStringAndSize(NULL, 0);
    state->window_type = (PyTypeObject *)PyType_FromModuleAndSpec(self, &window_spec, NULL);
    if (!state->empty_bytes || !state->window_type || PyModule_AddType(self, state->window_type))
        return -1;
    PyObject *type = make_stream_type(self);
    int failed = !type || PyModule_AddType(self, (PyTypeObject *)type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static int module_traverse(PyObject *self, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(self);
    Py_VISIT(state->window_type);
    Py_VISIT(state->spare_window);
    return 0;
}

static int module_clear(PyObject *self)
{
    State *state = PyModule_GetState(self);
    Py_CLEAR(state->str_data_received);
    Py_CLEAR(state->str_get_buffer);
    Py_CLEAR(state->str_buffer_updated);
    Py_CLEAR(state->str_write);
    Py_CLEAR(state->str_handshake_step);
    Py_CLEAR(state->str_ended);
    Py_CLEAR(state->str_closing_step);
    Py_CLEAR(state->str_write_refused);
    Py_CLEAR(state->str_join);
    Py_CLEAR(state->str_get_write_buffer_size);
    Py_CLEAR(state->str_is_closed);
    Py_CLEAR(state->empty_bytes);
    Py_CLEAR(state->window_type);
    Py_CLEAR(state->spare_window);
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
    .m_name = "tlsbio._stream",
    .m_doc = "What a record passes through in tlsbio.aio.",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__stream(void)
{
    return PyModuleDef_Init(&module);
}
