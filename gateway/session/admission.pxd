from gateway.recordings.live cimport Recording

cdef class Admission:
    cdef public object ending
    cdef public double touched
    cdef public object _time
    cdef public object _heavy
    cdef public object _judge
    cdef public Recording _recording
    cdef public object _lease
    cdef public long _layers
    cdef public bint _synced
    cdef public object _lost
    cdef public long _next

    cpdef object admit_now(self, unit)
    cpdef object decide(self, unit)
