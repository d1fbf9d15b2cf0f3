from gateway.protocols.postgres.reading cimport Reading

cdef class Refusing(Reading):
    cdef public bint _doomed
    cdef public object _doom
    cdef public dict _doomed_texts
