cimport cython

from gateway.protocols.postgres cimport swift, wire
from gateway.protocols.postgres.exchange cimport Exchange
from gateway.protocols.postgres.units cimport Awaited

cdef class ServerSide:
    cdef public Exchange exchange
    cdef public object transport
    cdef public object client
    cdef public bint said_fatal
    cdef public object quiet
    cdef public bint _keep_results
    cdef public object _on_parameter
    cdef public bytes _buffer
    cdef public Py_ssize_t _row_rest
    cdef public long _paused
    cdef public bint _held
    cdef public list _notices
    cdef public Py_ssize_t _seen
    cdef public Py_ssize_t _marked
    cdef public Py_ssize_t _rows
    cdef public list _out
    cdef public bint _silent

    @cython.locals(head=Awaited)
    cpdef data_received(self, bytes data)
    cpdef pause(self)
    cpdef resume(self)
    @cython.locals(end=Py_ssize_t, position=Py_ssize_t, start=Py_ssize_t, kept=Py_ssize_t, kind=long, after=Py_ssize_t)
    cpdef _take(self, bytes data)
    @cython.locals(rows=Py_ssize_t, kind=long, size=Py_ssize_t)
    cpdef Py_ssize_t _skip_rows(self, bytes data, Py_ssize_t position, Py_ssize_t end) except -1
    cpdef _finish_read(self, bytes data, Py_ssize_t start, Py_ssize_t position)
    @cython.locals(exchange=Exchange)
    cpdef object _message(self, long kind, bytes data, Py_ssize_t position, Py_ssize_t after)
    cpdef _confirmed(self, long kind)
    cpdef Awaited _next(self, long kind)
    @cython.locals(exchange=Exchange)
    cpdef object _completed(self, Awaited head, bytes tag, Py_ssize_t position)
    @cython.locals(exchange=Exchange, head=Awaited)
    cpdef _ready(self, long status, Py_ssize_t position)
    cpdef _answered(self, Awaited awaited, Py_ssize_t position)
    cpdef _keep(self, bytes data, Py_ssize_t start, Py_ssize_t position)
