"""What is done to metadata because of its keys, to numbers in it, and to keys themselves."""

import json
from typing import Any

import pytest

from pipeline.metadata_privacy import Kind, kind_of, may_hold_some
from pipeline.privacy import PrivacyPolicy

DEFAULT = PrivacyPolicy()


def clean(value: Any, policy: PrivacyPolicy = DEFAULT) -> Any:
    """Return ``value`` as it would be stored."""
    return policy.clean_json(value, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())[0]


@pytest.mark.parametrize(
    "key",
    [
        *("url", "URL", "href", "src", "uri", "referrer", "referer", "location", "path", "page", "link", "links"),
        *("page_url", "pageUrl", "currentURL", "image-src", "urlPath", "redirect_to", "endpoint", "deepLink"),
        *("http_referer", "Referer", "imgsrc", "pageurl", "href2", "page1"),
    ],
)
def test_a_value_whose_key_says_url_loses_its_query(key: str) -> None:
    assert clean({key: "reset?1234", "more": {key: ["a#b", {"title": "a?b", "raw": {"now": "a?b"}}]}}) == {
        key: "reset",
        "more": {key: ["a", {"title": "a?b", "raw": {"now": "a"}}]},
    }


@pytest.mark.parametrize(
    ("text", "kept"), [("token=1&k=2", "k=2"), ("?token=1&k=2#x", "?k=2"), ("token=1", ""), ("", "")]
)
@pytest.mark.parametrize("key", ["query_string", "queryString", "QUERYSTRING", "urlSearchParams", "locationSearch"])
def test_a_query_by_itself_keeps_what_is_allowed(key: str, text: str, kept: str) -> None:
    assert clean({key: text}, PrivacyPolicy(url_query_allow=frozenset("k"))) == {key: kept}
    assert clean({key: text}, PrivacyPolicy(url_query="keep")) == {key: text}


@pytest.mark.parametrize("key", ["query", "search", "params"])
@pytest.mark.parametrize(
    ("text", "kept"),
    [("?abc", ""), ("#abc", ""), ("token=abc&x=1", ""), ("really?", "really?"), ("{ a(x=1) }", "{ a(x=1) }")],
)
def test_what_was_searched_for_stays_unless_it_is_a_query(key: str, text: str, kept: str) -> None:
    assert clean({key: text}) == {key: kept}
    assert clean({"page": {key: text}}) == {"page": {key: kept}}


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        *((key, Kind.TEXT) for key in ("during", "", "purification", "conversion", "x" * 100_000)),
        *((key, Kind.PROSE) for key in ("title", "errorMessage")),
        *((key, Kind.ADDRESS) for key in ("ip", "clientIp", "X-Forwarded-For", "remote_addr", "IPAddress", "ip_1")),
        *((key, Kind.ADDRESS) for key in ("client_ip1", "ip2", "ipv4")),
        *((key, Kind.VERSION) for key in ("appVersion", "build", "sdk-version", "appversion", "VERSIONS")),
        *((key, Kind.MEASURE) for key in ("usedJSHeapSize", "created_at", "elapsed", "timestamp", "ns")),
    ],
)
def test_a_key_says_by_its_words_what_its_value_is(key: str, kind: Kind) -> None:
    assert kind_of(key) is kind


@pytest.mark.parametrize(
    ("key", "text", "kept"),
    [
        ("ip", "203.0.113.77", "203.0.113.0"),
        ("client_ip", "203.0.113.77:8080", "203.0.113.0:8080"),
        ("X-Forwarded-For", "203.0.113.77, 2001:db8:1:2::3", "203.0.113.0, 2001:db8:1::"),
        ("forwarded", 'for="[2001:db8:1:2::3]:80";proto=https', 'for="[2001:db8:1::]:80";proto=https'),
        ("remote_addr", "of ann@b.example", "of [email]"),
        ("note", "203.0.113.77", "203.0.113.0"),
        ("note", " 2001:db8:1:2::3 ", " 2001:db8:1:: "),
        ("note", "version 1.2.3.4", "version 1.2.3.4"),
        ("version", "1.2.3.4", "1.2.3.4"),
        ("note", "12:30:45", "12:30:45"),
        ("ip", "999.1.1.1 and 1.2.3", "999.1.1.1 and 1.2.3"),
        ("x_real_ip", "203.000.113.009", "203.0.113.0"),
        ("ip", "2001:0db8:0001:0002::3", "2001:db8:1::"),
        ("conversion", "203.0.113.77", "203.0.113.0"),
        ("client_ip1", "of 203.0.113.77", "of 203.0.113.0"),
    ],
)
def test_an_ip_address_under_any_key_keeps_its_network_only(key: str, text: str, kept: str) -> None:
    assert clean({"a": [{key: text}]}) == {"a": [{key: kept}]}
    assert clean({key: [text]}) == {key: [kept]}
    assert key == "version" or clean({key: {"v4": {"in": text}}}) == {key: {"v4": {"in": kept}}}
    assert clean({key: kept}) == {key: kept}


def test_a_key_that_is_an_ip_address_keeps_its_network_only_but_not_among_versions() -> None:
    assert clean({"203.0.113.9": 1, "203.0.113.10": 2}) == {"203.0.113.0": 1, "203.0.113.0 (2)": 2}
    assert clean({"versions": {"203.0.113.9": 1}}) == {"versions": {"203.0.113.9": 1}}


@pytest.mark.parametrize(
    ("policy", "kept"),
    [(PrivacyPolicy(ip_address="keep"), "203.0.113.77"), (PrivacyPolicy(ip_address="drop"), "[ip]")],
)
def test_ip_addresses_in_metadata_follow_the_policy(policy: PrivacyPolicy, kept: str) -> None:
    assert clean({"ip": "203.0.113.77"}, policy) == {"ip": kept}


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (4111111111111111, "[card]"),
        (-4111111111111111, "[card]"),
        (4111111111111111.0, "[card]"),
        (123456789, "[digits]"),
        (123456789.0, "[digits]"),
        (12345678, 12345678),
        (15551234567, "[digits]"),
        (10**400, "[digits]"),
        (1704456000, 1704456000),
        (1704456000000, 1704456000000),
        (1704456000000000, 1704456000000000),
        (1704456000000000000, 1704456000000000000),
        (2704456000000, "[digits]"),
        (123456789.5, 123456789.5),
        (1e300, 1e300),
        (True, True),
    ],
)
def test_a_long_number_is_masked_unless_it_is_a_time(number: Any, kept: Any) -> None:
    found = clean({"n": [number]})["n"][0]
    assert (found, type(found)) == (kept, type(kept))
    assert clean({"n": number}, PrivacyPolicy(free_text="keep")) == {"n": number}


def test_a_long_number_is_kept_where_its_key_says_that_it_is_a_measure_but_no_card_is() -> None:
    assert clean({"usedJSHeapSize": 123456789, "bytes": [987654321]}) == {
        "usedJSHeapSize": 123456789,
        "bytes": [987654321],
    }
    assert clean({"size": 4111111111111111}) == {"size": "[card]"}


def test_keys_that_come_out_the_same_are_told_apart_and_none_takes_anothers_place() -> None:
    sent = {"a@b.c": 1, "d@e.f": 2, "[email]": 3, "[email] (2)": 4, "x": {"/p?a=1": 5, "/p?a=2": 6}}
    kept = {"[email] (3)": 1, "[email] (4)": 2, "[email]": 3, "[email] (2)": 4, "x": {"/p": 5, "/p (2)": 6}}
    assert clean(sent) == kept
    assert clean(kept) == kept


def test_a_hundred_thousand_keys_that_come_out_the_same_all_stay() -> None:
    kept = clean({f"a{number}@b.c": number for number in range(100_000)})
    assert sorted(kept.values()) == list(range(100_000))


@pytest.mark.parametrize(
    "dumped", [b'{"method":"GET"}', b'{"referrer":"https://www.example.org/search"}', b'{"length":17,"at":"12:30:45"}']
)
def test_what_trackers_send_with_plain_events_needs_no_walk(dumped: bytes) -> None:
    assert not may_hold_some(dumped)
