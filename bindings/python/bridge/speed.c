/* The hot path of tlsbio.SSLObject: how bytes get from a BIO into the library and back.
 *
 * Bytes leave the incoming BIO one record at a time, and only when an operation cannot go on
 * without: so `pending` of the BIO and of the connection mean what they mean with OpenSSL, and what
 * follows the end of the TLS stream is still in the BIO.
 *
 * Both types are without a part in garbage collection: a BIO refers to nothing, and a Channel to
 * its two BIOs only, which are of known types.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pythread.h>
#include <stdbool.h>
#include <structmember.h>

#include <tlsbio.h>

enum {
    RECORD_HEADER = 5,
    LARGEST_BODY = TLS_MAX_RECORD - RECORD_HEADER,
    /* A BIO that was emptied keeps no more memory than this. */
    KEPT_ROOM = 1024,
    /* From so many bytes on, other threads may run meanwhile. */
    BULK = 4096,
};

static PyTypeObject *bio_type;
static PyTypeObject *stock_bio_type;
static PyObject *want_read_type, *want_read_arguments;
static PyObject *make_zero_return, *make_unexpected_eof, *make_protocol_error;
static PyObject *name_read, *name_write, *name_eof, *name_library, *name_reason;

/* ---- MemoryBIO ------------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD unsigned char *bytes;
    size_t start, end, room;
    bool ended;
    bool lent; /* an operation without the GIL writes behind the bytes: they can be read, not moved
                */
} Bio;

static size_t bio_size(const Bio *bio)
{
    return bio->end - bio->start;
}

static void bio_taken(Bio *bio, size_t size)
{
    bio->start += size;
    /* Bytes that are being written behind those that are gone stay where they are. */
    if (bio->start < bio->end || bio->lent)
        return;
    bio->start = bio->end = 0;
    if (bio->room > KEPT_ROOM) {
        PyMem_Free(bio->bytes);
        bio->bytes = NULL;
        bio->room = 0;
    }
}

/* Makes room for so many bytes behind the others. */
static int bio_reserve(Bio *bio, size_t size)
{
    size_t used = bio_size(bio), wanted;
    unsigned char *bytes;

    if (bio->lent) {
        PyErr_SetString(PyExc_BufferError, "another thread writes to this MemoryBIO");
        return -1;
    }
    if (bio->room - bio->end >= size)
        return 0;
    if (bio->start > 0 && bio->start >= used) {
        memcpy(bio->bytes, bio->bytes + bio->start, used);
        bio->start = 0;
        bio->end = used;
        if (bio->room - bio->end >= size)
            return 0;
    }
    if (size > (size_t)PY_SSIZE_T_MAX - bio->end) {
        PyErr_NoMemory();
        return -1;
    }
    wanted = bio->end + size;
    if (bio->end > 0 && wanted < bio->room + bio->room / 2)
        wanted = bio->room + bio->room / 2;
    bytes = PyMem_Realloc(bio->bytes, wanted);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    bio->bytes = bytes;
    bio->room = wanted;
    return 0;
}

static int bio_refuse_ended(const Bio *bio)
{
    PyObject *error;

    if (!bio->ended)
        return 0;
    error = PyObject_CallFunction(make_protocol_error, "ss", "BIO_ENDED",
                                  "cannot write() after write_eof()");
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return -1;
}

static int bio_append(Bio *bio, const void *bytes, size_t size)
{
    if (bio_refuse_ended(bio) < 0 || bio_reserve(bio, size) < 0)
        return -1;
    if (size > 0)
        memcpy(bio->bytes + bio->end, bytes, size);
    bio->end += size;
    return 0;
}

static PyObject *bio_read(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Bio *bio = (Bio *)self;
    size_t size = bio_size(bio);
    PyObject *taken;

    if (count > 1)
        return PyErr_Format(PyExc_TypeError, "read expected at most 1 argument, got %zd", count);
    if (count == 1) {
        Py_ssize_t wanted = PyNumber_AsSsize_t(arguments[0], PyExc_OverflowError);

        if (wanted == -1 && PyErr_Occurred())
            return NULL;
        if (wanted >= 0 && (size_t)wanted < size)
            size = (size_t)wanted;
    }
    taken = PyBytes_FromStringAndSize(size > 0 ? (const char *)bio->bytes + bio->start : NULL,
                                      (Py_ssize_t)size);
    if (taken != NULL && size > 0)
        bio_taken(bio, size);
    return taken;
}

static PyObject *bio_write(PyObject *self, PyObject *data)
{
    Py_buffer buffer;
    PyObject *size = NULL;

    if (PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) < 0)
        return NULL;
    if (bio_append((Bio *)self, buffer.buf, (size_t)buffer.len) == 0)
        size = PyLong_FromSsize_t(buffer.len);
    PyBuffer_Release(&buffer);
    return size;
}

static PyObject *bio_write_eof(PyObject *self, PyObject *unused)
{
    (void)unused;
    ((Bio *)self)->ended = true;
    Py_RETURN_NONE;
}

static PyObject *bio_pending(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromSize_t(bio_size((Bio *)self));
}

static PyObject *bio_eof(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((Bio *)self)->ended && bio_size((Bio *)self) == 0);
}

static void bio_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyMem_Free(((Bio *)self)->bytes);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef bio_methods[] = {
    {"read", (PyCFunction)(void (*)(void))bio_read, METH_FASTCALL,
     "Takes up to ``size`` bytes, or all."},
    {"write", bio_write, METH_O, "Adds bytes, and answers how many."},
    {"write_eof", bio_write_eof, METH_NOARGS, "Says that no byte will follow."},
    {0},
};

static PyGetSetDef bio_members[] = {
    {"pending", bio_pending, NULL, "How many bytes wait.", NULL},
    {"eof", bio_eof, NULL, "Whether no byte waits, and none will come.", NULL},
    {0},
};

static PyType_Slot bio_slots[] = {
    {Py_tp_doc, "Bytes that wait between a connection and a transport; as ``ssl.MemoryBIO``."},
    {Py_tp_dealloc, bio_dealloc},
    {Py_tp_methods, bio_methods},
    {Py_tp_getset, bio_members},
    {0, NULL},
};

static PyType_Spec bio_spec = {
    .name = "tlsbio.MemoryBIO",
    .basicsize = sizeof(Bio),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = bio_slots,
};

/* ---- Channel -------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD tls_conn_t *conn;
    PyObject *incoming, *outgoing;
    PyObject *unfed;         /* what was taken from a BIO and not from us */
    PyThread_type_lock lock; /* who has it may call the library */
    unsigned long owner;     /* the thread that has it */
    unsigned depth;          /* how many times */
    size_t body;        /* of the record that is being moved: bytes that are still in the BIO */
    size_t record;      /* all of its bytes */
    size_t plain_bound; /* no more plain bytes than this can be read without a further record */
    unsigned char header[RECORD_HEADER];
    unsigned char header_len;
    bool busy, eof_told, we_closed, peer_closed, handshake_done, wants_notes;
} Channel;

static void raise_made(PyObject *error)
{
    if (error != NULL && !PyExceptionInstance_Check(error)) {
        Py_DECREF(error);
        PyErr_SetString(PyExc_SystemError, "an exception was expected");
    } else if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
}

static int raise_protocol(const char *reason, const char *detail)
{
    raise_made(PyObject_CallFunction(make_protocol_error, "ss", reason, detail));
    return -1;
}

static int raise_want_read(void)
{
    PyObject *error = PyObject_Call(want_read_type, want_read_arguments, NULL);

    if (error == NULL)
        return -1;
    if (PyObject_SetAttr(error, name_library, Py_None) == 0 &&
        PyObject_SetAttr(error, name_reason, Py_None) == 0)
        PyErr_SetObject(want_read_type, error);
    Py_DECREF(error);
    return -1;
}

static int entered(Channel *channel)
{
    if (channel->conn != NULL)
        return 0;
    PyErr_SetString(PyExc_ValueError, "this SSLObject was closed");
    return -1;
}

static bool holds(const Channel *channel)
{
    return channel->depth > 0 && channel->owner == PyThread_get_thread_ident();
}

/* Waits until no other thread is in the library with this connection, and keeps others out. */
static int hold(Channel *channel)
{
    if (channel->lock == NULL)
        return entered(channel);
    if (!holds(channel)) {
        if (!PyThread_acquire_lock(channel->lock, NOWAIT_LOCK)) {
            Py_BEGIN_ALLOW_THREADS;
            PyThread_acquire_lock(channel->lock, WAIT_LOCK);
            Py_END_ALLOW_THREADS;
        }
        channel->owner = PyThread_get_thread_ident();
    }
    channel->depth++;
    return 0;
}

static void let_go(Channel *channel)
{
    if (--channel->depth == 0) {
        channel->owner = 0;
        PyThread_release_lock(channel->lock);
    }
}

/* For what asks and changes nothing. */
static int hold_open(Channel *channel)
{
    if (entered(channel) < 0 || hold(channel) < 0)
        return -1;
    /* It may have been closed meanwhile. */
    if (entered(channel) < 0) {
        let_go(channel);
        return -1;
    }
    return 0;
}

static int enter(Channel *channel)
{
    if (entered(channel) < 0)
        return -1;
    if (channel->busy)
        return raise_protocol("BUSY", "another operation uses this connection");
    channel->busy = true;
    if (hold_open(channel) < 0) {
        channel->busy = false;
        return -1;
    }
    return 0;
}

/* Raises what the subclass makes of a fatal status. It raises nothing itself: no frame of ours
 * shall be in the traceback, which would hold the connection for as long as somebody keeps the
 * exception. */
static int failed(Channel *channel, tls_status_t status)
{
    PyObject *failure = PyObject_CallMethod((PyObject *)channel, "_failure", "i", (int)status);

    raise_made(failure);
    return -1;
}

/* Lets the subclass answer a question. */
static int answer(Channel *channel, tls_status_t question)
{
    PyObject *done = PyObject_CallMethod((PyObject *)channel, "_asked", "i", (int)question);

    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int out(Channel *channel, PyObject *bytes)
{
    PyObject *done = PyObject_CallMethodOneArg(channel->outgoing, name_write, bytes);

    if (done == NULL)
        return -1;
    Py_DECREF(done);
    return 0;
}

/* Moves all queued wire bytes to the outgoing BIO. */
static int flush(Channel *channel)
{
    const void *wire;
    size_t len;

    while (tls_drain_peek(channel->conn, &wire, &len) == TLS_OK && len > 0) {
        if (Py_IS_TYPE(channel->outgoing, bio_type)) {
            if (bio_append((Bio *)channel->outgoing, wire, len) < 0)
                return -1;
        } else {
            PyObject *bytes = PyBytes_FromStringAndSize(wire, (Py_ssize_t)len);
            int result = bytes == NULL ? -1 : out(channel, bytes);

            Py_XDECREF(bytes);
            if (result < 0)
                return -1;
        }
        tls_drain_consume(channel->conn, len);
    }
    return 0;
}

/* Ends an operation, whatever its result. Its own exception counts more than one that comes now. */
static int leave(Channel *channel, int result)
{
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    if (flush(channel) < 0)
        result = -1;
    if (channel->wants_notes && !PyErr_Occurred()) {
        PyObject *noted = PyObject_CallMethod((PyObject *)channel, "_noted", NULL);

        if (noted == NULL)
            result = -1;
        Py_XDECREF(noted);
    }
    channel->busy = false;
    let_go(channel);
    if (type != NULL)
        PyErr_Restore(type, value, traceback);
    return result;
}

/* A refused call has taken nothing. */
static int feed(Channel *channel, const unsigned char *wire, size_t len)
{
    ptrdiff_t fed = tls_feed(channel->conn, wire, len);

    if (fed != (ptrdiff_t)len)
        return failed(channel, fed < 0 ? (tls_status_t)fed : tls_advance(channel->conn));
    return 0;
}

/* Takes note of the next bytes of a record that were moved. Answers whether its end was reached.
 * Never are there two records in the engine that it has not looked at: what it has not decrypted
 * nobody could be told of. */
static bool note_moved(Channel *channel, const unsigned char *wire, size_t len)
{
    if (channel->body > 0) {
        channel->body -= len;
    } else {
        memcpy(channel->header + channel->header_len, wire, len);
        channel->header_len += (unsigned char)len;
        if (channel->header_len < RECORD_HEADER)
            return false;
        channel->header_len = 0;
        channel->body = channel->record = (size_t)channel->header[3] << 8 | channel->header[4];
        if (channel->header[0] < 20 || channel->header[0] > 24 || channel->body > LARGEST_BODY) {
            /* The engine says what is wrong with it, before more is taken. */
            channel->body = 0;
            return true;
        }
    }
    if (channel->body > 0)
        return false;
    channel->plain_bound += channel->record;
    return true;
}

/* Moves wire bytes up to the end of a record. 1: there were some, 0: none, -1: exception. */
static int pull(Channel *channel)
{
    int moved = 0;

    for (;;) {
        size_t wanted =
            channel->body > 0 ? channel->body : (size_t)(RECORD_HEADER - channel->header_len);
        bool ended;

        if (Py_IS_TYPE(channel->incoming, bio_type)) {
            Bio *bio = (Bio *)channel->incoming;
            size_t size = bio_size(bio) < wanted ? bio_size(bio) : wanted;

            if (size == 0)
                return moved;
            if (feed(channel, bio->bytes + bio->start, size) < 0)
                return -1;
            ended = note_moved(channel, bio->bytes + bio->start, size);
            bio_taken(bio, size);
        } else {
            PyObject *wire = channel->unfed;

            channel->unfed = NULL;
            if (wire == NULL) {
                PyObject *size = PyLong_FromSize_t(wanted);

                if (size == NULL)
                    return -1;
                wire = PyObject_CallMethodOneArg(channel->incoming, name_read, size);
                Py_DECREF(size);
            }
            if (wire == NULL)
                return -1;
            if (PyBytes_GET_SIZE(wire) == 0) {
                Py_DECREF(wire);
                return moved;
            }
            if (feed(channel, (const unsigned char *)PyBytes_AS_STRING(wire),
                     (size_t)PyBytes_GET_SIZE(wire)) < 0) {
                channel->unfed = wire;
                return -1;
            }
            ended = note_moved(channel, (const unsigned char *)PyBytes_AS_STRING(wire),
                               (size_t)PyBytes_GET_SIZE(wire));
            Py_DECREF(wire);
        }
        moved = 1;
        if (ended)
            return 1;
    }
}

/* 1: no further byte will come, 0: some may, -1: exception. */
static int incoming_ended(Channel *channel)
{
    PyObject *eof;
    int ended;

    if (Py_IS_TYPE(channel->incoming, bio_type))
        return ((Bio *)channel->incoming)->ended && bio_size((Bio *)channel->incoming) == 0;
    eof = PyObject_GetAttr(channel->incoming, name_eof);
    if (eof == NULL)
        return -1;
    ended = PyObject_IsTrue(eof);
    Py_DECREF(eof);
    return ended;
}

/* Does what a negative answer asks for: 0, or -1 with an exception. */
static int go_on(Channel *channel, ptrdiff_t status)
{
    int moved, ended;

    switch (status) {
    case TLS_WANT_FEED:
        moved = pull(channel);
        if (moved != 0)
            return moved < 0 ? -1 : 0;
        ended = channel->eof_told ? 0 : incoming_ended(channel);
        if (ended < 0)
            return -1;
        if (!ended)
            return raise_want_read();
        channel->eof_told = true;
        tls_feed_eof(channel->conn);
        return 0;
    case TLS_WANT_DRAIN:
        return flush(channel);
    case TLS_TRUNCATED:
        raise_made(PyObject_CallNoArgs(make_unexpected_eof));
        return -1;
    default:
        if (status > TLS_CLOSED)
            return answer(channel, (tls_status_t)status);
        return failed(channel, (tls_status_t)status);
    }
}

static tls_status_t advance(Channel *channel)
{
    tls_status_t status;

    if (channel->handshake_done) {
        status = tls_advance(channel->conn);
    } else {
        Py_BEGIN_ALLOW_THREADS;
        status = tls_advance(channel->conn);
        Py_END_ALLOW_THREADS;
    }
    if (status == TLS_OK ||
        (status == TLS_CLOSED && (tls_state(channel->conn) & TLS_HANDSHAKING) == 0))
        channel->handshake_done = true;
    if (status == TLS_CLOSED)
        channel->peer_closed = true;
    return status;
}

static PyObject *none_or_error(int result)
{
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *channel_do_handshake(PyObject *self, PyObject *unused)
{
    Channel *channel = (Channel *)self;
    int result = 0;

    (void)unused;
    if (enter(channel) < 0)
        return NULL;
    while (result == 0) {
        tls_status_t status = advance(channel);

        if (status == TLS_CLOSED && !channel->handshake_done) {
            /* The peer has left: nothing was agreed on, and nobody was verified. */
            raise_made(PyObject_CallNoArgs(make_zero_return));
            result = -1;
        } else if (status == TLS_OK || status == TLS_CLOSED) {
            break;
        } else {
            result = go_on(channel, status);
        }
    }
    return none_or_error(leave(channel, result));
}

/* A negative status that a read ends with: 0 at the end of the stream, -1 with an exception, 1 to
 * go on. */
static int end_of_read(Channel *channel, ptrdiff_t status)
{
    if (status == TLS_CLOSED) {
        channel->peer_closed = true;
        if (!channel->we_closed)
            return 0;
        raise_made(PyObject_CallNoArgs(make_zero_return));
        return -1;
    }
    if (status == TLS_TRUNCATED) {
        PyObject *is_end = PyObject_CallMethod((PyObject *)channel, "_truncated_is_end", NULL);
        int answer = is_end == NULL ? -1 : PyObject_IsTrue(is_end);

        Py_XDECREF(is_end);
        if (answer != 0)
            return answer < 0 ? -1 : 0;
    }
    return go_on(channel, status) < 0 ? -1 : 1;
}

static ptrdiff_t read_into(Channel *channel, void *plain, size_t size)
{
    ptrdiff_t got;

    if (channel->handshake_done && (size < BULK || channel->plain_bound < BULK)) {
        got = tls_read_into(channel->conn, plain, size);
    } else {
        Py_BEGIN_ALLOW_THREADS;
        got = tls_read_into(channel->conn, plain, size);
        Py_END_ALLOW_THREADS;
    }
    if (got > 0) {
        channel->handshake_done = true;
        channel->plain_bound -=
            (size_t)got < channel->plain_bound ? (size_t)got : channel->plain_bound;
        if (channel->plain_bound > 0 && tls_plain_pending(channel->conn) == 0)
            channel->plain_bound = 0;
    } else {
        channel->plain_bound = 0;
    }
    return got;
}

/* Fetches the next record if there is nothing to read, so that the size of an answer is known. The
 * result is that of end_of_read. */
static int prepare(Channel *channel)
{
    int moved;

    if (channel->plain_bound > 0)
        return 1;
    if (channel->handshake_done && !channel->peer_closed) {
        moved = pull(channel);
        if (moved < 0)
            return -1;
        if (moved > 0 && channel->plain_bound > 0 && channel->body == 0)
            return 1;
    }
    for (;;) {
        tls_status_t status = advance(channel);
        int result;

        if (tls_plain_pending(channel->conn) > 0) {
            channel->plain_bound = (size_t)tls_plain_pending(channel->conn);
            return 1;
        }
        result = end_of_read(channel, status == TLS_OK ? TLS_WANT_FEED : status);
        if (result != 1)
            return result;
    }
}

static PyObject *read_bytes(Channel *channel, size_t size)
{
    PyObject *plain = NULL;
    int result;

    if (enter(channel) < 0)
        return NULL;
    for (;;) {
        size_t room;
        ptrdiff_t got;

        result = prepare(channel);
        if (result != 1)
            break;
        room = size < channel->plain_bound ? size : channel->plain_bound;
        plain = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
        if (plain == NULL) {
            result = -1;
            break;
        }
        got = read_into(channel, PyBytes_AS_STRING(plain), room);
        if (got > 0) {
            if ((size_t)got < room)
                _PyBytes_Resize(&plain, (Py_ssize_t)got);
            break;
        }
        Py_CLEAR(plain);
        result = end_of_read(channel, got);
        if (result != 1)
            break;
    }
    if (result == 0 && plain == NULL)
        plain = PyBytes_FromStringAndSize(NULL, 0);
    if (leave(channel, result < 0 ? -1 : 0) < 0)
        Py_CLEAR(plain);
    return plain;
}

static PyObject *read_buffer(Channel *channel, PyObject *target, Py_ssize_t size)
{
    Py_buffer buffer;
    ptrdiff_t got = 0;
    int result = 1;

    if (PyObject_GetBuffer(target, &buffer, PyBUF_WRITABLE) < 0) {
        if (PyErr_ExceptionMatches(PyExc_BufferError))
            PyErr_SetString(PyExc_TypeError,
                            "read() argument 2 must be read-write bytes-like object");
        return NULL;
    }
    if (size <= 0 || size > buffer.len)
        size = buffer.len;
    if (entered(channel) < 0 || (size > 0 && enter(channel) < 0)) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    if (size > 0) {
        while (result == 1) {
            result = prepare(channel);
            if (result != 1)
                break;
            got = read_into(channel, buffer.buf, (size_t)size);
            if (got > 0)
                break;
            result = end_of_read(channel, got);
        }
        result = leave(channel, result < 0 ? -1 : 0);
    }
    PyBuffer_Release(&buffer);
    return result < 0 ? NULL : PyLong_FromSsize_t(got > 0 ? got : 0);
}

static PyObject *channel_read(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                              PyObject *names)
{
    static const char *const parameters[] = {"len", "buffer"};
    PyObject *given[2] = {NULL, NULL};
    Py_ssize_t size = 1024, named = names == NULL ? 0 : PyTuple_GET_SIZE(names);

    if (count + named > 2)
        return PyErr_Format(PyExc_TypeError, "read expected at most 2 arguments, got %zd",
                            count + named);
    for (Py_ssize_t i = 0; i < count; i++)
        given[i] = arguments[i];
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        int which = PyUnicode_CompareWithASCIIString(name, parameters[0]) == 0   ? 0
                    : PyUnicode_CompareWithASCIIString(name, parameters[1]) == 0 ? 1
                                                                                 : -1;

        if (which < 0 || given[which] != NULL)
            return PyErr_Format(PyExc_TypeError, "read got an unexpected or repeated argument %R",
                                name);
        given[which] = arguments[count + i];
    }
    if (given[0] != NULL) {
        size = PyNumber_AsSsize_t(given[0], PyExc_OverflowError);
        if (size == -1 && PyErr_Occurred())
            return NULL;
    }
    if (given[1] != NULL && given[1] != Py_None)
        return read_buffer((Channel *)self, given[1], size);
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "size should not be negative");
        return NULL;
    }
    if (size == 0)
        return entered((Channel *)self) < 0 ? NULL : PyBytes_FromStringAndSize(NULL, 0);
    return read_bytes((Channel *)self, (size_t)size);
}

/* Encrypts into `wire`: how many bytes of plain were taken, or a negative status. */
static ptrdiff_t encrypt(Channel *channel, const char *plain, size_t size, void *wire,
                         size_t capacity, size_t *len)
{
    ptrdiff_t written;
    size_t taken = 0;

    if (size < BULK) {
        written = tls_write_into(channel->conn, plain, size, wire, capacity, &taken);
    } else {
        Py_BEGIN_ALLOW_THREADS;
        written = tls_write_into(channel->conn, plain, size, wire, capacity, &taken);
        Py_END_ALLOW_THREADS;
    }
    *len = written > 0 ? (size_t)written : 0;
    return written > 0 ? (ptrdiff_t)taken : written;
}

/* Encrypts what fits into some records, into the outgoing BIO. 0, or -1 with an exception. */
static int write_some(Channel *channel, const char *plain, size_t size, size_t *taken)
{
    size_t capacity = tls_wire_bound(size), len;
    ptrdiff_t count;

    if (Py_IS_TYPE(channel->outgoing, bio_type)) {
        Bio *bio = (Bio *)channel->outgoing;

        if (bio_refuse_ended(bio) < 0 || bio_reserve(bio, capacity) < 0)
            return -1;
        bio->lent = true;
        count = encrypt(channel, plain, size, bio->bytes + bio->end, capacity, &len);
        bio->lent = false;
        bio->end += len;
    } else {
        PyObject *wire = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)capacity);

        if (wire == NULL)
            return -1;
        count = encrypt(channel, plain, size, PyBytes_AS_STRING(wire), capacity, &len);
        if (count > 0 && (_PyBytes_Resize(&wire, (Py_ssize_t)len) < 0 || out(channel, wire) < 0)) {
            Py_XDECREF(wire);
            return -1;
        }
        Py_XDECREF(wire);
    }
    if (count <= 0)
        return go_on(channel, count);
    *taken += (size_t)count;
    return 0;
}

static PyObject *channel_write(PyObject *self, PyObject *data)
{
    Channel *channel = (Channel *)self;
    Py_buffer buffer;
    size_t taken = 0;
    int result = 0;

    if (PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) < 0)
        return NULL;
    if (enter(channel) < 0) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    if (channel->we_closed)
        result = raise_protocol("PROTOCOL_IS_SHUTDOWN", "");
    while (result == 0 && taken < (size_t)buffer.len) {
        size_t rest = (size_t)buffer.len - taken;

        /* Four records at a time, so that no huge memory is asked for at once. */
        if (rest > 4 * TLS_MAX_PLAIN_PER_RECORD)
            rest = 4 * TLS_MAX_PLAIN_PER_RECORD;
        result = write_some(channel, (const char *)buffer.buf + taken, rest, &taken);
    }
    PyBuffer_Release(&buffer);
    if (leave(channel, result) < 0)
        return NULL;
    return PyLong_FromSize_t(taken);
}

static PyObject *channel_pending(PyObject *self, PyObject *unused)
{
    Channel *channel = (Channel *)self;
    ptrdiff_t pending;

    (void)unused;
    if (hold_open(channel) < 0)
        return NULL;
    pending = tls_plain_pending(channel->conn);
    let_go(channel);
    return PyLong_FromSsize_t(pending > 0 ? pending : 0);
}

static PyObject *channel_unwrap(PyObject *self, PyObject *unused)
{
    Channel *channel = (Channel *)self;
    tls_status_t status;
    int result = 0;

    (void)unused;
    if (enter(channel) < 0)
        return NULL;
    if ((tls_state(channel->conn) & (TLS_HANDSHAKING | TLS_FAILED)) == TLS_HANDSHAKING) {
        result = raise_protocol("SHUTDOWN_WHILE_IN_INIT", "");
    } else if ((status = tls_close_notify(channel->conn)) != TLS_OK) {
        result = failed(channel, status);
    } else {
        channel->we_closed = true;
        while (result == 0) {
            status = advance(channel);
            if (status == TLS_CLOSED)
                break;
            if (status == TLS_OK && tls_plain_pending(channel->conn) > 0)
                result = raise_protocol("APPLICATION_DATA_AFTER_CLOSE_NOTIFY", "");
            else
                result = go_on(channel, status == TLS_OK ? TLS_WANT_FEED : status);
        }
    }
    return none_or_error(leave(channel, result));
}

static void release(Channel *channel)
{
    tls_conn_t *conn = channel->conn;

    channel->conn = NULL;
    if (conn != NULL)
        tls_free(conn);
    Py_CLEAR(channel->incoming);
    Py_CLEAR(channel->outgoing);
    Py_CLEAR(channel->unfed);
}

static PyObject *channel_close(PyObject *self, PyObject *unused)
{
    Channel *channel = (Channel *)self;

    (void)unused;
    if (channel->conn == NULL)
        Py_RETURN_NONE;
    if (enter(channel) < 0)
        return NULL;
    release(channel);
    channel->busy = false;
    let_go(channel);
    Py_RETURN_NONE;
}

static int is_bio(PyObject *object)
{
    return Py_IS_TYPE(object, bio_type) || Py_IS_TYPE(object, stock_bio_type);
}

static PyObject *channel_open(PyObject *self, PyObject *arguments)
{
    Channel *channel = (Channel *)self;
    PyObject *handle, *incoming, *outgoing;
    int wants_notes;
    void *conn;

    if (!PyArg_ParseTuple(arguments, "OOOp", &handle, &incoming, &outgoing, &wants_notes))
        return NULL;
    if (!is_bio(incoming) || !is_bio(outgoing)) {
        PyErr_SetString(PyExc_TypeError, "an ssl.MemoryBIO or a tlsbio.MemoryBIO is needed");
        return NULL;
    }
    conn = PyLong_AsVoidPtr(handle);
    if (conn == NULL && PyErr_Occurred())
        return NULL;
    if (channel->conn != NULL) {
        PyErr_SetString(PyExc_ValueError, "this SSLObject is open");
        return NULL;
    }
    if (channel->lock == NULL && (channel->lock = PyThread_allocate_lock()) == NULL)
        return PyErr_NoMemory();
    channel->conn = conn;
    channel->incoming = Py_NewRef(incoming);
    channel->outgoing = Py_NewRef(outgoing);
    channel->wants_notes = wants_notes;
    Py_RETURN_NONE;
}

static PyObject *channel_replace(PyObject *self, PyObject *arguments)
{
    Channel *channel = (Channel *)self;
    PyObject *handle;
    int wants_notes;
    void *conn;

    if (!PyArg_ParseTuple(arguments, "Op", &handle, &wants_notes))
        return NULL;
    conn = PyLong_AsVoidPtr(handle);
    if ((conn == NULL && PyErr_Occurred()) || enter(channel) < 0)
        return NULL;
    tls_free(channel->conn);
    channel->conn = conn;
    channel->wants_notes = wants_notes;
    channel->busy = false;
    let_go(channel);
    Py_RETURN_NONE;
}

static PyObject *channel_take_notes(PyObject *self, PyObject *unused)
{
    (void)unused;
    ((Channel *)self)->wants_notes = true;
    Py_RETURN_NONE;
}

static PyObject *channel_hold(PyObject *self, PyObject *unused)
{
    (void)unused;
    return none_or_error(hold((Channel *)self));
}

static PyObject *channel_release(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!holds((Channel *)self)) {
        PyErr_SetString(PyExc_RuntimeError, "this thread does not hold the connection");
        return NULL;
    }
    let_go((Channel *)self);
    Py_RETURN_NONE;
}

static PyObject *channel_address(PyObject *self, void *unused)
{
    (void)unused;
    if (entered((Channel *)self) < 0)
        return NULL;
    if (!holds((Channel *)self)) {
        PyErr_SetString(PyExc_RuntimeError, "who calls the library holds the connection");
        return NULL;
    }
    return PyLong_FromVoidPtr(((Channel *)self)->conn);
}

static void channel_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    release((Channel *)self);
    if (((Channel *)self)->lock != NULL)
        PyThread_free_lock(((Channel *)self)->lock);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef channel_methods[] = {
    {"do_handshake", channel_do_handshake, METH_NOARGS,
     "Goes on with the handshake; ``ssl.SSLWantReadError`` until it is done."},
    {"read", (PyCFunction)(void (*)(void))channel_read, METH_FASTCALL | METH_KEYWORDS,
     "Reads up to ``len`` plain bytes, of one record; into ``buffer`` if there is one, and answers "
     "how many."},
    {"write", channel_write, METH_O,
     "Encrypts all of ``data``, and answers how many bytes that were."},
    {"pending", channel_pending, METH_NOARGS,
     "How many plain bytes can be read without any further wire byte."},
    {"unwrap", channel_unwrap, METH_NOARGS,
     "Says that nothing more will be written, and waits until the peer says the same."},
    {"close", channel_close, METH_NOARGS,
     "Ends the connection now, and frees all that it held. Sends nothing: ``unwrap`` does."},
    {"_open", channel_open, METH_VARARGS, NULL},
    {"_replace", channel_replace, METH_VARARGS, NULL},
    {"_take_notes", channel_take_notes, METH_NOARGS,
     "Has _noted follow each operation from this one on."},
    {"_hold", channel_hold, METH_NOARGS,
     "Waits until no other thread is in the library with this connection, and keeps others out."},
    {"_release", channel_release, METH_NOARGS, NULL},
    {0},
};

static PyObject *channel_header(PyObject *self, void *unused)
{
    (void)unused;
    return PyBytes_FromStringAndSize((const char *)((Channel *)self)->header, RECORD_HEADER);
}

static PyGetSetDef channel_members[] = {
    {"_header", channel_header, NULL, "The last record's first bytes.", NULL},
    {"_address", channel_address, NULL, "The handle as a number.", NULL},
    {0},
};

static PyType_Slot channel_slots[] = {
    {Py_tp_doc,
     "A connection between two BIOs; its subclass has ``_failure``, ``_asked`` and ``_noted``."},
    {Py_tp_dealloc, channel_dealloc},
    {Py_tp_methods, channel_methods},
    {Py_tp_getset, channel_members},
    {0, NULL},
};

static PyType_Spec channel_spec = {
    .name = "tlsbio._speed.Channel",
    .basicsize = sizeof(Channel),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = channel_slots,
};

/* ---- The module ----------------------------------------------------------------------------- */

static PyObject *imported(const char *module, const char *name)
{
    PyObject *from = PyImport_ImportModule(module), *object;

    if (from == NULL)
        return NULL;
    object = PyObject_GetAttrString(from, name);
    Py_DECREF(from);
    return object;
}

static int fill(PyObject *module)
{
    PyObject *channel_type = NULL;
    static struct {
        PyObject **where;
        const char *module, *name;
    } wanted[] = {
        {(PyObject **)&stock_bio_type, "_ssl", "MemoryBIO"},
        {&want_read_type, "ssl", "SSLWantReadError"},
        {&make_zero_return, "tlsbio.ssl_errors", "zero_return"},
        {&make_unexpected_eof, "tlsbio.ssl_errors", "unexpected_eof"},
        {&make_protocol_error, "tlsbio.ssl_errors", "protocol_error"},
    };
    static struct {
        PyObject **where;
        const char *text;
    } names[] = {
        {&name_read, "read"},       {&name_write, "write"},   {&name_eof, "eof"},
        {&name_library, "library"}, {&name_reason, "reason"},
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if ((*wanted[i].where = imported(wanted[i].module, wanted[i].name)) == NULL)
            return -1;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if ((*names[i].where = PyUnicode_InternFromString(names[i].text)) == NULL)
            return -1;
    want_read_arguments = Py_BuildValue("is", 2, "The operation did not complete (read)");
    bio_type = (PyTypeObject *)PyType_FromSpec(&bio_spec);
    channel_type = PyType_FromSpec(&channel_spec);
    if (want_read_arguments == NULL || bio_type == NULL || channel_type == NULL)
        return -1;
    if (PyModule_AddType(module, bio_type) < 0 ||
        PyModule_AddType(module, (PyTypeObject *)channel_type) < 0)
        return -1;
    Py_DECREF(channel_type);
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tlsbio._speed",
    .m_doc = "The hot path of SSLObject.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__speed(void)
{
    return PyModuleDef_Init(&module);
}
