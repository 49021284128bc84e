"""A server that answers soon is waited for on the spot; one that does not is waited for beside others."""

import socket
from collections.abc import Generator, Iterator

import pytest
from psycopg.waiting import Ready, Wait

from pipeline.sinks.prompt import promptly


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our end of a connection, and the server's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def reading(ours: socket.socket, answers: int) -> Generator[Wait, Ready | int, list[bytes]]:
    """Read so many answers of one byte, as psycopg does: one step each."""
    read = []
    for _ in range(answers):
        ready = yield Wait.R
        if ready == Ready.R:
            read.append(ours.recv(1))
    return read


def asking(ours: socket.socket) -> Generator[Wait, Ready | int, bytes]:
    """Write a question once that is possible, and read the answer."""
    assert (yield Wait.W) == Ready.W
    assert (yield Wait.R) == Ready.R
    return ours.recv(1)


def test_nobody_else_runs_where_the_answer_is_there(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(b"ab")
    with pytest.raises(StopIteration) as done:
        next(promptly(reading(ours, 2), ours.fileno()))
    assert done.value.value == [b"a", b"b"]


def test_others_run_while_there_is_no_answer(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    steps = promptly(reading(ours, 2), ours.fileno())
    assert next(steps) == Wait.R
    assert steps.send(Ready.NONE) == Wait.R  # nothing yet, as after psycopg's interval
    theirs.sendall(b"b")
    with pytest.raises(StopIteration) as done:
        steps.send(Ready.R)
    assert done.value.value == [b"b"]


def test_to_write_is_asked_of_the_loop(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(b"a")
    steps = promptly(asking(ours), ours.fileno())
    assert next(steps) == Wait.W
    with pytest.raises(StopIteration) as done:
        steps.send(Ready.W)
    assert done.value.value == b"a"


def test_a_connection_that_was_hung_up_counts_as_answered(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = ends
    ours.shutdown(socket.SHUT_RDWR)
    with pytest.raises(StopIteration) as done:
        next(promptly(reading(ours, 1), ours.fileno()))
    assert done.value.value == [b""]
