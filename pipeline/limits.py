"""How much one sender may ask for: what is beyond becomes a dead letter, or is counted under ``other``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit, with its default: far beyond what trackers of people send."""

    record_bytes: int = 16 * 1024 * 1024
    """Of a record's value: what a topic made by this pipeline takes at most."""

    batch_events: int = 10_000
    """In one record."""

    metadata_bytes: int = 1024 * 1024
    """Of an event's metadata as JSON, with what moves into it."""

    metadata_depth: int = 200
    """Levels of nesting of an event's metadata, itself counted; no JSON of more is read at all."""

    session_events: int = 100_000
    """Of one session: an hour of 20 mouse moves a second is 72 000."""

    session_actions: int = 10_000
    """Clicks and views of one session, whose results depend on their order: what is near is read again with each
    flush, 45 µs a click, so that a session of so many holds the others up by half a second and no longer."""

    session_chunks: int = 10_000
    """Replay chunks of one session: half a day of one every four seconds."""

    session_replay_bytes: int = 256 * 1024 * 1024
    """Of one session's replay chunks together, as they are stored."""

    device_sessions_per_s: int = 100
    """Sessions that name one device first in records that arrived in the same second."""

    window_keys: int = 1_000
    """Screens and endpoints together in one minute of the latency rollups."""
