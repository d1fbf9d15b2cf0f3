cdef class VerdictCache:
    cdef Py_ssize_t _entries
    cdef Py_ssize_t _size
    cdef Py_ssize_t _held
    cdef dict _exact
    cdef dict _masked

    cpdef object lookup(self, bytes text, context)
    cpdef object judge(self, bytes text, context)
