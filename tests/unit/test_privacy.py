"""What the privacy policy masks, cuts and leaves alone."""

import json
import time
from typing import Any

import pytest

from pipeline.decode import decode_events
from pipeline.masking import mask
from pipeline.privacy import PrivacyPolicy, network_of
from pipeline.tidy import DecodePolicy
from pipeline.urls import without_queries, without_query
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
        ("4111 1111 1111 1111 5555 5555 5555 4444", "[card] [card]"),
        (f"card{VISA[:4]} 1111 1111 1111x", "card[card]x"),
        ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"),
        (NOT_A_CARD, "[digits]"),
        ("5555-5555-5555-4445", "5555-5555-5555-4445"),
        ("1704456000000", "[digits]"),
        (f"id-{VISA}, user_{VISA}", "id-[card], user_[card]"),
        ("/orders/123456789/12345678", "/orders/[digits]/12345678"),
        ("tel:+15551234567", "tel:+[digits]"),
        ("0.1234567890 of 12345678.9 s", "0.1234567890 of 12345678.9 s"),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("a-550e8400-446655440000", "a-550e8400-[digits]"),
        ("sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("to ann%40b.example?", "to [email]?"),
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


@pytest.mark.parametrize("end", ["", "x", "_", "-", "1x", ".", "@"])
@pytest.mark.parametrize("row", ["1 ", "1", "1-", "a@", "4111 ", "http://a", "%40", "a."])
def test_masking_takes_no_longer_the_longer_a_text_is_but_in_proportion(row: str, end: str) -> None:
    def cpu_s(length: int) -> float:
        began = time.process_time()
        without_queries(mask(row * (length // len(row)) + end))
        return time.process_time() - began

    assert min(cpu_s(200_000) for _ in range(2)) < 2  # quadratic, it would take minutes


def test_an_anonymous_users_address_is_dropped_like_any_other() -> None:
    event = stored(PrivacyPolicy(user_email="drop", free_text="keep"), user={"email": "ann@b.example", "locale": "de"})
    assert json.loads(event.metadata or b"") == {"user": {"locale": "de"}}


@pytest.mark.parametrize("first", list("0123456789"))
def test_a_card_number_begins_with_2_to_6(first: str) -> None:
    number = next(text for check in range(10) if _luhn(text := first + "1" * 14 + str(check)))
    assert mask(number) == ("[card]" if first in "23456" else "[digits]")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("see https://a.example/p?token=1#x.", "see https://a.example/p"),
        ("at f (https://a.example/app.js?v=1:10:55)", "at f (https://a.example/app.js:10:55)"),
        ("https://me:pw@a.example/p and wss://b.example?k=1", "https://a.example/p and wss://b.example"),
        ("https://a.example/p:8080", "https://a.example/p:8080"),
        ("https://a.example/p?name=O'Brien&token=(1)&k=2 end", "https://a.example/p end"),
        ("https://a.example/#access_token=<1>", "https://a.example/"),
        ("msauth.com.a.company.and.its.app://auth?code=1", "msauth.com.a.company.and.its.app://auth"),
        ("https://a.example/p?otp=:123456", "https://a.example/p"),
        ("what? no :// here", "what? no :// here"),
        ("/p?relative=1", "/p"),
    ],
)
def test_urls_within_a_text_lose_query_fragment_and_credentials(text: str, kept: str) -> None:
    assert without_queries(text) == kept
    event = stored(event_type="error", error_message=text, metadata={"said": [text]})
    assert event.error
    assert event.error.error_message == kept
    assert json.loads(event.metadata or b"") == {"said": [kept]}


def test_parameters_on_the_list_stay() -> None:
    policy = PrivacyPolicy(url_query_allow=frozenset({"utm_source", "page id"}))
    url = "https://a.example/p?utm_source=ann@b.example&token=1&page+id=2&flag#top"
    kept = "https://a.example/p?utm_source=[email]&page+id=2"
    event = stored(policy, page_url=url, note=f"see {url}")
    assert (event.page_url, event.screen_name) == (kept, "/p")
    assert json.loads(event.metadata or b"") == {"note": f"see {kept}"}


@pytest.mark.parametrize("policy", [PrivacyPolicy(user_email="drop"), PrivacyPolicy(user_email="hash", email_key=b"k")])
def test_the_address_of_a_user_can_be_dropped_or_hashed_with_a_key(policy: PrivacyPolicy) -> None:
    said = [stored(policy, user={"external_user_id": "7", "email": email}).user for email in ("A@b.c ", "a@B.c", None)]
    emails = [user and user.email for user in said]
    hashed = "72077525838fddbe8c57329dc1f6f5281bf1bb1971ad103b382cef944af7c7fa" if policy.user_email == "hash" else None
    assert emails == [hashed, hashed, None]


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
        ("2002:cb00:714d::1", "203.0.113.0"),
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
        event_type="error",
        screen_name=text,
        element_id=text,
        element_type=text,
        error_message=text,
        stack_trace=text,
        page_url=text,
        user_agent=text,
        app_version=text,
        screen_resolution=text,
        user={"external_user_id": "7", "locale": text, "device_type": text},
    )
    assert event.error
    texts = [event.screen_name, event.element_id, event.element_type, event.page_url, *event.error]
    assert texts == ["[email]"] * 6
    assert event.facts
    assert {event.facts.user_agent, event.facts.app_version, event.facts.screen_resolution} == {"[email]"}
    assert event.user
    assert (event.user.locale, event.user.device_type) == ("[email]", "[email]")


@pytest.mark.parametrize(
    ("event_type", "kept"),
    [
        ("signup", "signup"),
        ("signup of ann@b.example", "signup of [email]"),
        ("/reset?token=1", "/reset"),
        ("api_call?token=1", "api_call?"),
        ("click#t=1", "click?"),
        ("?token=1", "?"),
        (" a@b.c" * 8, (" [email]" * 8)[:50]),
    ],
)
def test_a_custom_type_is_masked_and_stays_a_custom_type(event_type: str, kept: str) -> None:
    event = stored(event_type=event_type)
    assert (event.event_type, event.api_call) == (kept, None)


def test_ids_are_stored_as_sent() -> None:
    event = stored(device_id=VISA, user={"external_user_id": VISA})
    assert event.facts
    assert event.user
    assert (event.facts.device_id, event.user.external_user_id) == (VISA, VISA)


def test_an_endpoint_loses_its_query() -> None:
    call = stored(event_type="api_call", api_endpoint="/api/ann@b.example?q=1", latency_ms=1, status_code=200).api_call
    assert call
    assert call.api_endpoint == "/api/[email]"


def test_metadata_is_masked_at_every_depth_in_keys_and_in_numbers() -> None:
    sent = {"a": [{"to ann@b.example": "x"}, int(VISA), int(NOT_A_CARD), True, None, 1.5], "b": VISA}
    event = stored(metadata=sent, note="ann@b.example")
    assert json.loads(event.metadata or b"") == {
        "a": [{"to [email]": "x"}, "[card]", "[digits]", True, None, 1.5],
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
