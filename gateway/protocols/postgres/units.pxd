cdef class Awaited:
    cdef public long kind
    cdef public object number
    cdef public long long started
    cdef public object judged
    cdef public Py_ssize_t statement
    cdef public Py_ssize_t rows
    cdef public object tag
    cdef public object failure
    cdef public object refused
    cdef public object answer
    cdef public object prepared
    cdef public object portal
    cdef public object before
    cdef public object unit
