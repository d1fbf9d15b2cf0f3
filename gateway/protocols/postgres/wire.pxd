cimport cython

@cython.locals(high=Py_ssize_t)
cpdef Py_ssize_t uint16(bytes data, Py_ssize_t at) except -1

@cython.locals(first=Py_ssize_t, second=Py_ssize_t, third=Py_ssize_t)
cpdef Py_ssize_t uint32(bytes data, Py_ssize_t at) except -1

@cython.locals(count=Py_ssize_t, each=Py_ssize_t)
cpdef tuple shorts(bytes data, Py_ssize_t at)

@cython.locals(name_end=Py_ssize_t, text_end=Py_ssize_t, at=Py_ssize_t, count=Py_ssize_t, each=Py_ssize_t)
cpdef object parse_parse(bytes body)

@cython.locals(
    portal_end=Py_ssize_t, statement_end=Py_ssize_t, at=Py_ssize_t, count=Py_ssize_t, size=Py_ssize_t,
    values=list, formats=tuple,
)
cpdef object parse_bind(bytes data, Py_ssize_t position, Py_ssize_t after)
