cdef class VerdictCache:
    cdef public Py_ssize_t _entries
    cdef public Py_ssize_t _size
    cdef public Py_ssize_t _held
    cdef public dict _exact
    cdef public dict _masked

    cpdef object lookup(self, bytes text, context)
    cpdef object judge(self, bytes text, context)
