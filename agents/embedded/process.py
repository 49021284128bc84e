"""One child process per embedded server: started apart from the terminal, stopped in order, never left behind.

Knows nothing of Kafka or PostgreSQL.
"""

import ctypes
import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_S = 0.01
LOG_TAIL_LINES = 15

# Below the ports that Linux and macOS give to outgoing connections: a client that keeps dialling a stopped server from
# such a port can reach itself, and the server then finds its port taken.
_PORTS = range(20_000, 32_000)
_random = random.SystemRandom()  # not the shared generator, which tests seed alike in parallel runs

_PR_SET_PDEATHSIG = 1

# Linux sends the death signal when the forking *thread* ends; this one ends with the interpreter.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-servers")


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot run; the message is a sentence for the user."""


class ServerProcess:
    """A running server's process, and the lock on its directory, held until the last of its processes is gone."""

    def __init__(self, child: "subprocess.Popen[bytes]", lock: int, log: Path) -> None:
        """Takes over a started child and the locked file descriptor it inherited."""
        self._child = child
        self._lock = lock
        self._log = log

    @property
    def pid(self) -> int:
        """The server's process id, also after its end."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process still lives."""
        return self._child.poll() is None

    def wait_until(self, ready: Callable[[], bool], patience_s: float, name: str) -> None:
        """Returns once the server is ready; otherwise, or interrupted, ends it and raises, with the end of its log."""
        deadline = time.monotonic() + patience_s
        try:
            while not ready():
                if not self.running or time.monotonic() >= deadline:
                    failed = f"was not ready within {patience_s:g} s" if self.running else "ended while starting"
                    raise EmbeddedServerError(f"{name} {failed}. The end of {self._log}:\n{log_tail(self._log)}")
                time.sleep(POLL_S)
        except BaseException:
            self.stop(signal.SIGKILL, patience_s)
            raise

    def stop(self, how: signal.Signals, patience_s: float) -> None:
        """Sends the signal, waits, kills what has not ended by then; does nothing the second time."""
        if self.running:
            self._child.send_signal(how)
            try:
                self._child.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._child.kill()
        self._child.wait()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class EmbeddedServer:
    """What both servers share: a process that a `with` block stops."""

    def stop(self) -> None:
        """Ends the server cleanly and waits until it is gone."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def lock_directory(directory: Path, patience_s: float) -> int:
    """Locks the directory for one server and returns the descriptor to hand to it.

    The server inherits the descriptor, so the lock outlives a killed parent for exactly as long as the server does:
    whoever holds it knows that no process of an earlier run is still writing there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience_s
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        if time.monotonic() >= deadline:
            os.close(lock)
            raise EmbeddedServerError(
                f"Another server already runs on {directory}; stop it, or set another HXI_DATA_DIR."
            )
        time.sleep(POLL_S)


def wait_until_left(directory: Path, patience_s: float) -> None:
    """Returns once no process holds the directory's lock, whoever started it; raises as `lock_directory` does."""
    os.close(lock_directory(directory, patience_s))


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    lock: int,
    death_signal: signal.Signals,
    env: Mapping[str, str] | None = None,
    become: Callable[[], None] | None = None,
) -> ServerProcess:
    """Starts the command in a session of its own, its output appended to the log.

    The own session keeps the terminal's Ctrl-C away: the caller stops its servers in its own order. On Linux the server
    gets `death_signal` when this process ends, however it ends.
    """
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    parent = os.getpid()

    def before_exec() -> None:
        if become is not None:
            become()
        if libc is not None:  # after `become`: changing the user clears it
            libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # the parent ended in between
                os._exit(1)

    try:
        with log.open("ab") as output:
            child = _spawner.submit(
                subprocess.Popen,
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                pass_fds=(lock,),
                start_new_session=True,
                preexec_fn=before_exec,
            ).result()
    except (OSError, subprocess.SubprocessError) as error:
        os.close(lock)
        raise EmbeddedServerError(f"Cannot start {command[0]}: {error}.") from error
    return ServerProcess(child, lock, log)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    for port in _random.sample(_PORTS, 100):
        if is_free(port):
            return port
    raise EmbeddedServerError(f"There is no free port between {_PORTS.start} and {_PORTS.stop}.")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def log_tail(log: Path) -> str:
    """The log's last lines, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
