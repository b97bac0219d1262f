/* What the two kinds of channel have in common, that between BIOs (speed.c) and that over a socket
 * (socket.c): what they raise, who may call the library, what Python gives them.
 */
#ifndef TLSBIO_BRIDGE_CHANNEL_H
#define TLSBIO_BRIDGE_CHANNEL_H

#include "module.h"

#include <pthread.h>
#include <pythread.h>
#include <string.h>

enum {
    RECORD_HEADER = 5,
    LARGEST_BODY = TLS_MAX_RECORD - RECORD_HEADER,
    /* From so many bytes on, other threads may run meanwhile. */
    BULK = 4096,
    /* Up to this size bytes are made on the stack first, to make an object of their exact size. */
    SMALL = 1024,
};

static inline PyObject *none_or_error(int result)
{
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- Exceptions ----------------------------------------------------------------------------- */

/* What is raised by the connections that stand in for ssl's. */
typedef struct {
    PyObject *want_read, *want_read_arguments, *want_write, *want_write_arguments;
    PyObject *zero_return, *unexpected_eof, *protocol_error; /* functions that make exceptions */
    PyObject *name_library, *name_reason;
} Failures;

static inline int failures_fill(Failures *failures)
{
    struct {
        PyObject **where;
        const char *module, *name;
    } wanted[] = {
        {&failures->want_read, "ssl", "SSLWantReadError"},
        {&failures->want_write, "ssl", "SSLWantWriteError"},
        {&failures->zero_return, "tlsbio.ssl_errors", "zero_return"},
        {&failures->unexpected_eof, "tlsbio.ssl_errors", "unexpected_eof"},
        {&failures->protocol_error, "tlsbio.ssl_errors", "protocol_error"},
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if ((*wanted[i].where = imported(wanted[i].module, wanted[i].name)) == NULL)
            return -1;
    failures->want_read_arguments = Py_BuildValue("is", 2, "The operation did not complete (read)");
    failures->want_write_arguments =
        Py_BuildValue("is", 3, "The operation did not complete (write)");
    failures->name_library = PyUnicode_InternFromString("library");
    failures->name_reason = PyUnicode_InternFromString("reason");
    return failures->want_read_arguments != NULL && failures->want_write_arguments != NULL &&
                   failures->name_library != NULL && failures->name_reason != NULL
               ? 0
               : -1;
}

static inline int failures_traverse(Failures *failures, visitproc visit, void *arg)
{
    Py_VISIT(failures->want_read);
    Py_VISIT(failures->want_read_arguments);
    Py_VISIT(failures->want_write);
    Py_VISIT(failures->want_write_arguments);
    Py_VISIT(failures->zero_return);
    Py_VISIT(failures->unexpected_eof);
    Py_VISIT(failures->protocol_error);
    return 0;
}

static inline void failures_clear(Failures *failures)
{
    Py_CLEAR(failures->want_read);
    Py_CLEAR(failures->want_read_arguments);
    Py_CLEAR(failures->want_write);
    Py_CLEAR(failures->want_write_arguments);
    Py_CLEAR(failures->zero_return);
    Py_CLEAR(failures->unexpected_eof);
    Py_CLEAR(failures->protocol_error);
    Py_CLEAR(failures->name_library);
    Py_CLEAR(failures->name_reason);
}

/* Raises what a function in Python has made. */
static inline void raise_made(PyObject *error)
{
    if (error != NULL && !PyExceptionInstance_Check(error)) {
        Py_DECREF(error);
        PyErr_SetString(PyExc_SystemError, "an exception was expected");
    } else if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
}

static inline int raise_protocol(const Failures *failures, const char *reason, const char *detail)
{
    raise_made(PyObject_CallFunction(failures->protocol_error, "ss", reason, detail));
    return -1;
}

/* SSLWantReadError, SSLWantWriteError: as OpenSSL's, with neither library nor reason. */
static inline int raise_want(const Failures *failures, PyObject *type, PyObject *arguments)
{
    PyObject *error = PyObject_Call(type, arguments, NULL);

    if (error == NULL)
        return -1;
    if (PyObject_SetAttr(error, failures->name_library, Py_None) == 0 &&
        PyObject_SetAttr(error, failures->name_reason, Py_None) == 0)
        PyErr_SetObject(type, error);
    Py_DECREF(error);
    return -1;
}

static inline int raise_want_read(const Failures *failures)
{
    return raise_want(failures, failures->want_read, failures->want_read_arguments);
}

static inline int raise_want_write(const Failures *failures)
{
    return raise_want(failures, failures->want_write, failures->want_write_arguments);
}

/* ---- A connection, and who may call the library with it ------------------------------------- */

/* What every channel begins with. */
#define CHANNEL_HEAD                                                                               \
    PyObject_HEAD Failures *failures; /* the first member of the module's state */                 \
    tls_conn_t *conn;                                                                              \
    bool opened;              /* was once */                                                       \
    bool unmade;              /* it is open, and the first step makes its conn */                  \
    pthread_mutex_t library;  /* who has it may call the library; Python's locks ask the clock */  \
    unsigned long owner;      /* the thread that has it */                                         \
    unsigned depth;           /* how many times */                                                 \
    bool wants_notes;         /* _noted() follows each operation */                                \
    unsigned char header_len; /* of the header: bytes that have come */                            \
    unsigned char header[RECORD_HEADER];                                                           \
    size_t body;   /* of the record that is being moved: bytes that have not come */               \
    size_t record; /* all of its body */

typedef struct {
    CHANNEL_HEAD
} ChannelHead;

static inline int entered(const void *self)
{
    const ChannelHead *channel = self;

    if (channel->conn != NULL || channel->unmade)
        return 0;
    PyErr_SetString(PyExc_ValueError, "this connection was closed");
    return -1;
}

/* Waits for a lock, and lets other threads run meanwhile. For locks that nobody has for long. */
static inline void wait_for_lock(pthread_mutex_t *lock)
{
    if (pthread_mutex_trylock(lock) == 0)
        return;
    Py_BEGIN_ALLOW_THREADS;
    pthread_mutex_lock(lock);
    Py_END_ALLOW_THREADS;
}

static inline bool holds(const void *self)
{
    const ChannelHead *channel = self;

    return channel->depth > 0 && channel->owner == PyThread_get_thread_ident();
}

/* Waits until no other thread is in the library with this connection, and keeps others out. */
static inline void hold(void *self)
{
    ChannelHead *channel = self;

    if (!holds(channel)) {
        wait_for_lock(&channel->library);
        channel->owner = PyThread_get_thread_ident();
    }
    channel->depth++;
}

static inline void let_go(void *self)
{
    ChannelHead *channel = self;

    if (--channel->depth == 0) {
        channel->owner = 0;
        pthread_mutex_unlock(&channel->library);
    }
}

/* A handle from Python. 0, or -1 with an exception. */
static inline int handle_of(PyObject *number, tls_conn_t **conn)
{
    *conn = PyLong_AsVoidPtr(number);
    return *conn == NULL && PyErr_Occurred() ? -1 : 0;
}

/* Who calls the library has the lock, and this makes what it is called with. Most of what a
 * connection costs before its handshake is the keys of a ClientHello. */
static inline int make(void *self)
{
    ChannelHead *channel = self;
    PyObject *number;
    tls_conn_t *conn;
    int result;

    if (channel->conn != NULL)
        return 0;
    number = PyObject_CallMethod(self, "_make", NULL);
    if (number == NULL)
        return -1;
    result = handle_of(number, &conn);
    Py_DECREF(number);
    if (result < 0)
        return -1;
    /* Python may have run a finalizer that uses this connection, or closes it. */
    if (channel->conn != NULL || !channel->unmade) {
        tls_free(conn);
        return entered(channel);
    }
    channel->conn = conn;
    channel->unmade = false;
    return 0;
}

/* Has the lock, and a connection to call the library with. */
static inline int hold_open(void *channel)
{
    if (entered(channel) < 0)
        return -1;
    hold(channel);
    /* It may have been closed meanwhile. */
    if (entered(channel) < 0 || make(channel) < 0) {
        let_go(channel);
        return -1;
    }
    return 0;
}

/* Raises what the subclass makes of a fatal status. It raises nothing itself: no frame of ours
 * shall be in the traceback, which would hold the connection for as long as somebody keeps the
 * exception. */
static inline int failed(void *channel, tls_status_t status)
{
    raise_made(PyObject_CallMethod(channel, "_failure", "i", (int)status));
    return -1;
}

/* Lets the subclass answer a question. */
static inline int answer(void *channel, tls_status_t question)
{
    PyObject *done = PyObject_CallMethod(channel, "_asked", "i", (int)question);

    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Has the events told, secrets for a key log among them. */
static inline int note(void *channel)
{
    PyObject *noted;

    if (!((ChannelHead *)channel)->wants_notes)
        return 0;
    noted = PyObject_CallMethod(channel, "_noted", NULL);
    Py_XDECREF(noted);
    return noted == NULL ? -1 : 0;
}

/* Whether an end without close_notify is an end: 1, 0, or -1 with an exception. */
static inline int truncated_is_end(void *channel)
{
    PyObject *is_end = PyObject_CallMethod(channel, "_truncated_is_end", NULL);
    int truth = is_end == NULL ? -1 : PyObject_IsTrue(is_end);

    Py_XDECREF(is_end);
    return truth;
}

/* Reads the size of the record whose header is there. Whether it can be one; if not, the library
 * says what is wrong with it, before more is taken. */
static inline bool begin_body(void *self)
{
    ChannelHead *channel = self;

    channel->header_len = 0;
    channel->body = channel->record = (size_t)channel->header[3] << 8 | channel->header[4];
    if (channel->header[0] >= 20 && channel->header[0] <= 24 && channel->body <= LARGEST_BODY)
        return true;
    channel->body = 0;
    return false;
}

/* Memory to read into, from Python. 0, or -1 with an exception. */
static inline int writable(PyObject *target, Py_buffer *buffer)
{
    if (PyObject_GetBuffer(target, buffer, PyBUF_WRITABLE) == 0)
        return 0;
    if (PyErr_ExceptionMatches(PyExc_BufferError))
        PyErr_SetString(PyExc_TypeError, "read() argument 2 must be read-write bytes-like object");
    return -1;
}

typedef ptrdiff_t ReadInto(void *channel, void *plain, size_t size);

enum { NO_MEMORY = -1000 }; /* no status */

/* Reads up to `room` plain bytes into new ones. How many, a negative status, or NO_MEMORY with an
 * exception. */
static inline ptrdiff_t read_new(ReadInto *read_into, void *channel, size_t room, PyObject **plain)
{
    ptrdiff_t got;

    if (room <= SMALL) {
        char small[SMALL];

        got = read_into(channel, small, room);
        if (got > 0 && (*plain = PyBytes_FromStringAndSize(small, got)) == NULL)
            return NO_MEMORY;
        return got;
    }
    *plain = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    if (*plain == NULL)
        return NO_MEMORY;
    got = read_into(channel, PyBytes_AsString(*plain), room);
    if (got <= 0)
        Py_CLEAR(*plain);
    else if ((*plain = shortened(*plain, got)) == NULL)
        return NO_MEMORY;
    return got;
}

/* read()'s first argument. 0, or -1 with an exception. */
static inline int size_of_read(PyObject *argument, Py_ssize_t *size)
{
    *size = PyNumber_AsSsize_t(argument, PyExc_OverflowError);
    return *size == -1 && PyErr_Occurred() ? -1 : 0;
}

/* A read without a buffer that needs no byte: NULL with an exception. */
static inline PyObject *read_nothing(const void *channel, Py_ssize_t size)
{
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "size should not be negative");
        return NULL;
    }
    return entered(channel) < 0 ? NULL : PyBytes_FromStringAndSize(NULL, 0);
}

/* A new channel, of the module with this state. */
static inline PyObject *new_channel(PyTypeObject *type, PyObject *arguments, PyObject *names,
                                    Failures *failures)
{
    PyObject *self = new_object(type, arguments, names);

    if (self != NULL) {
        ((ChannelHead *)self)->failures = failures;
        pthread_mutex_init(&((ChannelHead *)self)->library, NULL);
    }
    return self;
}

/* The end of what CHANNEL_HEAD has. */
static inline void free_head(void *self)
{
    ChannelHead *channel = self;

    if (channel->conn != NULL)
        tls_free(channel->conn);
    channel->conn = NULL;
    pthread_mutex_destroy(&channel->library);
}

/* Whether wire bytes have moved. */
static inline bool has_moved(const void *self)
{
    tls_counters_t counters = {.size = sizeof(counters)};

    tls_counters(((const ChannelHead *)self)->conn, &counters);
    return counters.wire_in > 0 || counters.wire_out > 0;
}

/* Has the next step make another connection, of what is set by then. No operation is under way. */
static inline PyObject *channel_unmake(PyObject *self, PyObject *wants_notes)
{
    ChannelHead *channel = (ChannelHead *)self;
    int wanted = PyObject_IsTrue(wants_notes);

    if (wanted < 0 || entered(channel) < 0)
        return NULL;
    if (!holds(channel)) {
        PyErr_SetString(PyExc_RuntimeError, "who changes the connection holds it");
        return NULL;
    }
    channel->wants_notes = wanted;
    channel->unmade = true;
    tls_free(channel->conn);
    channel->conn = NULL;
    Py_RETURN_NONE;
}

/* Methods of both kinds of channel, whose `self` begins with CHANNEL_HEAD. */
static inline PyObject *channel_pending(PyObject *self, PyObject *unused)
{
    ptrdiff_t pending;

    (void)unused;
    if (hold_open(self) < 0)
        return NULL;
    pending = tls_plain_pending(((ChannelHead *)self)->conn);
    let_go(self);
    return PyLong_FromSsize_t(pending > 0 ? pending : 0);
}

static inline PyObject *channel_take_notes(PyObject *self, PyObject *unused)
{
    (void)unused;
    ((ChannelHead *)self)->wants_notes = true;
    Py_RETURN_NONE;
}

static inline PyObject *channel_hold(PyObject *self, PyObject *unused)
{
    (void)unused;
    /* After its end there are facts that are kept elsewhere. */
    if (!((ChannelHead *)self)->opened)
        return none_or_error(entered(self));
    hold(self);
    Py_RETURN_NONE;
}

static inline PyObject *channel_release(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!holds(self)) {
        PyErr_SetString(PyExc_RuntimeError, "this thread does not hold the connection");
        return NULL;
    }
    let_go(self);
    Py_RETURN_NONE;
}

static inline PyObject *channel_address(PyObject *self, void *unused)
{
    (void)unused;
    if (entered(self) < 0)
        return NULL;
    if (!holds(self)) {
        PyErr_SetString(PyExc_RuntimeError, "who calls the library holds the connection");
        return NULL;
    }
    if (make(self) < 0)
        return NULL;
    return PyLong_FromVoidPtr(((ChannelHead *)self)->conn);
}

static inline PyObject *channel_header(PyObject *self, void *unused)
{
    (void)unused;
    return PyBytes_FromStringAndSize((const char *)((ChannelHead *)self)->header, RECORD_HEADER);
}

#endif
