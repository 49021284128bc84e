"""The demo leaves nothing behind, whenever it is interrupted."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.commands.demo import _environment, _worker
from agents.commands.dev import SIGNALS, Stopped, stop_on_signals
from agents.settings import Settings


@pytest.fixture
def stopped_by_signals() -> Iterator[None]:
    """Have signals handled as the demo has them; the test's own handlers come back."""
    before = {known: signal.getsignal(known) for known in SIGNALS}
    stop_on_signals()
    yield
    for known, handler in before.items():
        signal.signal(known, handler)


@pytest.mark.usefixtures("stopped_by_signals")
@pytest.mark.parametrize("number", sorted(SIGNALS))
def test_an_interrupt_while_the_worker_is_being_started_stops_that_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def interrupted(command: list[str], **others: Any) -> "subprocess.Popen[bytes]":
        started.append(popen([sys.executable, "-c", "import signal; signal.pause()"], **others))
        os.kill(os.getpid(), number)
        return started[-1]

    monkeypatch.setattr("agents.commands.demo.subprocess.Popen", interrupted)
    with pytest.raises(Stopped), _worker(Settings(), tmp_path):
        pytest.fail("the interrupt was lost")
    (process,) = started
    try:
        assert process.wait(5) == -signal.SIGTERM
    finally:
        process.kill()


def test_a_worker_at_embedded_servers_is_told_nothing_that_was_meant_for_others(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    ours = {
        "HXI_KAFKA_BOOTSTRAP": "",
        "HXI_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "HXI_KAFKA_SASL_USERNAME": "anna",
        "HXI_KAFKA_SASL_PASSWORD": "secret",
        "HXI_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
        "HXI_APP_ID": "x",
    }
    settings = Settings(database_url="postgresql://d").at_own_broker("k:1")
    embedded = {"HXI_KAFKA_BOOTSTRAP": "k:1", "HXI_DATABASE_URL": "postgresql://d"}
    assert _environment(settings, ours) == embedded | {"HXI_APP_ID": "x"}
    elsewhere = ours | {"HXI_KAFKA_BOOTSTRAP": "there:1", "HXI_DATABASE_URL": "postgresql://there"}
    assert _environment(settings, elsewhere) == elsewhere
