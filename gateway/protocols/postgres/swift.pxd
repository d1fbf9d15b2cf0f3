cimport cython

from gateway.protocols.postgres cimport wire
from gateway.protocols.postgres.client cimport ClientSide
from gateway.protocols.postgres.exchange cimport Exchange
from gateway.protocols.postgres.names cimport Portal, Prepared
from gateway.protocols.postgres.server cimport ServerSide
from gateway.protocols.postgres.units cimport Awaited

@cython.locals(kind=long)
cpdef bint send(ClientSide client, bytes data) except -1

cdef bint _send_query(ClientSide client, bytes data) except -1

@cython.locals(
    exchange=Exchange, position=Py_ssize_t, after=Py_ssize_t, shape=long, prepared=Prepared, awaited=Awaited,
    tail=bytes,
)
cdef bint _send_bound(ClientSide client, bytes data) except -1

cdef bint _changes_session(judged) except -1

@cython.locals(exchange=Exchange)
cdef Awaited _forward(ClientSide client, bytes data, outcome, long shape)

@cython.locals(
    position=Py_ssize_t, end=Py_ssize_t, after=Py_ssize_t, shape=long, rows=Py_ssize_t, exchange=Exchange,
)
cpdef bint answer(ServerSide server, Awaited head, bytes data) except -1

@cython.locals(shape=long, parse=Awaited, bind=Awaited, execute=Awaited, portal=Portal)
cpdef bint spell_out(Exchange exchange, Awaited head) except -1
