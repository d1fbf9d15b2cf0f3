cimport cython

from gateway.protocols.postgres cimport wire
from gateway.protocols.postgres.exchange cimport Exchange
from gateway.protocols.postgres.names cimport Names, Portal, Prepared
from gateway.protocols.postgres.refusing cimport Refusing
from gateway.protocols.postgres.units cimport Awaited

cdef class Statements(Refusing):
    cpdef Py_ssize_t _statement(self, long kind, bytes data, Py_ssize_t position, Py_ssize_t after) except -1
    cpdef Py_ssize_t _query(self, bytes data, Py_ssize_t position, Py_ssize_t after) except -1
    cpdef Py_ssize_t _parse(self, bytes data, Py_ssize_t position, Py_ssize_t after) except -1
    cpdef Py_ssize_t _bind(self, bytes data, Py_ssize_t position, Py_ssize_t after) except -1
    cpdef Py_ssize_t _other(self, long kind, bytes data, Py_ssize_t position, Py_ssize_t after) except -1
    cpdef Py_ssize_t _execute(self, bytes data, Py_ssize_t position, Py_ssize_t after) except -1
    cpdef Py_ssize_t _close(self, bytes data, Py_ssize_t position, Py_ssize_t after) except -1
    cpdef _sync(self, bytes raw)
    cpdef _run(self, Portal portal, bytes raw)
    cpdef bint _no_portal_for(self, bytes name) except -1
    cpdef bint _bound_early(self, bytes portal) except -1
    cpdef _presume_portal(self, bytes name, outcome)
