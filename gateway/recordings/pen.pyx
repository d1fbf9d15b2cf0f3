"""Compiled twin of ``pen.py``, which says what it does and is tested against it.

For a frame the interpreter's lock is kept over write(2) and fstat(2): they are over sooner than it could be given
away. For a block it is given away once: each time a sealing thread takes it back, the loop's thread waits.
"""

import errno
import os
from zlib import crc32

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport PyBUF_READ
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.errno cimport EINTR, ENOSPC, errno as last_error
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from posix.stat cimport fstat, struct_stat
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec
from posix.unistd cimport fdatasync, write


cdef inline void little(unsigned char* at, uint64_t value, int size) noexcept:
    cdef int each
    for each in range(size):
        at[each] = <unsigned char>(value >> (8 * each))


def append(int handle, bytes payload not None, *, bint linked):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
    cdef bytes frame = PyBytes_FromStringAndSize(NULL, size + 16)
    cdef unsigned char* start = <unsigned char*>PyBytes_AS_STRING(frame)
    cdef timespec clock
    cdef struct_stat status
    cdef uint64_t now
    cdef Py_ssize_t written
    clock_gettime(CLOCK_REALTIME, &clock)
    now = <uint64_t>clock.tv_sec * 1000000000 + <uint64_t>clock.tv_nsec
    little(start, <uint64_t>size, 4)
    little(start + 8, now, 8)
    memcpy(start + 16, PyBytes_AS_STRING(payload), size)
    little(start + 4, <uint32_t>crc32(PyMemoryView_FromMemory(<char*>start + 8, size + 8, PyBUF_READ)), 4)
    while True:
        written = write(handle, start, size + 16)
        if written >= 0 or last_error != EINTR:
            break
    if written < 0:
        raise OSError(last_error, os.strerror(last_error))
    if written != size + 16:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if linked:
        if fstat(handle, &status) != 0:
            raise OSError(last_error, os.strerror(last_error))
        if status.st_nlink == 0:
            raise OSError(errno.ENOENT, "the recordings folder is gone")
    return now


def keep(int handle, bytes data not None):
    cdef const char* at = PyBytes_AS_STRING(data)
    cdef Py_ssize_t left = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t written
    cdef struct_stat status
    cdef int failed = 0
    with nogil:
        while left > 0 and not failed:
            written = write(handle, at, left)
            if written > 0:
                at += written
                left -= written
            elif written == 0:
                failed = ENOSPC
            elif last_error != EINTR:
                failed = last_error
        while not failed and fdatasync(handle) != 0:
            if last_error != EINTR:
                failed = last_error
        if not failed and fstat(handle, &status) != 0:
            failed = last_error
    if failed:
        raise OSError(failed, os.strerror(failed))
    if status.st_nlink == 0:
        raise OSError(errno.ENOENT, "the recordings folder is gone")
