cimport cython

cdef class Prepared:
    cdef public bytes name
    cdef public bytes text
    cdef public object number
    cdef public tuple types
    cdef public object judged
    cdef public long segment
    cdef public bint settled

cdef class Portal:
    cdef public bytes name
    cdef public object number
    cdef public object judged
    cdef public long segment
    cdef public bint settled
    cdef public Py_ssize_t rows
    cdef public long long started
    cdef public bytes text
    cdef public object paths
    cdef public bint executes
    cdef public long changes

cpdef bint tellable(bytes name)

cdef class Names:
    cdef public dict statements
    cdef public dict portals
    cdef public long changes

    cpdef bint unsettled(self, found, long segment)
    @cython.locals(before=Prepared)
    cpdef known_text(self, Prepared prepared)
    cpdef object set_statement(self, Prepared prepared)
    cpdef object set_portal(self, Portal portal)
    cpdef statement_done(self, Prepared prepared)
    cpdef portal_done(self, Portal portal)
    cpdef bint crowded(self, bytes portal)
    cpdef query_ran(self)
