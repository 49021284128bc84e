"""``hxi validate``: what the pipeline would refuse, and why, without Kafka."""

import time
from collections.abc import Iterator
from pathlib import Path

from agents.commands.lines import Line, read_lines
from agents.commands.output import CommandFailed, say
from agents.settings import Settings
from pipeline.decode import decode_chunk, decode_events
from pipeline.tidy import DecodePolicy
from schema.fields import US_PER_S
from schema.json_text import NotJson, parse
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Partition, Record


def validate_files(settings: Settings, files: list[Path]) -> None:
    """Print each refused line, or event of a batch, with its reason; fail if there are any."""
    policy = settings.decode_policy()
    good = bad = 0
    for line in read_lines(files):
        for outcome in _outcomes(line, policy):
            if isinstance(outcome, DeadLetter):
                bad += 1
                print(f"{line}: {outcome.reason}: {outcome.detail}")
            else:
                good += 1
    say(f"{good} good, {bad} bad")
    if bad:
        raise CommandFailed(f"{bad} would be refused")


def _outcomes(line: Line, policy: DecodePolicy) -> Iterator[KeptEvent | KeptChunk | DeadLetter]:
    record = Record(Partition(line.file, 0), line.number, int(time.time() * US_PER_S), None, line.raw)
    if _is_chunk(line.raw):
        yield decode_chunk(record, policy)
    else:
        yield from decode_events(record, policy)


def _is_chunk(raw: bytes) -> bool:
    """Return what ``hxi publish`` goes by as well: a line with ``chunk_index`` is a replay chunk."""
    if b"chunk_index" not in raw:
        return False
    try:
        message = parse(raw)
    except NotJson:
        return False
    return isinstance(message, dict) and "chunk_index" in message
