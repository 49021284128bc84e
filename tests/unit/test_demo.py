"""The demo leaves nothing behind, whenever it is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.commands.demo import _worker
from agents.settings import Settings


def test_an_interrupt_while_the_worker_is_being_started_stops_that_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def interrupted(command: list[str], **others: Any) -> "subprocess.Popen[bytes]":
        started.append(popen([sys.executable, "-c", "import signal; signal.pause()"], **others))
        os.kill(os.getpid(), signal.SIGINT)
        return started[-1]

    monkeypatch.setattr("agents.commands.demo.subprocess.Popen", interrupted)
    with pytest.raises(KeyboardInterrupt), _worker(Settings(), tmp_path):
        pytest.fail("the interrupt was lost")
    (process,) = started
    try:
        assert process.wait(5) == -signal.SIGTERM
    finally:
        process.kill()
