"""Integers taken out of a text: compiled twin of ``mask.py``, which says what it does and is tested against it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

MASK = b"\xff"


cdef inline bint digit(unsigned char byte) noexcept:
    return 48 <= byte <= 57


cdef inline bint joins(unsigned char byte) noexcept:
    """Whether a digit beside it is part of something larger."""
    return 48 <= byte <= 57 or 97 <= byte <= 122 or 65 <= byte <= 90 or byte == 95 or byte == 46


def masked(bytes text not None):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    cdef bytes room = PyBytes_FromStringAndSize(NULL, size)
    cdef unsigned char* read = <unsigned char*>PyBytes_AS_STRING(text)
    cdef unsigned char* made = <unsigned char*>PyBytes_AS_STRING(room)
    cdef Py_ssize_t at = 0, end, length = 0
    while at < size:
        if not digit(read[at]):
            made[length] = read[at]
            length += 1
            at += 1
            continue
        end = at + 1
        while end < size and digit(read[end]):
            end += 1
        if (at > 0 and joins(read[at - 1])) or (end < size and joins(read[end])):
            while at < end:
                made[length] = read[at]
                length += 1
                at += 1
        else:
            made[length] = 255
            length += 1
            at = end
    return room[:length]
