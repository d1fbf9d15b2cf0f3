from gateway.judge.postgres.cache cimport VerdictCache
from gateway.protocols.postgres.names cimport Names, Portal

cdef class Following:
    cdef public object _feed
    cdef public VerdictCache _cache
    cdef public Names _names
    cdef public object _prepared
    cdef public object _role
    cdef public object _start_path
    cdef public object _paths
    cdef public object _before
    cdef public object _after
    cdef public object _seen
    cdef public bint _moved
    cdef public bint _recoding
    cdef public bint _declaring
    cdef public object codec
    cdef public bint in_flight
    cdef public object last_path
    cdef public object _context

    cpdef object _current(self)
    cpdef bint known(self, unit) except -1
    cpdef bytes _utf8(self, bytes text)
    cpdef object judge(self, unit)
    cpdef object _in_session(self, found, unit, bytes text)
    cpdef bound(self, Portal portal, text)
    cpdef bint may_run(self, Portal portal) except -1
    cpdef bint must_settle(self, bytes text) except -1
    cpdef admitted(self, judged)
    cpdef rested(self)
    cpdef settle(self, long status)
