"""How an event is dated, cut to its columns, and what of it moves into ``metadata``."""

import json
from typing import Any
from uuid import uuid5

import pytest

from pipeline.decode import decode_events
from pipeline.limits import Limits
from pipeline.privacy import PrivacyPolicy
from pipeline.tidy import USER_NAMESPACE, DecodePolicy
from schema.reasons import Reason
from schema.rows import ApiCall, DeadLetter, JsError, KeptEvent
from tests.builders import DAY_S, NOON_US, POLICY, at, message, record

KEEP_ALL = DecodePolicy(privacy=PrivacyPolicy(ip_address="keep", url_query="keep", free_text="keep", replay="keep"))
MS = 1_000_000 // 1000
WIDTHS = {
    "screen_name": 255,
    "element_id": 255,
    "element_type": 100,
    "device_id": 255,
    "ip_address": 100,
    "screen_resolution": 50,
    "app_version": 50,
}
USER_WIDTHS = {"external_user_id": 255, "email": 255, "device_type": 50, "locale": 50}


def outcome(policy: DecodePolicy = POLICY, **fields: Any) -> KeptEvent | DeadLetter:
    """Decode one event that arrives at noon."""
    return next(decode_events(record(message(**fields)), policy))


def tidied(policy: DecodePolicy = POLICY, **fields: Any) -> KeptEvent:
    """Return the event as kept."""
    event = outcome(policy, **fields)
    assert isinstance(event, KeptEvent), event
    return event


def metadata(event: KeptEvent) -> Any:
    """Return what is in the event's metadata."""
    return None if event.metadata is None else json.loads(event.metadata)


# Client clock at sending, against arrival at noon; beyond 60 s either way it is wrong and corrected.
#   -60.001 | -60 ............ 0 ............ +60 | +60.001
@pytest.mark.parametrize("skew_ms", [-59_999, -60_000, 0, 59_999, 60_000])
def test_a_clock_within_the_allowed_skew_is_believed(skew_ms: int) -> None:
    event = tidied(timestamp=NOON_US // MS - 5000, sent_at=NOON_US // MS + skew_ms)
    assert event.time_us == at(-5)


@pytest.mark.parametrize("skew_ms", [-86_400_000_000, -60_001, 60_001, 86_400_000_000])
def test_a_clock_beyond_the_allowed_skew_is_shifted_by_the_difference(skew_ms: int) -> None:
    sent_ms = NOON_US // MS + skew_ms
    assert tidied(timestamp=sent_ms - 5000, sent_at=sent_ms).time_us == at(-5)


def test_the_allowed_skew_is_the_policys_to_the_microsecond() -> None:
    exact = DecodePolicy(max_clock_skew_s=0)
    assert tidied(exact, sent_at="2024-01-05T12:00:00Z").time_us == at(0)
    assert tidied(exact, sent_at="2024-01-05T12:00:00.000001Z").time_us == at(0) - 1


@pytest.mark.parametrize(("beyond_us", "is_kept"), [(-1, True), (0, True), (1, False)])
def test_an_event_is_dated_one_day_after_its_arrival_at_most(beyond_us: int, is_kept: bool) -> None:
    carried = record(message(), arrival_us=NOON_US - DAY_S * 1_000_000 - beyond_us)
    result = next(decode_events(carried, POLICY))
    assert isinstance(result, KeptEvent) is is_kept
    assert is_kept or result.reason is Reason.OUT_OF_RANGE  # type: ignore[union-attr]


@pytest.mark.parametrize(("timestamp", "is_kept"), [("1999-12-31T23:59:59.999999Z", False), ("2000-01-01", True)])
def test_an_event_is_dated_2000_at_the_earliest_by_the_corrected_clock(timestamp: str, is_kept: bool) -> None:
    assert isinstance(outcome(timestamp=timestamp), KeptEvent) is is_kept
    assert tidied(timestamp="1970-01-01T00:00:10Z", sent_at="1970-01-01T00:00:20Z").time_us == at(-10)


@pytest.mark.parametrize(("name", "width"), WIDTHS.items())
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_text_is_cut_to_its_column_and_the_whole_of_it_kept(name: str, width: int, beyond: int) -> None:
    text = "é" * (width + beyond)
    fields: dict[str, Any] = {name: text}
    event = tidied(KEEP_ALL, **fields)
    stored = getattr(event, name) if hasattr(event, name) else getattr(event.facts, name)
    assert stored == text[:width]
    assert metadata(event) == ({name: text} if beyond > 0 else None)


@pytest.mark.parametrize("name", ["page_url", "user_agent"])
def test_text_of_unlimited_columns_is_not_cut(name: str) -> None:
    fields: dict[str, Any] = {name: "/" + "x" * 100_000}
    event = tidied(**fields)
    assert len(event.page_url or (event.facts and event.facts.user_agent) or "") == 100_001
    assert name not in (metadata(event) or {})


@pytest.mark.parametrize(("name", "width"), USER_WIDTHS.items())
@pytest.mark.parametrize("beyond", [0, 1])
def test_facts_of_users_are_cut_too(name: str, width: int, beyond: int) -> None:
    text = "u" * (width + beyond)
    event = tidied(user={"external_user_id": "me"} | {name: text})
    assert getattr(event.user, name) == "u" * width
    assert metadata(event) == ({name: text} if beyond else None)


def test_people_are_told_apart_by_the_whole_of_their_external_id() -> None:
    ids = ["x" * 255 + end for end in ("", "1", "2")]
    users = [tidied(user={"external_user_id": one}).user for one in ids]
    assert [user and user.user_id for user in users] == [uuid5(USER_NAMESPACE, one) for one in ids]


def test_the_id_of_a_person_is_the_same_on_every_machine_and_day() -> None:
    person = tidied(user={"external_user_id": "alice"}).user
    assert person
    assert str(person.user_id) == "5ca97e96-c45d-5079-ac4a-c7eb989205a1"


def test_unknown_fields_are_kept_in_metadata_beside_what_the_client_put_there() -> None:
    assert metadata(tidied(tenant="t", metadata={"a": 1}, nested={"b": [None]})) == {
        "a": 1,
        "tenant": "t",
        "nested": {"b": [None]},
    }
    assert metadata(tidied(tenant="t", metadata={"tenant": "other"})) == {"tenant": "other", "event.tenant": "t"}
    assert metadata(tidied(tenant="t", metadata={"tenant": "t"})) == {"tenant": "t"}


@pytest.mark.parametrize(("sent", "stored"), [(..., None), (None, None), ({}, {})])
def test_metadata_is_null_only_when_there_is_nothing_to_keep(sent: Any, stored: Any) -> None:
    assert metadata(tidied(metadata=sent)) == stored


@pytest.mark.parametrize(
    ("sent", "stored_bytes"),
    [({"n": 123456789}, 16), ({"n": "a@b.cc"}, 15), ({"url": "a?" + "b" * 30}, 11)],
    ids=["longer", "longer text", "shorter"],
)
def test_metadata_has_to_be_within_its_limit_as_it_was_sent_and_as_it_is_stored(sent: Any, stored_bytes: int) -> None:
    longest = max(len(json.dumps(sent, separators=(",", ":"))), stored_bytes)
    for limit, is_kept in ((longest, True), (longest - 1, False)):
        result = outcome(DecodePolicy(limits=Limits(metadata_bytes=limit)), metadata=sent)
        assert isinstance(result, KeptEvent) is is_kept
        assert isinstance(result, KeptEvent) or result.reason is Reason.TOO_LARGE


def test_fields_of_another_event_type_are_kept_in_metadata() -> None:
    fields: dict[str, Any] = {
        "api_endpoint": "/api?token=1",
        "latency_ms": 1.5,
        "status_code": 0,
        "error_message": "e",
        "stack_trace": "s",
    }
    click = tidied(**fields)
    assert (click.api_call, click.error, metadata(click)) == (
        None,
        None,
        fields | {"latency_ms": 2, "api_endpoint": "/api"},
    )
    call = tidied(event_type="api_call", **fields)
    assert (call.api_call, metadata(call)) == (ApiCall("/api", 2, 0), {"error_message": "e", "stack_trace": "s"})
    error = tidied(event_type="error", **fields)
    assert (error.error, error.api_call) == (JsError("e", "s"), None)
    assert metadata(error) == {"api_endpoint": "/api", "latency_ms": 2, "status_code": 0}


@pytest.mark.parametrize("external", [..., None, ""])
def test_what_is_said_of_nobody_is_kept_in_metadata(external: Any) -> None:
    said = {"external_user_id": external, "locale": "de", "plan": "pro"}
    event = tidied(user={name: value for name, value in said.items() if value is not ...})
    assert event.user is None
    assert metadata(event)["user"].items() >= {"locale": "de", "plan": "pro"}.items()


def test_unknown_fields_of_a_person_are_kept_in_metadata() -> None:
    event = tidied(user={"external_user_id": "me", "plan": "pro"})
    assert (event.user and event.user.external_user_id, metadata(event)) == ("me", {"user": {"plan": "pro"}})


SCREENS: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"page_url": "https://shop.example/cart?x=1#top"}, "/cart"),
    ({"page_url": "https://shop.example"}, "/"),
    ({"page_url": "/cart?x"}, "/cart"),
    ({"page_url": "?x"}, ""),
    ({"page_url": ""}, ""),
    ({"page_url": "https://shop.example/cart", "screen_name": "Cart"}, "Cart"),
    ({"page_url": "https://[broken/cart?x"}, "https://[broken/cart"),
]


@pytest.mark.parametrize(("fields", "screen"), SCREENS)
def test_a_screens_name_falls_back_to_the_path_of_its_url(fields: dict[str, Any], screen: str | None) -> None:
    assert tidied(**fields).screen_name == screen


def test_facts_are_none_where_an_event_says_nothing_of_its_session() -> None:
    assert tidied().facts is None
    assert tidied(device_id=None, ip_address="no address").facts is None


def test_numbers_are_rounded_half_up() -> None:
    event = tidied(x=0.5, y=-0.5, scroll_position=1.4999, viewport_width=1000.5)
    assert (event.x, event.y, event.scroll_position, event.viewport_width) == (1, 0, 1, 1001)


@pytest.mark.parametrize("timestamp", [10**18, -(10**18), "0001-01-01T00:00:00+14:00"])
def test_a_clock_that_shows_no_date_at_all_cannot_be_corrected(timestamp: Any) -> None:
    refused = next(iter(decode_events(record(message(timestamp=timestamp, sent_at=timestamp)), POLICY)))
    assert isinstance(refused, DeadLetter)
    assert refused.reason is Reason.OUT_OF_RANGE
