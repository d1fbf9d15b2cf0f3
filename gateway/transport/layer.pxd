cimport cython

cdef class TlsLayer:
    cdef public object _above
    cdef public object _incoming
    cdef public object _outgoing
    cdef public object _tls
    cdef public object _decipher
    cdef public object _cipher
    cdef public object _raw
    cdef public int _handle
    cdef public bint _queued
    cdef public bint _begun
    cdef public long _state
    cdef public bint _paused
    cdef public bint _ended
    cdef public bint _told
    cdef public bint _sent_end
    cdef public object _timer
    cdef public object shaken

    cpdef data_received(self, bytes data)
    cpdef _shake(self)
    cpdef _fail(self, error)
    @cython.locals(data=bytes, found=bytes, more=list, size=Py_ssize_t, ended=bint, rest=Py_ssize_t)
    cpdef _deliver(self)
    cpdef _over(self)
    cpdef _discard(self)
    cpdef _broken(self, error)
    @cython.locals(sent=Py_ssize_t)
    cpdef write(self, data)
    cpdef _flush(self)
    cpdef bint _say_end(self) except -1
    cpdef bint is_closing(self)
    cpdef close(self)
