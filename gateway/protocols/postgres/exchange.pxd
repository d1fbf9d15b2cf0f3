from gateway.protocols.postgres.following cimport Following
from gateway.protocols.postgres.names cimport Names

cdef class Exchange:
    cdef public object session
    cdef public Following following
    cdef public Names names
    cdef public object awaited
    cdef public long segment
    cdef public bint skipping
    cdef public long batch
    cdef public object drafted
    cdef public object ending
    cdef public object client
    cdef public object server
    cdef public object _jobs
    cdef public object _wake

    cpdef transaction_over(self)
    cpdef ready(self, long status)
