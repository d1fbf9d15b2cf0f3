cimport cython

from gateway.protocols.postgres cimport swift, wire
from gateway.protocols.postgres.exchange cimport Exchange
from gateway.protocols.postgres.statements cimport Statements

cdef class ClientSide(Statements):
    cdef public Py_ssize_t _most
    cdef public bint _swift
    cdef public Py_ssize_t _need
    cdef public Py_ssize_t _discard

    @cython.locals(exchange=Exchange)
    cpdef data_received(self, bytes data)
    @cython.locals(
        position=Py_ssize_t, end=Py_ssize_t, until=double, kind=long, size=Py_ssize_t, after=Py_ssize_t,
        step=Py_ssize_t,
    )
    cpdef take(self, bytes data)
    cpdef bint _incomplete(self, long kind, Py_ssize_t size, bytes head) except -1
