"""Starts processes that cannot outlive the tests, even tests that are killed. Never stops one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

# Becomes the command, after asking Linux for SIGKILL (9) when its parent ends (PR_SET_PDEATHSIG, 1). A program of its
# own and not Popen's preexec_fn, because Python code between fork and exec may hang in a process with threads.
_DIE_WITH_PARENT: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):  # the parent was gone before the line above
    sys.exit("its parent has ended")
os.execvp(sys.argv[2], sys.argv[2:])
"""

# Linux sends the death signal when the *thread* that forked ends, not the process. All children are started from this
# thread, which ends with the interpreter, so that a test may start a server from a short-lived thread.
_spawner: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def spawn(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in its own session, its output appended to a file.

    The terminal's Ctrl-C does not reach it. On Linux it is killed when this process ends, however it ends.

    Args:
        command: The program and its arguments.
        log: The file that gets its standard output and error.
        env: Its whole environment; this process's by default.
        cwd: Its working directory; this process's by default.
    """
    return _spawner.submit(_spawn, command, log, env, cwd).result()


def _spawn(
    command: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str] | None,
    cwd: Path | None,
) -> subprocess.Popen[bytes]:
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
