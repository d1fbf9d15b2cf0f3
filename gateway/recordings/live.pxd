cimport cython

from gateway.recordings.tail cimport Tail

cdef class Recording:
    cdef public object session
    cdef public object opened
    cdef public object probed
    cdef public object started_us
    cdef public bytes key
    cdef public object wrapped_key
    cdef public object keep_days
    cdef public object on_lost
    cdef public object previous
    cdef public object unsealed
    cdef public object sealing
    cdef public Py_ssize_t generation
    cdef public bint complete
    cdef public bint over
    cdef public object ended
    cdef public object owed
    cdef public object ended_ns
    cdef public Py_ssize_t frames
    cdef public Py_ssize_t units
    cdef public Py_ssize_t refused
    cdef public Py_ssize_t bytes
    cdef public object _folder
    cdef public Py_ssize_t _max_bytes
    cdef public object _executor
    cdef public object _rotated
    cdef public object _closed
    cdef public tuple _watches
    cdef public object _lost
    cdef public object _filled
    cdef public Py_ssize_t _synced
    cdef public Py_ssize_t _named
    cdef public object _syncing
    cdef public Tail _tail

    @cython.locals(tail=Tail, size=Py_ssize_t, is_unit=bint)
    cpdef write(self, frame)
