"""Micro: what each step on an event's way costs by itself, by pytest-benchmark, in memory and with caches warm.

A step takes all events of a load, in flushes as a backlog makes them; the quickest round counts.
"""

import gc
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.copy import FileWriter

from agents.embedded import Postgres
from agents.intake import MOST_IDS
from agents.pending import WORTH_CLOSING
from agents.worker import GARBAGE_THRESHOLD
from benchmarks.loads import LOADS
from benchmarks.rig import REPOSITORY, Figures, say
from benchmarks.state import BATCH, LATENESS_S, take
from pipeline.bursts import touched
from pipeline.decode import decode_by_models, decode_events
from pipeline.dedup import SeenIds
from pipeline.fold import FoldPolicy, fold
from pipeline.heatmap import heatmap_rows
from pipeline.journeys import journey_rows
from pipeline.latency import latency_rows
from pipeline.limits import Limits
from pipeline.rage_clicks import rage_clicks
from pipeline.sessions import session_rows
from pipeline.sinks.connection import adapt
from pipeline.sinks.tables import types_of
from pipeline.surroundings import Surroundings, new_clicks, new_views
from pipeline.tidy import DecodePolicy
from pipeline.users import user_rows
from schema.fields import US_PER_MS
from schema.rows import KeptEvent, Partition, Record, Rows

EVENTS = 4 * WORTH_CLOSING
ROUNDS = 7

LINES = {
    "decode": ("decode: µs per event", 2),
    "decode_by_models": ("decode, by the models alone", 2),
    "deduplicate": ("deduplicate", 2),
    "fold": ("fold, all of it", 2),
    "fold_sessions": ("fold: sessions", 2),
    "fold_users": ("fold: users", 2),
    "fold_heatmap": ("fold: heatmap points", 2),
    "fold_latency": ("fold: latency windows", 2),
    "fold_journeys": ("fold: journeys", 2),
    "fold_rage_clicks": ("fold: rage clicks", 2),
    "encode_events": ("encode rows for COPY: events", 2),
    "encode_others": ("encode rows for COPY: all others", 2),
}
"""Every step, how the table calls it, and its decimals."""

DECODING, FOLDING = DecodePolicy(), FoldPolicy()


def measure(folder: Path) -> dict[str, Figures]:
    """Run this file under pytest; return the figures by load."""
    say("micro: every step by itself")
    found = folder / "micro.json"
    command = [sys.executable, "-m", "pytest", __file__, "-q", "-p", "no:randomly", f"--benchmark-json={found}"]
    subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
    loads: dict[str, Figures] = {}
    for one in json.loads(found.read_text())["benchmarks"]:
        about = one["extra_info"]
        loads.setdefault(about["load"], {})[about["step"]] = one["stats"]["min"] / about["events"] * 1e6
    return loads


class Load(NamedTuple):
    """A load on its way: records, their events flush by flush, the rows of each flush, and a database's cursor."""

    name: str
    records: list[Record]
    flushes: list[list[KeptEvent]]
    rows: list[Rows]
    cursor: psycopg.Cursor[Any]


@pytest.fixture(scope="module")
def cursor() -> Iterator[psycopg.Cursor[Any]]:
    """Return a cursor of a database that has nothing to do: encoding asks it for the types."""
    with (
        tempfile.TemporaryDirectory(prefix="hxi-micro-") as name,
        Postgres.start(Path(name)) as postgres,
        psycopg.connect(postgres.address) as connection,
    ):
        adapt(connection.adapters)
        yield connection.cursor()


@pytest.fixture(scope="module", params=list(LOADS))
def load(request: pytest.FixtureRequest, cursor: psycopg.Cursor[Any]) -> Load:
    """Return each load in turn."""
    partition, now_ms = Partition("ui-events", 0), int(time.time() * 1000)
    records = [
        Record(partition, offset, (message.timestamp_ms or now_ms) * US_PER_MS, message.key, message.value)
        for offset, message in enumerate(LOADS[request.param](EVENTS))
    ]
    events = [event for record in records for event in decode_events(record, DECODING) if isinstance(event, KeptEvent)]
    flushes = [events[first : first + WORTH_CLOSING] for first in range(0, len(events), WORTH_CLOSING)]
    rows = [fold(flush, [], Surroundings.of(flush), FOLDING) for flush in flushes]
    return Load(request.param, records, flushes, rows, cursor)


def _decode(load: Load) -> None:
    for record in load.records:
        list(decode_events(record, DECODING))


def _decode_by_models(load: Load) -> None:
    for record in load.records:
        list(decode_by_models(record, DECODING))


def _deduplicate(load: Load) -> None:
    seen = SeenIds(LATENESS_S, MOST_IDS, Limits())
    for events in load.flushes:
        for first in range(0, len(events), BATCH):
            take(seen, events[first : first + BATCH])


def _each_flush(fold_one: Callable[[list[KeptEvent]], object]) -> Callable[[Load], None]:
    def fold_each(load: Load) -> None:
        for events in load.flushes:
            fold_one(events)

    return fold_each


def _encode_events(load: Load) -> None:
    for rows in load.rows:
        _encode(load.cursor, rows.events)


def _encode_others(load: Load) -> None:
    for rows in load.rows:
        for field in fields(Rows):
            if field.name != "events":
                _encode(load.cursor, getattr(rows, field.name))


def _encode(cursor: psycopg.Cursor[Any], rows: Sequence[Any]) -> None:
    """Encode ``rows`` of one table as a COPY would, to nowhere."""
    if rows:
        copy = psycopg.Copy(cursor, binary=True, writer=FileWriter(io.BytesIO()))
        copy.set_types(types_of(rows[0]._fields))
        for row in rows:
            copy.write_row(row)


STEPS: dict[str, Callable[[Load], None]] = {
    "decode": _decode,
    "decode_by_models": _decode_by_models,
    "deduplicate": _deduplicate,
    "fold": _each_flush(lambda events: fold(events, [], Surroundings.of(events), FOLDING)),
    "fold_sessions": _each_flush(lambda events: session_rows(events, [])),
    "fold_users": _each_flush(user_rows),
    "fold_heatmap": _each_flush(lambda events: heatmap_rows(events, FOLDING.heatmap_cell_px)),
    "fold_latency": _each_flush(lambda events: latency_rows(events, FOLDING.apdex_t_ms)),
    "fold_journeys": _each_flush(lambda events: journey_rows(new_views(events), [], {})),
    "fold_rage_clicks": _each_flush(
        lambda events: rage_clicks(touched(new_clicks(events), {}, FOLDING.max_gap_us)[0], FOLDING.rage)
    ),
    "encode_events": _encode_events,
    "encode_others": _encode_others,
}


@pytest.mark.parametrize("name", list(STEPS))
def test_step(load: Load, benchmark: Any, name: str) -> None:
    """Time one step on all of a load, garbage collected as seldom as in a worker."""
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
    benchmark.extra_info.update(load=load.name, step=name, events=sum(map(len, load.flushes)))
    benchmark.pedantic(STEPS[name], args=(load,), rounds=ROUNDS, warmup_rounds=1)
