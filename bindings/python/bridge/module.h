/* What a module of the bridge is made of: its state, its types, bytes.
 *
 * Only CPython's limited API is used here and in what includes this, so that one binary is for all
 * versions. Nothing is kept in C variables: what a module needs is in its state, one for each
 * interpreter, and each object has a pointer to it. It lives as long as the object, whose type
 * holds the module.
 */
#ifndef TLSBIO_BRIDGE_MODULE_H
#define TLSBIO_BRIDGE_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include <tlsbio.h>

/* ---- Modules -------------------------------------------------------------------------------- */

static inline PyObject *imported(const char *module, const char *name)
{
    PyObject *from = PyImport_ImportModule(module), *object;

    if (from == NULL)
        return NULL;
    object = PyObject_GetAttrString(from, name);
    Py_DECREF(from);
    return object;
}

/* The state of the module of this definition, for a type of it or one derived from that. */
static inline void *state_of(PyTypeObject *type, const PyModuleDef *definition)
{
    for (; type != NULL; type = PyType_GetSlot(type, Py_tp_base)) {
        PyObject *module = PyType_GetModule(type);

        if (module == NULL)
            PyErr_Clear();
        else if (PyModule_GetDef(module) == definition)
            return PyModule_GetState(module);
    }
    PyErr_SetString(PyExc_SystemError, "a type of tlsbio without its module");
    return NULL;
}

/* A new object, with nothing in it. Arguments are for an __init__ of a subclass. */
static inline PyObject *new_object(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    bool given = PyTuple_Size(arguments) > 0 || (names != NULL && PyDict_Size(names) > 0);

    if (given &&
        PyType_GetSlot(type, Py_tp_init) == PyType_GetSlot(&PyBaseObject_Type, Py_tp_init)) {
        PyErr_Format(PyExc_TypeError, "%R takes no arguments", type);
        return NULL;
    }
    return allocate(type, 0);
}

/* The end of an object, whose own parts are gone. */
static inline void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

    release(self);
    Py_DECREF(type);
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* Shortens bytes that nobody else has seen. A small excess stays behind them: giving it back would
 * leave holes between larger blocks, into which something comes to lie that lives longer than
 * those. NULL with an exception. */
static inline PyObject *shortened(PyObject *bytes, Py_ssize_t size)
{
    char *content = PyBytes_AsString(bytes);
    PyObject *shorter;

    if (Py_SIZE(bytes) - size <= size / 8) {
        Py_SET_SIZE((PyVarObject *)bytes, size);
        content[size] = '\0';
        return bytes;
    }
    shorter = PyBytes_FromStringAndSize(content, size);
    Py_DECREF(bytes);
    return shorter;
}

#endif
