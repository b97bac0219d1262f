/* The hot path of tlsbio.SSLObject: how bytes get from a BIO into the library and back.
 *
 * Bytes leave the incoming BIO one record at a time, and only when an operation cannot go on
 * without: so `pending` of the BIO and of the connection mean what they mean with OpenSSL, and what
 * follows the end of the TLS stream is still in the BIO.
 *
 * Both types are without a part in garbage collection: a BIO refers to nothing, and a Channel to
 * its two BIOs only, which are of known types.
 */
#include "channel.h"

enum {
    /* A BIO that was emptied keeps no more memory than this. */
    KEPT_ROOM = 1024,
};

typedef struct {
    Failures failures; /* first: see CHANNEL_HEAD */
    PyTypeObject *bio_type, *stock_bio_type;
    PyObject *name_read, *name_write, *name_eof;
} State;

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
    State *state;

    if (!bio->ended)
        return 0;
    state = PyType_GetModuleState(Py_TYPE((PyObject *)bio));
    return raise_protocol(&state->failures, "BIO_ENDED", "cannot write() after write_eof()");
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
    PyMem_Free(((Bio *)self)->bytes);
    free_object(self);
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
    CHANNEL_HEAD
    PyObject *incoming, *outgoing;
    PyObject *unfed;    /* what was taken from a BIO and not from us */
    size_t plain_bound; /* no more plain bytes than this can be read without a further record */
    bool busy, eof_told, we_closed, peer_closed, handshake_done;
} Channel;

static const State *state_for(const Channel *channel)
{
    return (const State *)channel->failures;
}

/* The BIO as one of ours, or NULL. */
static Bio *our_bio(const Channel *channel, PyObject *bio)
{
    return Py_IS_TYPE(bio, state_for(channel)->bio_type) ? (Bio *)bio : NULL;
}

static int raise_busy(Channel *channel)
{
    return raise_protocol(channel->failures, "BUSY", "another operation uses this connection");
}

static int enter(Channel *channel)
{
    if (entered(channel) < 0)
        return -1;
    if (channel->busy)
        return raise_busy(channel);
    channel->busy = true;
    if (hold_open(channel) < 0) {
        channel->busy = false;
        return -1;
    }
    return 0;
}

static int out(Channel *channel, PyObject *bytes)
{
    PyObject *done =
        PyObject_CallMethodObjArgs(channel->outgoing, state_for(channel)->name_write, bytes, NULL);

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
    Bio *bio = our_bio(channel, channel->outgoing);

    while (tls_drain_peek(channel->conn, &wire, &len) == TLS_OK && len > 0) {
        if (bio != NULL) {
            if (bio_append(bio, wire, len) < 0)
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
    if (channel->wants_notes && !PyErr_Occurred() && note(channel) < 0)
        result = -1;
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
        if (!begin_body(channel))
            return true;
    }
    if (channel->body > 0)
        return false;
    channel->plain_bound += channel->record;
    return true;
}

/* Moves wire bytes up to the end of a record. 1: there were some, 0: none, -1: exception. */
static int pull(Channel *channel)
{
    Bio *bio = our_bio(channel, channel->incoming);
    int moved = 0;

    for (;;) {
        size_t wanted =
            channel->body > 0 ? channel->body : (size_t)(RECORD_HEADER - channel->header_len);
        bool ended;

        if (bio != NULL) {
            size_t size = bio_size(bio) < wanted ? bio_size(bio) : wanted;

            if (size == 0)
                return moved;
            if (feed(channel, bio->bytes + bio->start, size) < 0)
                return -1;
            ended = note_moved(channel, bio->bytes + bio->start, size);
            bio_taken(bio, size);
        } else {
            PyObject *wire = channel->unfed;
            const unsigned char *content;
            size_t len;

            channel->unfed = NULL;
            if (wire == NULL) {
                PyObject *size = PyLong_FromSize_t(wanted);

                if (size == NULL)
                    return -1;
                wire = PyObject_CallMethodObjArgs(channel->incoming, state_for(channel)->name_read,
                                                  size, NULL);
                Py_DECREF(size);
            }
            if (wire == NULL)
                return -1;
            content = (const unsigned char *)PyBytes_AsString(wire);
            len = (size_t)Py_SIZE(wire);
            if (len == 0) {
                Py_DECREF(wire);
                return moved;
            }
            if (feed(channel, content, len) < 0) {
                channel->unfed = wire;
                return -1;
            }
            ended = note_moved(channel, content, len);
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
    Bio *bio = our_bio(channel, channel->incoming);
    PyObject *eof;
    int ended;

    if (bio != NULL)
        return bio->ended && bio_size(bio) == 0;
    eof = PyObject_GetAttr(channel->incoming, state_for(channel)->name_eof);
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
            return raise_want_read(channel->failures);
        channel->eof_told = true;
        tls_feed_eof(channel->conn);
        return 0;
    case TLS_WANT_DRAIN:
        return flush(channel);
    case TLS_TRUNCATED:
        raise_made(PyObject_CallNoArgs(channel->failures->unexpected_eof));
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
            raise_made(PyObject_CallNoArgs(channel->failures->zero_return));
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
        raise_made(PyObject_CallNoArgs(channel->failures->zero_return));
        return -1;
    }
    if (status == TLS_TRUNCATED) {
        int is_end = truncated_is_end(channel);

        if (is_end != 0)
            return is_end < 0 ? -1 : 0;
    }
    return go_on(channel, status) < 0 ? -1 : 1;
}

static ptrdiff_t read_into(void *self, void *plain, size_t size)
{
    Channel *channel = self;
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
        got = read_new(read_into, channel, room, &plain);
        if (got > 0)
            break;
        if (got == NO_MEMORY) {
            result = -1;
            break;
        }
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

    if (writable(target, &buffer) < 0)
        return NULL;
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
    Py_ssize_t size = 1024, named = names == NULL ? 0 : PyTuple_Size(names);

    if (count + named > 2)
        return PyErr_Format(PyExc_TypeError, "read expected at most 2 arguments, got %zd",
                            count + named);
    for (Py_ssize_t i = 0; i < count; i++)
        given[i] = arguments[i];
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GetItem(names, i);
        int which = PyUnicode_CompareWithASCIIString(name, parameters[0]) == 0   ? 0
                    : PyUnicode_CompareWithASCIIString(name, parameters[1]) == 0 ? 1
                                                                                 : -1;

        if (which < 0 || given[which] != NULL)
            return PyErr_Format(PyExc_TypeError, "read got an unexpected or repeated argument %R",
                                name);
        given[which] = arguments[count + i];
    }
    if (given[0] != NULL && size_of_read(given[0], &size) < 0)
        return NULL;
    if (given[1] != NULL && given[1] != Py_None)
        return read_buffer((Channel *)self, given[1], size);
    if (size <= 0)
        return read_nothing(self, size);
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
    Bio *bio = our_bio(channel, channel->outgoing);
    ptrdiff_t count;

    if (bio != NULL) {
        if (bio_refuse_ended(bio) < 0 || bio_reserve(bio, capacity) < 0)
            return -1;
        bio->lent = true;
        count = encrypt(channel, plain, size, bio->bytes + bio->end, capacity, &len);
        bio->lent = false;
        bio->end += len;
    } else {
        char small[SMALL];
        PyObject *wire = NULL;
        int result = 0;

        if (capacity <= SMALL) {
            count = encrypt(channel, plain, size, small, capacity, &len);
            wire = count > 0 ? PyBytes_FromStringAndSize(small, (Py_ssize_t)len) : NULL;
        } else {
            wire = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)capacity);
            if (wire == NULL)
                return -1;
            count = encrypt(channel, plain, size, PyBytes_AsString(wire), capacity, &len);
            if (count > 0)
                wire = shortened(wire, (Py_ssize_t)len);
        }
        if (count > 0)
            result = wire == NULL ? -1 : out(channel, wire);
        Py_XDECREF(wire);
        if (result < 0)
            return -1;
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
        result = raise_protocol(channel->failures, "PROTOCOL_IS_SHUTDOWN", "");
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

static PyObject *channel_unwrap(PyObject *self, PyObject *unused)
{
    Channel *channel = (Channel *)self;
    tls_status_t status;
    int result = 0;

    (void)unused;
    if (enter(channel) < 0)
        return NULL;
    if ((tls_state(channel->conn) & (TLS_HANDSHAKING | TLS_FAILED)) == TLS_HANDSHAKING) {
        result = raise_protocol(channel->failures, "SHUTDOWN_WHILE_IN_INIT", "");
    } else if ((status = tls_close_notify(channel->conn)) != TLS_OK) {
        result = failed(channel, status);
    } else {
        channel->we_closed = true;
        while (result == 0) {
            status = advance(channel);
            if (status == TLS_CLOSED)
                break;
            if (status == TLS_OK && tls_plain_pending(channel->conn) > 0)
                result =
                    raise_protocol(channel->failures, "APPLICATION_DATA_AFTER_CLOSE_NOTIFY", "");
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
    channel->unmade = false;
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
    if (channel->conn == NULL && !channel->unmade)
        Py_RETURN_NONE;
    if (channel->busy)
        return none_or_error(raise_busy(channel));
    channel->busy = true;
    hold(channel);
    release(channel);
    channel->busy = false;
    let_go(channel);
    Py_RETURN_NONE;
}

static int check_bio(const Channel *channel, const char *name, PyObject *object)
{
    PyObject *type;

    if (our_bio(channel, object) != NULL || Py_IS_TYPE(object, state_for(channel)->stock_bio_type))
        return 0;
    type = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__name__");
    if (type != NULL)
        PyErr_Format(PyExc_TypeError, "%s must be an ssl.MemoryBIO or a tlsbio.MemoryBIO, not %S",
                     name, type);
    Py_XDECREF(type);
    return -1;
}

static PyObject *channel_open(PyObject *self, PyObject *arguments)
{
    Channel *channel = (Channel *)self;
    PyObject *incoming, *outgoing;
    int wants_notes;

    if (!PyArg_ParseTuple(arguments, "OOp", &incoming, &outgoing, &wants_notes) ||
        check_bio(channel, "incoming", incoming) < 0 ||
        check_bio(channel, "outgoing", outgoing) < 0)
        return NULL;
    if (channel->incoming != NULL) {
        PyErr_SetString(PyExc_ValueError, "this SSLObject is open");
        return NULL;
    }
    channel->opened = channel->unmade = true;
    channel->incoming = Py_NewRef(incoming);
    channel->outgoing = Py_NewRef(outgoing);
    channel->wants_notes = wants_notes;
    Py_RETURN_NONE;
}

/* What an operation has taken may not have been counted yet. */
static PyObject *channel_has_begun(PyObject *self, void *unused)
{
    Channel *channel = (Channel *)self;

    (void)unused;
    return PyBool_FromLong(channel->busy || channel->eof_told || has_moved(channel));
}

static PyModuleDef module;

static PyObject *channel_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    State *state = state_of(type, &module);

    return state == NULL ? NULL : new_channel(type, arguments, names, &state->failures);
}

static void channel_dealloc(PyObject *self)
{
    release((Channel *)self);
    free_head(self);
    free_object(self);
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
    {"_unmake", channel_unmake, METH_O, NULL},
    {"_take_notes", channel_take_notes, METH_NOARGS,
     "Has _noted follow each operation from this one on."},
    {"_hold", channel_hold, METH_NOARGS,
     "Waits until no other thread is in the library with this connection, and keeps others out."},
    {"_release", channel_release, METH_NOARGS, NULL},
    {0},
};

static PyGetSetDef channel_members[] = {
    {"_header", channel_header, NULL, "The last record's first bytes.", NULL},
    {"_has_begun", channel_has_begun, NULL, "Whether the handshake has begun.", NULL},
    {"_address", channel_address, NULL, "The handle as a number.", NULL},
    {0},
};

static PyType_Slot channel_slots[] = {
    {Py_tp_doc,
     "A connection between two BIOs; its subclass has ``_make``, ``_failure``, ``_asked`` and "
     "``_noted``."},
    {Py_tp_new, channel_new},
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

static int fill(PyObject *self)
{
    State *state = PyModule_GetState(self);
    PyObject *channel_type;
    int result;

    if (failures_fill(&state->failures) < 0)
        return -1;
    state->stock_bio_type = (PyTypeObject *)imported("_ssl", "MemoryBIO");
    state->bio_type = (PyTypeObject *)PyType_FromModuleAndSpec(self, &bio_spec, NULL);
    state->name_read = PyUnicode_InternFromString("read");
    state->name_write = PyUnicode_InternFromString("write");
    state->name_eof = PyUnicode_InternFromString("eof");
    if (state->stock_bio_type == NULL || state->bio_type == NULL || state->name_read == NULL ||
        state->name_write == NULL || state->name_eof == NULL ||
        PyModule_AddType(self, state->bio_type) < 0)
        return -1;
    channel_type = PyType_FromModuleAndSpec(self, &channel_spec, NULL);
    if (channel_type == NULL)
        return -1;
    result = PyModule_AddType(self, (PyTypeObject *)channel_type);
    Py_DECREF(channel_type);
    return result;
}

static int module_traverse(PyObject *self, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(self);

    Py_VISIT(state->bio_type);
    Py_VISIT(state->stock_bio_type);
    return failures_traverse(&state->failures, visit, arg);
}

static int module_clear(PyObject *self)
{
    State *state = PyModule_GetState(self);

    Py_CLEAR(state->bio_type);
    Py_CLEAR(state->stock_bio_type);
    Py_CLEAR(state->name_read);
    Py_CLEAR(state->name_write);
    Py_CLEAR(state->name_eof);
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
    PyModuleDef_HEAD_INIT,   .m_name = "tlsbio._speed", .m_doc = "The hot path of SSLObject.",
    .m_size = sizeof(State), .m_slots = module_slots,   .m_traverse = module_traverse,
    .m_clear = module_clear, .m_free = module_free,
};

PyMODINIT_FUNC PyInit__speed(void)
{
    return PyModuleDef_Init(&module);
}
