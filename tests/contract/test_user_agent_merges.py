"""What every sink keeps of user agents, in whatever order flushes come, and whoever judged them before."""

from itertools import permutations
from typing import Any

import pytest

from pipeline.user_agents import JUDGED_BY, judged
from schema.rows import UserAgentRow
from tests.builders import Owner, facts, kept, numbered
from tests.contract.conftest import Store

PHONE = "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0"
BOT = "Googlebot/2.1"
LONG = "x" * 100_000
NAMES = [PHONE, BOT, LONG, "é\U0001f600"]


def kept_of(store: Store) -> list[dict[str, Any]]:
    """Return what is kept of user agents, in the order of their digests."""
    return sorted(store.table("hxi_state.user_agents"), key=lambda row: bytes(row["digest"]))


def expected(*names: str) -> list[dict[str, Any]]:
    """Return what should be."""
    return [row._asdict() for row in sorted(judged(name) for name in names)]


@pytest.mark.parametrize("order", list(permutations(NAMES, 3)))
async def test_every_user_agent_that_an_event_names_is_kept_once(store: Store, order: tuple[str, ...]) -> None:
    owner = await Owner.of(store.sink)
    events = [kept(n, facts=facts(user_agent=name)) for n, name in enumerate((*order, order[0]))]
    await owner.write(*events[:2], kept(8), kept(9, facts=facts(device_id="1")))
    await owner.write(*events[1:])
    assert kept_of(store) == expected(*order)
    assert store.table("sessions")[0]["user_agent"] == order[0]


async def test_whoever_writes_last_has_judged_by_its_lists(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_other_lists(name: str) -> UserAgentRow:
        return judged(name)._replace(browser="other", is_bot=True, judged_by="other lists 1")

    owner = await Owner.of(store.sink)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.user_agents.judged", of_other_lists)
        await owner.write(*(kept(n, facts=facts(user_agent=name)) for n, name in enumerate(NAMES)))
        assert kept_of(store) == [row._asdict() for row in sorted(map(of_other_lists, NAMES))]
    await owner.write(kept(9, session_id=numbered(9), facts=facts(user_agent=PHONE)))
    assert [row for row in kept_of(store) if row["judged_by"] == JUDGED_BY] == expected(PHONE)
    assert len(kept_of(store)) == len(NAMES)
