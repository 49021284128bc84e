"""The proxy of the fault suite passes bytes on unchanged, and does to connections what it says and nothing else."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.deployment import wait_until
from tests.servers.conversations import ToKafka
from tests.servers.link import Conversation, Shape
from tests.servers.proxy import Proxy
from tests.servers.talk import Echo, ask, connected, hears_nothing, receive

MEGABYTES = Random(1).randbytes(5 * 1024 * 1024)
PIECE = 100_000
QUICK_S = 0.3
"""Long enough for a proxy to pass on what it must not; nothing depends on its length when all is well."""


def in_requests(data: bytes) -> bytes:
    """Return the data as Kafka requests, some of them longer than what the proxy reads at once."""
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    return b"".join(struct.pack(">ih", len(piece) + 2, 0) + piece for piece in pieces)


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port) as between:
        yield between


@pytest.mark.parametrize(
    ("conversation", "sent"),
    [(None, MEGABYTES), (ToKafka, in_requests(MEGABYTES))],
    ids=["as they come", "cut into requests"],
)
def test_megabytes_come_through_unchanged_in_both_directions(
    echo: Echo, conversation: Callable[[], Conversation] | None, sent: bytes
) -> None:
    with Proxy(echo.port, conversation) as proxy, connected(proxy.port) as client:
        talking = threading.Thread(target=client.sendall, args=(sent,))
        talking.start()
        assert receive(client, len(sent)) == sent
        talking.join()
        wait_until(lambda: proxy.passed_bytes == 2 * len(sent), "all bytes are counted", 5)


def test_an_end_is_passed_on_as_an_end_after_the_last_byte(echo: Echo, proxy: Proxy) -> None:
    with connected(proxy.port) as client:
        talking = threading.Thread(target=client.sendall, args=(MEGABYTES,))
        talking.start()
        wait_until(lambda: proxy.passed_bytes > len(MEGABYTES) // 8, "the echo is held up by a client that waits", 5)
        received = receive(client, len(MEGABYTES) // 2)
        talking.join()
        client.shutdown(socket.SHUT_WR)
        wait_until(lambda: echo.ends == ["closed"], "the server has sent all and closed", 5)
        received += receive(client, len(MEGABYTES) - len(received))
        assert received == MEGABYTES
        assert client.recv(1) == b""
    wait_until(lambda: proxy.connections == 0, "the proxy has let go", 5)


def test_a_reset_is_seen_by_both_sides_and_the_next_connection_works(echo: Echo, proxy: Proxy) -> None:
    with connected(proxy.port) as client:
        assert ask(client, b"hello") == b"hello"
        assert proxy.reset() == 1
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    wait_until(lambda: echo.ends == ["reset"], "the server was told", 5)
    with connected(proxy.port) as client:
        assert ask(client, b"again") == b"again"


def test_after_a_cut_every_connection_is_reset_until_mended(echo: Echo, proxy: Proxy) -> None:
    with connected(proxy.port) as client:
        assert ask(client, b"hello") == b"hello"
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    for refused in (1, 2):
        with pytest.raises(ConnectionResetError), connected(proxy.port) as client:
            client.recv(1)
        assert proxy.refused == refused
    wait_until(lambda: echo.ends == ["reset"], "the server was told, and of the others it knows nothing", 5)
    proxy.mend()
    with connected(proxy.port) as client:
        assert ask(client, b"again") == b"again"


def test_a_server_that_is_not_there_looks_like_one_to_clients() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with Proxy(port) as proxy, pytest.raises(ConnectionResetError), connected(proxy.port) as client:
        client.recv(1)


def test_a_client_that_resets_while_the_server_waits_leads_to_a_reset_there(echo: Echo, proxy: Proxy) -> None:
    client = connected(proxy.port)
    assert ask(client, b"hello") == b"hello"
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    wait_until(lambda: echo.ends == ["reset"], "the server was told", 5)
    wait_until(lambda: proxy.connections == 0, "the proxy has let go", 5)


def test_what_stalls_is_kept_and_comes_through_once_mended(proxy: Proxy) -> None:
    with connected(proxy.port) as client:
        assert ask(client, b"hello") == b"hello"
        assert proxy.stall() == 1
        client.sendall(b"kept")
        assert hears_nothing(client, QUICK_S)
        assert proxy.connections == 1
        proxy.mend()
        assert receive(client, 4) == b"kept"


def test_a_stalled_proxy_takes_connections_and_answers_none_before_it_is_mended(proxy: Proxy) -> None:
    proxy.stall()
    with connected(proxy.port) as client:
        client.sendall(b"kept")
        assert hears_nothing(client, QUICK_S)
        proxy.mend()
        assert receive(client, 4) == b"kept"


@pytest.mark.parametrize("resets", [False, True], ids=["closes", "resets"])
def test_silence_tells_nobody_whatever_a_side_does(echo: Echo, proxy: Proxy, resets: bool) -> None:
    client = connected(proxy.port)
    assert ask(client, b"hello") == b"hello"
    assert proxy.silence() == 1
    client.sendall(b"lost")
    assert hears_nothing(client, QUICK_S)
    with connected(proxy.port) as other:
        assert ask(other, b"others work") == b"others work"
        if resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert hears_nothing(other, QUICK_S)
        assert echo.ends == []
    wait_until(lambda: proxy.connections == 1, "the other has closed", 5)
    assert echo.ends == ["closed"]
    assert proxy.reset() == 1
    wait_until(lambda: echo.ends == ["closed", "reset"], "the server was told in the end", 5)


def test_mending_does_not_break_a_silence(proxy: Proxy) -> None:
    with connected(proxy.port) as client:
        assert ask(client, b"hello") == b"hello"
        proxy.silence()
        client.sendall(b"lost")
        proxy.mend()
        assert hears_nothing(client, QUICK_S)


def test_latency_takes_its_time_in_each_direction(proxy: Proxy) -> None:
    with connected(proxy.port) as client:
        assert ask(client, b"hello") == b"hello"
        proxy.slow_down(Shape(latency_s=0.2))
        began = time.monotonic()
        assert ask(client, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.4
        proxy.slow_down(Shape())
        assert ask(client, b"hello") == b"hello"


def test_a_rate_is_an_upper_bound_on_what_passes(proxy: Proxy) -> None:
    slow = MEGABYTES[:400_000]
    proxy.slow_down(Shape(bytes_per_s=1_000_000))
    with connected(proxy.port) as client:
        began = time.monotonic()
        assert ask(client, slow) == slow
        assert time.monotonic() - began >= 0.4


def test_jitter_changes_no_order(proxy: Proxy) -> None:
    proxy.slow_down(Shape(latency_s=0.01, jitter_s=0.01))
    numbers = [struct.pack(">i", number) for number in range(50)]
    with connected(proxy.port) as client:
        for number in numbers:
            client.sendall(number)
        assert receive(client, 200) == b"".join(numbers)
