cdef class Tail:
    cdef public object path
    cdef public object header
    cdef public int handle
    cdef public Py_ssize_t start
    cdef public Py_ssize_t size
    cdef public list times
