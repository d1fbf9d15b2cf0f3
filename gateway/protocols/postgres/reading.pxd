from gateway.protocols.postgres.exchange cimport Exchange

cdef class Reading:
    cdef public object transport
    cdef public object server
    cdef public Exchange exchange
    cdef public object _buffer
    cdef public bint _held
    cdef public bint _drain
    cdef public long _paused
    cdef public list _out
    cdef public bint _unflushed

    cpdef take(self, bytes data)
    cpdef pause(self)
    cpdef resume(self)
    cpdef _hold(self)
    cpdef _release(self)
    cpdef drained(self)
    cpdef _wait_for_answers(self)
    cpdef bint _admit(self, unit, then) except -1
    cpdef _forward(self)
