"""What the privacy policy masks, cuts and leaves alone."""

import json
from typing import Any

import pytest

from pipeline.decode import decode_events
from pipeline.privacy import PrivacyPolicy, mask, network_of, without_query
from pipeline.tidy import DecodePolicy
from schema.rows import KeptEvent
from tests.builders import message, record

DEFAULT = PrivacyPolicy()
VISA = "4111111111111111"
NOT_A_CARD = "4111111111111112"


def stored(policy: PrivacyPolicy = DEFAULT, **fields: Any) -> KeptEvent:
    """Return the event as it would be stored."""
    event = next(decode_events(record(message(**fields)), DecodePolicy(privacy=policy)))
    assert isinstance(event, KeptEvent)
    return event


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/p?token=1#frag", "https://a.example/p"),
        ("https://a.example/p#a?b", "https://a.example/p"),
        ("https://me:secret@a.example:8443/p", "https://a.example:8443/p"),
        ("/p?x", "/p"),
        ("?x", ""),
        ("app://screen/1?x", "app://screen/1"),
        ("https://[broken/p?x#y", "https://[broken/p"),
        ("", ""),
    ],
)
def test_urls_lose_query_fragment_and_credentials(url: str, kept: str) -> None:
    assert without_query(url) == kept
    assert stored(page_url=url).page_url == kept


def test_the_path_of_a_url_is_masked_as_free_text() -> None:
    event = stored(page_url="https://a.example/user/ann@b.example/orders?x")
    assert (event.page_url, event.screen_name) == ("https://a.example/user/[email]/orders", "/user/[email]/orders")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to Ann.B+c@mail.example.co.uk today", "write to [email] today"),
        ("a@b.c,d@e.f", "[email],[email]"),
        ("@handle and a@b", "@handle and a@b"),
        (f"card {VISA}.", "card [card]."),
        ("card 4111 1111 1111 1111", "card [card]"),
        ("card 4111-1111-1111-1111", "card [card]"),
        ("3782 822463 10005", "[card]"),
        (NOT_A_CARD, NOT_A_CARD),
        ("1704456000000", "1704456000000"),
        (f"id-{VISA}", f"id-{VISA}"),
        (f"{VISA}abc", f"{VISA}abc"),
        ("411111111111", "411111111111"),
        ("", ""),
    ],
)
def test_addresses_and_valid_card_numbers_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(("digits", "masked"), [(12, False), (13, True), (16, True), (19, True), (20, False)])
def test_a_card_number_has_13_to_19_digits(digits: int, masked: bool) -> None:
    number = next(text for check in range(10) if _luhn(text := "4" * (digits - 1) + str(check)))
    assert (mask(number) == "[card]") is masked


def _luhn(number: str) -> bool:
    digits = [int(char) * (1 + place % 2) for place, char in enumerate(reversed(number))]
    return sum(digit // 10 + digit % 10 for digit in digits) % 10 == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        (" 203.0.113.77 ", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("fe80::1%eth0", "fe80::"),
        ("localhost", None),
        ("203.0.113", None),
        ("", None),
    ],
)
def test_an_address_keeps_its_network_only(address: str, network: str | None) -> None:
    assert network_of(address) == network
    facts = stored(ip_address=address, device_id="d").facts
    assert facts
    assert facts.ip_address == network


def test_every_free_text_of_an_event_is_masked() -> None:
    text = "ann@b.example"
    event = stored(
        event_type="error", screen_name=text, element_id=text, error_message=text, stack_trace=text, page_url=text
    )
    assert event.error
    texts = [event.screen_name, event.element_id, event.page_url, *event.error]
    assert texts == ["[email]"] * 5


def test_an_endpoint_loses_its_query() -> None:
    call = stored(event_type="api_call", api_endpoint="/api/ann@b.example?q=1", latency_ms=1, status_code=200).api_call
    assert call
    assert call.api_endpoint == "/api/[email]"


def test_metadata_is_masked_at_every_depth_in_keys_and_in_numbers() -> None:
    sent = {"a": [{"to ann@b.example": "x"}, int(VISA), int(NOT_A_CARD), True, None, 1.5], "b": VISA}
    event = stored(metadata=sent, note="ann@b.example")
    assert json.loads(event.metadata or b"") == {
        "a": [{"to [email]": "x"}, "[card]", int(NOT_A_CARD), True, None, 1.5],
        "b": "[card]",
        "note": "[email]",
    }


def test_what_is_known_of_a_person_is_stored_as_sent() -> None:
    person = stored(user={"external_user_id": "ann@b.example", "email": "ann@b.example"}).user
    assert person
    assert (person.external_user_id, person.email) == ("ann@b.example", "ann@b.example")


@pytest.mark.parametrize(
    ("policy", "ip", "url", "text"),
    [
        (DEFAULT, "203.0.113.0", "/p", "[email]"),
        (PrivacyPolicy(ip_address="keep"), "203.0.113.77", "/p", "[email]"),
        (PrivacyPolicy(ip_address="drop"), None, "/p", "[email]"),
        (PrivacyPolicy(url_query="keep"), "203.0.113.0", "/p?x=1#y", "[email]"),
        (PrivacyPolicy(free_text="keep"), "203.0.113.0", "/p", "ann@b.example"),
    ],
)
def test_each_part_of_the_policy_can_be_set_alone(policy: PrivacyPolicy, ip: str | None, url: str, text: str) -> None:
    event = stored(
        policy, ip_address="203.0.113.77", page_url="/p?x=1#y", element_id="ann@b.example", note="ann@b.example"
    )
    assert (event.facts and event.facts.ip_address, event.page_url, event.element_id) == (ip, url, text)
    assert json.loads(event.metadata or b"") == {"note": text}
