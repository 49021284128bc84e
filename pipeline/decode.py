"""Decides what becomes of a record: events kept, or dead letters with a reason.

Pure: bytes and arrival time in, values out. Never raises for bad input. Records of plain
events come first, in one step (``schema.quick_events``). For all others the cheap checks do:
no value, not JSON, not an object; then the models of ``schema.events``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from pipeline.limits import Limits
from pipeline.tidy import DecodePolicy, OutOfRange, TooLarge, tidy_chunk, tidy_event
from schema.events import Event, ReplayChunk
from schema.json_text import NotJson, NotStorable, dump_refused, parse
from schema.quick_events import MOST_SHARED_BYTES as QUICKLY_SHARED_BYTES
from schema.quick_events import quick_events
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Place, Record

MOST_SHARED_BYTES = 32 * 1024 * 1024
"""Of what a batch's events share, repeated in each: 16 MB could become terabytes."""

MOST_TIMES = 16
"""The size of a record, to which its shared fields may come, or 2 MiB where that is more: 43 KB became 30 MB. Events of
no more than their time and place, 50 bytes, may so share 800 bytes, however many they are."""

MAX_DETAIL = 500
"""Characters of a dead letter's ``detail``, as the contract has it."""


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def decode_events(record: Record, policy: DecodePolicy) -> Iterator[KeptEvent | DeadLetter]:
    """Return one outcome per event of ``record``, or one dead letter for all of it."""
    return iter(plain_events(record, policy) or decode_by_models(record, policy))


def plain_events(record: Record, policy: DecodePolicy) -> Sequence[KeptEvent] | None:
    """Return the events of a record that holds nothing but plain ones, all of them accepted; else None."""
    value, arrival_us, limits = record.value, record.arrival_us, policy.limits
    if (
        not value
        or len(value) > min(limits.metadata_bytes, limits.record_bytes)
        or (found := quick_events(value)) is None
    ):
        return None
    try:
        if not isinstance(found, list):
            return (tidy_event(found, None, Place(record.partition, record.offset), arrival_us, policy),)
        if len(found) > limits.batch_events:
            return None
        return [
            tidy_event(event, None, Place(record.partition, record.offset, index), arrival_us, policy)
            for index, event in enumerate(found)
        ]
    except (OutOfRange, NotStorable, TooLarge):
        return None


def decode_by_models(record: Record, policy: DecodePolicy) -> Iterator[KeptEvent | DeadLetter]:
    """Do what :func:`decode_events` does, by the definition itself."""
    place = Place(record.partition, record.offset)
    try:
        message = _parse_object(record.value, policy.limits)
        if "events" not in message:
            yield _tidied(Event.model_validate(message), place, record, policy)
            return
        shared, items = _open_batch(message, len(record.value or b""), policy.limits)
    except (_Refused, ValidationError, OutOfRange, NotStorable, TooLarge) as error:
        yield _dead_letter(record, place, error, record.value)
        return
    for index, item in enumerate(items):
        yield _decode_item(record, Place(place.partition, place.offset, index), shared, item, policy)


def decode_chunk(record: Record, policy: DecodePolicy) -> KeptChunk | DeadLetter:
    """Return the replay chunk in ``record``, or why there is none."""
    place = Place(record.partition, record.offset)
    try:
        chunk = ReplayChunk.model_validate(_parse_object(record.value, policy.limits))
        return tidy_chunk(chunk, place, record.arrival_us, policy)
    except (_Refused, ValidationError, OutOfRange, NotStorable) as error:
        return _dead_letter(record, place, error, record.value)


def _parse_object(raw: bytes | None, limits: Limits) -> dict[str, Any]:
    if not raw:
        raise _Refused(Reason.EMPTY, "the record has no value")
    if len(raw) > limits.record_bytes:
        raise _Refused(Reason.TOO_LARGE, f"the record has {len(raw)} bytes, more than {limits.record_bytes}")
    try:
        value = parse(raw)
    except NotJson as error:
        raise _Refused(Reason.MALFORMED_JSON, str(error)) from None
    if not isinstance(value, dict):
        raise _Refused(Reason.NOT_AN_OBJECT, "the value is not a JSON object")
    return value


def _open_batch(message: dict[str, Any], size: int, limits: Limits) -> tuple[dict[str, Any], list[Any]]:
    items = message.pop("events")
    if not isinstance(items, list):
        raise _Refused(Reason.WRONG_TYPE, "events: is not a list")
    if not items:
        raise _Refused(Reason.INVALID_VALUE, "events: is an empty list")
    if len(items) > limits.batch_events:
        raise _Refused(Reason.TOO_LARGE, f"events: holds {len(items)}, more than {limits.batch_events}")
    most = min(max(QUICKLY_SHARED_BYTES, MOST_TIMES * size), MOST_SHARED_BYTES)
    said = {name: value for name, value in message.items() if value is not None}
    if size * len(items) > most and (shared := len(dump_refused(said)) * len(items)) > most:
        raise _Refused(Reason.TOO_LARGE, f"events: what they share would be {shared} bytes in all, more than {most}")
    return message, items


def _decode_item(
    record: Record, place: Place, shared: dict[str, Any], item: Any, policy: DecodePolicy
) -> KeptEvent | DeadLetter:
    if not isinstance(item, dict):
        refused = _Refused(Reason.NOT_AN_OBJECT, f"events.{place.index}: is not a JSON object")
        return _dead_letter(record, place, refused, dump_refused(item))
    merged = _merge(shared, item)
    try:
        return _tidied(Event.model_validate(merged), place, record, policy)
    except (ValidationError, OutOfRange, NotStorable, TooLarge) as error:
        return _dead_letter(record, place, error, dump_refused(merged))


def _tidied(event: Event, place: Place, record: Record, policy: DecodePolicy) -> KeptEvent:
    """Return what :func:`tidy_event` does; looks first at the texts of a large record, before they are searched."""
    if len(record.value or b"") > (most := policy.limits.metadata_bytes):
        for name, value in event:
            if isinstance(value, str) and (len(value) > most or len(value.encode()) > most):
                raise TooLarge(f"{name}: {len(value.encode())} bytes, more than {most}")
    return tidy_event(event, event.model_extra, place, record.arrival_us, policy)


def _merge(shared: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """Return ``item`` with the shared fields filled in where it says nothing, or null."""
    merged = {**shared, **item}
    if None in item.values():
        merged |= {name: shared[name] for name, value in item.items() if value is None and name in shared}
    return merged


def event_bytes(record: Record, indexes: Iterable[int | None]) -> Iterator[tuple[Place, bytes | None]]:
    """Yield what dead letters for events of ``record`` carry: the record's bytes, or each event of its batch as JSON.

    ``indexes``: the events' places in the batch; None alone where there is no batch.
    """
    batched = [index for index in indexes if index is not None]
    if not batched:
        yield Place(record.partition, record.offset), record.value
        return
    message = parse(record.value or b"")  # which was accepted before
    items = message.pop("events")
    for index in batched:
        yield Place(record.partition, record.offset, index), dump_refused(_merge(message, items[index]))


def _dead_letter(record: Record, place: Place, error: Exception, value: bytes | None) -> DeadLetter:
    reason, detail = _explain(error)
    return DeadLetter(place, reason, detail[:MAX_DETAIL], record.key, value, record.arrival_us)


def _explain(error: Exception) -> tuple[Reason, str]:
    if isinstance(error, _Refused):
        return error.reason, error.detail
    if isinstance(error, ValidationError):
        return _explain_validation(error)
    if isinstance(error, TooLarge):
        return Reason.TOO_LARGE, str(error)
    return Reason.OUT_OF_RANGE, str(error)


def _explain_validation(error: ValidationError) -> tuple[Reason, str]:
    first, *others = error.errors(include_url=False, include_context=False)
    field_name = ".".join(map(str, first["loc"]))
    detail = f"{field_name}: {first['msg']}" if field_name else first["msg"]
    if others:
        names = sorted({".".join(map(str, other["loc"])) for other in others})
        detail += f" (and {len(others)} more: {', '.join(names)})"
    return _reason_of(first["type"], first["input"], bool(field_name)), detail


_OUR_REASONS = frozenset(reason.value for reason in Reason)
"""Errors that ``schema.fields`` and ``schema.events`` raise carry the reason as their type."""


def _reason_of(kind: str, value: Any, of_a_field: bool) -> Reason:
    if kind in _OUR_REASONS:
        return Reason.MISSING_FIELD if value is None and of_a_field else Reason(kind)
    if kind == "missing" or value is None:
        return Reason.MISSING_FIELD
    return Reason.WRONG_TYPE if kind.endswith("_type") else Reason.INVALID_VALUE
