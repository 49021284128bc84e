"""PostgreSQL connections: how they are opened, and which failures may pass by themselves."""

import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Timer
from traceback import clear_frames
from typing import Any, TypeVar

import psycopg
from psycopg import errors, postgres, pq
from psycopg.abc import PQGen
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.conninfo import make_conninfo
from psycopg.types.array import ListBinaryDumper
from psycopg.types.string import BytesBinaryDumper

from pipeline.sinks.contract import RowsRejected, Unavailable
from pipeline.sinks.prompt import promptly
from schema.sql import query

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5
ANSWERS_WITHIN_S = 10.0
"""What takes a server no time: longer, and the network has eaten the question or the answer."""
LOCK_TIMEOUT_MS = 30_000
"""A ledger row is held for one flush. Stuck owners among our own are ended sooner: see ``watching``."""
STATEMENT_TIMEOUT_MS = 60_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 20_000
"""A paused worker must not hold the ledger: the server ends its transaction."""
TCP_USER_TIMEOUT_MS = 15_000
KEEPALIVE_S = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""For both sides: a peer whose host is gone is noticed within half a minute, where Linux alone takes two hours."""

_REACHING: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "tcp_user_timeout": TCP_USER_TIMEOUT_MS,
    **KEEPALIVE_S,
}
_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
    "tcp_user_timeout": str(TCP_USER_TIMEOUT_MS),
} | {f"tcp_{name}": str(value) for name, value in KEEPALIVE_S.items()}
_SET_ALL = f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(_SETTINGS))}, pg_backend_pid()"
_NAMES_AND_VALUES = [text for setting in _SETTINGS.items() for text in setting]

_NAME_LENGTH = 63
"""As much as PostgreSQL keeps (NAMEDATALEN)."""

_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
    errors.ReadOnlySqlTransaction,
    errors.InsufficientPrivilege,
    errors.UniqueViolation,
)
"""Lost or refused connections, restarts, timeouts, deadlocks, a full disk, a standby; rights that
somebody took and can give back; and serial ids that others have
inserted by hand, which the sink skips before the next attempt."""

_REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.NotSupportedError)


class _RawJsonb(Dumper):
    """Sends JSON that ``schema.json_text`` has dumped as it is, behind JSONB's version byte."""

    format = pq.Format.BINARY
    oid = postgres.types["jsonb"].oid

    def dump(self, obj: bytes) -> bytes:
        return b"\x01" + obj


class Connection(psycopg.AsyncConnection[Any]):
    """A connection that knows the process which serves it, also through a pooler; ``is_prompt``: see ``prompt``."""

    pid: int
    is_prompt = False

    async def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        """Consume a generator of psycopg's, as all its methods do."""
        return await super().wait(promptly(gen, self.fileno()) if self.is_prompt else gen, *args, **kwargs)


async def fetch(connection: psycopg.AsyncConnection[Any], name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of the query in ``schema/sql/queries/<name>.sql``."""
    cursor = await connection.execute(query(name), parameters, binary=True)
    return await cursor.fetchall()


def session_name(app_id: str, role: str) -> str:
    """Return what PostgreSQL shows of a connection: of long application ids, what leaves room for the role."""
    return f"{app_id[: _NAME_LENGTH - 1 - len(role)]} {role}"


async def connect(url: str, application_name: str) -> Connection:
    """Open a connection in autocommit mode, in UTC, with bounded waits.

    Raises:
        Unavailable: the server cannot be reached, or lets nobody in.
    """
    try:
        connection = await Connection.connect(
            url,
            autocommit=True,
            application_name=application_name,
            **_REACHING,
        )
    except psycopg.Error as error:
        let_go(error)
        raise Unavailable(one_line(error)) from error
    try:
        adapt(connection.adapters)
        with answering(connection):
            (*_, connection.pid), *_ = await (await connection.execute(_SET_ALL, _NAMES_AND_VALUES)).fetchall()
    except psycopg.Error as error:
        await connection.close()
        raise Unavailable(one_line(error)) from error
    return connection


def adapt(adapters: AdaptersMap) -> None:
    """Have values sent as they are meant: JSON without a second dumping, bytes without DB-API's wrapping.

    And lists in binary: an id or instant in one takes 0.5 µs so; as text, which psycopg would choose, 4 to 6.
    """
    adapters.register_dumper(None, _RawJsonb)
    for of_type, dumper in ((bytes, BytesBinaryDumper), (list, ListBinaryDumper)):
        adapters.register_dumper(of_type, dumper)  # the last for a type is the one that is taken


def let_go(error: psycopg.Error) -> None:
    """Close what an attempt to connect has left open.

    An attempt that took too long is in a cycle with its error, and would hold one of the server's connections until
    the garbage collector comes by.
    """
    clear_frames(error.__traceback__)


def same_server(url: str, connection: Connection) -> str:
    """Return ``url`` with the one host of those in it, and the address of it, that ``connection`` goes to."""
    info = connection.info
    return make_conninfo(url, host=info.host, port=info.port, **({"hostaddr": info.hostaddr} if info.hostaddr else {}))


@contextmanager
def answering(connection: psycopg.BaseConnection[Any]) -> Iterator[None]:
    """Hang up on a server that does not answer what the block asks, so that the block fails.

    Where packets are lost without a word, the server's own timeouts end nothing, and a cancelled task would wait
    for the answer to its cancelling.
    """
    timer = Timer(ANSWERS_WITHIN_S, hang_up, (connection,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def hang_up(connection: psycopg.BaseConnection[Any]) -> None:
    """Close the connection beneath whoever waits on it, as the network would."""
    with suppress(psycopg.Error, OSError), wire(connection) as beneath:  # unless it is closed already
        beneath.shutdown(socket.SHUT_RDWR)


def wire(connection: psycopg.BaseConnection[Any]) -> socket.socket:
    """Return the socket beneath the connection; to close it leaves the connection open.

    Raises:
        psycopg.OperationalError, OSError: there is none any more.
    """
    return socket.socket(fileno=os.dup(connection.fileno()))


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn psycopg's errors into the contract's; what is neither is a defect and passes through."""
    try:
        yield
    except errors.ProgramLimitExceeded as error:  # an operational error to psycopg, and no better next time
        raise RowsRejected(one_line(error)) from error
    except _PASSING as error:
        raise Unavailable(one_line(error)) from error
    except _REFUSED as error:
        raise RowsRejected(one_line(error)) from error


def one_line(error: Exception) -> str:
    """Return what went wrong, without the values of the row that PostgreSQL adds below."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
