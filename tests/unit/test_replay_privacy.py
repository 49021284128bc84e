"""What is masked in rrweb's events, and what of a chunk stays as it was sent."""

import json
import zlib
from typing import Any, Literal
from urllib.parse import quote

import pytest

from pipeline.decode import decode_chunk
from pipeline.privacy import PrivacyPolicy
from pipeline.tidy import DecodePolicy
from schema.rows import KeptChunk
from tests.builders import REPLAY, chunk_message, record

Replay = Literal["mask_inputs", "mask_text", "keep"]


def stored(data: Any, replay: Replay = "mask_inputs", **policy_of: Any) -> Any:
    """Return the chunk's data as it would be stored."""
    policy = DecodePolicy(privacy=PrivacyPolicy(replay=replay, **policy_of))
    chunk = decode_chunk(record(chunk_message(chunk_data=data), partition=REPLAY), policy)
    assert isinstance(chunk, KeptChunk)
    return json.loads(chunk.chunk_data)


def text(content: str, **more: Any) -> dict[str, Any]:
    """Return a serialized text node."""
    return {"type": 3, "textContent": content, "id": 9, **more}


def element(tag: str, *children: Any, **attributes: Any) -> dict[str, Any]:
    """Return a serialized element; ``id_`` is its id."""
    number = attributes.pop("id_", 1)
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": list(children), "id": number}


def snapshot(*nodes: Any) -> dict[str, Any]:
    """Return a full snapshot's event."""
    return {"type": 2, "timestamp": 1, "data": {"node": {"type": 0, "childNodes": list(nodes)}, "initialOffset": {}}}


def change(source: int, **data: Any) -> dict[str, Any]:
    """Return an incremental snapshot's event."""
    return {"type": 3, "timestamp": 2, "data": {"source": source, **data}}


TYPED = [
    (change(5, id=4, text="my secret", isChecked=False), change(5, id=4, text="** ******", isChecked=False)),
    (snapshot(element("input", value="ann", type="text")), snapshot(element("input", value="***", type="text"))),
    (
        snapshot(element("textarea", text("a b"), value="a b")),
        snapshot(element("textarea", text("* *"), value="* *")),
    ),
    (
        change(0, adds=[{"parentId": 1, "node": element("div", element("option", value="x"))}]),
        change(0, adds=[{"parentId": 1, "node": element("div", element("option", value="*"))}]),
    ),
    (
        change(0, attributes=[{"id": 3, "attributes": {"value": "ann", "class": "c"}}]),
        change(0, attributes=[{"id": 3, "attributes": {"value": "***", "class": "c"}}]),
    ),
    (change(5, text=7), change(5, text="*")),
    (element("INPUT", type=[], value="x"), element("INPUT", type=[], value="*")),
    ({"tagName": "x", **change(5, text="x")}, {"tagName": "x", **change(5, text="*")}),
    ({"events": [change(5, text="x")]}, {"events": [change(5, text="*")]}),
    (element("ion-input", value="ann"), element("ion-input", value="***")),
    (element("label", **{"data-replicated-value": "a"}), element("label", **{"data-replicated-value": "*"})),
    (element("option", selected=True), element("option")),
    (
        element("div", element("b", text("a")), contenteditable=""),
        element("div", element("b", text("*")), contenteditable=""),
    ),
    (element("div", text("a"), role="textbox"), element("div", text("*"), role="textbox")),
    (element("iframe", srcdoc="<p>a"), element("iframe", srcdoc="****")),
    (element("script", text("a")), element("script", text("*"))),
    (
        {"type": 6, "data": {"plugin": "rrweb/network@1", "payload": {"requestBody": {"pin": 1}, "status": 200}}},
        {"type": 6, "data": {"plugin": "rrweb/network@1", "payload": {"requestBody": {"pin": "*"}, "status": 200}}},
    ),
    ({"type": 6, "data": {"payload": {"postData": "a=b"}}}, {"type": 6, "data": {"payload": {"postData": "***"}}}),
    *(
        (element("div", element("b", text("a")), role=role), element("div", element("b", text("*")), role=role))
        for role in ("combobox", "searchbox", "none Combobox")
    ),
    *(
        ({"type": kind, "data": {"payload": [{name: "a b"}]}}, {"type": kind, "data": {"payload": [{name: "* *"}]}})
        for kind in (5, 6)
        for name in [
            *("password", "newPassword", "user_passwd", "pwd", "secret", "accessToken", "otp", "loginPin", "PIN"),
            *("cvv", "card_cvc", "authorization", "apiKey", "set-cookie"),
        ]
    ),
    (
        {"type": 5, "data": {"payload": {"password": {"old": "a", "n": 1}}}},
        {"type": 5, "data": {"payload": {"password": {"old": "*", "n": "*"}}}},
    ),
]
"""What people typed: masked by default, wherever in the chunk it is."""

SHOWN = [
    (snapshot(element("p", text("Dear Ann,"))), snapshot(element("p", text("**** ****")))),
    (snapshot(element("img", alt="Ann", src="/a.png")), snapshot(element("img", alt="***", src="/a.png"))),
    (snapshot(element("input", placeholder="Name")), snapshot(element("input", placeholder="****"))),
    (element("input", value="Buy", type="Submit"), element("input", value="***", type="Submit")),
    ({"type": 5, "textContent": "note", "id": 1}, {"type": 5, "textContent": "****", "id": 1}),
    ({"type": 4, "textContent": "note", "id": 1}, {"type": 4, "textContent": "****", "id": 1}),
    (element("meta", content="Ann"), element("meta", content="***")),
    (element("i", **{"data-user": "Ann"}), element("i", **{"data-user": "***"})),
    (element("i", **{"aria-description": "Ann"}), element("i", **{"aria-description": "***"})),
    (element("noscript", text("<p>")), element("noscript", text("***"))),
    (
        element("x-i", text="a", header="b", who="c", **{"class": "d"}),
        element("x-i", text="*", header="*", who="*", **{"class": "d"}),
    ),
    (
        [snapshot(element("x-i", id_=7)), change(0, attributes=[{"id": 7, "attributes": {"who": "a", "class": "b"}}])],
        [snapshot(element("x-i", id_=7)), change(0, attributes=[{"id": 7, "attributes": {"who": "*", "class": "b"}}])],
    ),
    (
        change(0, attributes=[{"id": 7, "attributes": {"text": "a"}}]),
        change(0, attributes=[{"id": 7, "attributes": {"text": "*"}}]),
    ),
    (
        {"type": 5, "data": {"tag": "t", "payload": {"text": "x", "n": 1}}},
        {"type": 5, "data": {"tag": "*", "payload": {"text": "*", "n": 1}}},
    ),
    (change(9, property="fillText", args=["a b", 1]), change(9, property="fillText", args=["* *", 1])),
    (
        change(9, commands=[{"property": "fillText", "args": ["a"]}]),
        change(9, commands=[{"property": "fillText", "args": ["*"]}]),
    ),
]
"""What people saw: masked where it is asked for."""

NEITHER = [
    snapshot(element("style", text("p {color: red}"))),
    snapshot(element("div", text(".a{}", isStyle=True))),
    change(1, positions=[{"x": 1, "y": 2}]),
    {"type": 5, "data": {"payload": {"count": 1, "tokens": 2, "spin": 3, "pinned": 1}}},
    element("x-i", **{"class": "a", "slot": "b"}),
    {"type": 6, "data": 1},
    change(0, adds=[1, {"node": 1}, {"node": {}, "x": []}]),
    change(9, commands=[{"property": "drawImage", "args": ["a"]}, 1]),
    element("li", type="1"),
    {"tagName": "p", "childNodes": [1, None, {"x": []}], "x": {}},
    "packed",
    "[not JSON",
    [1, None, {"type": 3}, {"type": 3, "data": "x"}, {"tagName": 7, "attributes": []}, {"tagName": "input"}],
    change(0, attributes="x", texts={"a": 1}),
    {"tagName": []},
    {"tagName": {}, "attributes": {"type": []}},
    change(0, attributes=[{"attributes": {"type": {}}}, {"attributes": []}, 7]),
]


@pytest.mark.parametrize(("sent", "masked"), TYPED)
def test_what_people_type_is_masked_by_default(sent: Any, masked: Any) -> None:
    assert stored([sent]) == [masked]
    assert stored([sent], "mask_text") == [masked]
    assert stored([sent], "keep") == [sent]


@pytest.mark.parametrize(("sent", "masked"), SHOWN)
def test_what_people_see_is_masked_on_request(sent: Any, masked: Any) -> None:
    assert stored([sent]) == [sent]
    assert stored([sent], "mask_text") == [masked]


@pytest.mark.parametrize("sent", NEITHER)
@pytest.mark.parametrize("replay", ["mask_inputs", "mask_text", "keep"])
def test_everything_else_is_stored_as_it_was_sent(sent: Any, replay: Replay) -> None:
    assert stored(sent, replay) == sent


# An editor (1) with a text (2), a paragraph (3) with a text (4); then what a later event does with them.
KNOWN = snapshot(
    element("div", text("e", id=2), id_=1, contenteditable="true"),
    element("p", text("p", id=4), id_=3),
    element("style", text("s", id=6), id_=5),
)


def added(node: dict[str, Any], parent: int) -> dict[str, Any]:
    """Return what rrweb says of a node that is new."""
    return {"parentId": parent, "nextId": None, "node": node}


@pytest.mark.parametrize(
    ("event", "shows"),
    [
        (change(0, texts=[{"id": 4, "value": "SECRET"}]), True),
        (change(0, texts=[{"id": 6, "value": "SECRET"}]), True),
        (change(0, texts=[{"id": 2, "value": "SECRET"}]), False),
        (change(0, texts=[{"id": 99, "value": "SECRET"}]), False),
        (change(0, adds=[added(text("SECRET", id=10), 3)]), True),
        (change(0, adds=[added(text("SECRET", id=10), 1)]), False),
        (change(0, adds=[added(text("SECRET", id=10), 99)]), False),
        (change(0, adds=[added(text("SECRET", id=10, isStyle=True), 99)]), True),
        (change(0, adds=[added(element("p", id_=10), 99), added(text("SECRET", id=11), 10)]), False),
        (change(0, adds=[added(element("p", id_=10), 3), added(text("SECRET", id=11), 10)]), True),
        (change(0, adds=[added(element("p", id_=10, **{"class": "c"}), 99), added(text("SECRET", id=11), 10)]), True),
        (
            change(
                0,
                attributes=[{"id": 3, "attributes": {"contenteditable": "true"}}],
                texts=[{"id": 4, "value": "SECRET"}],
            ),
            False,
        ),
        (
            change(
                0, adds=[added({"type": 0, "id": 10, "childNodes": [element("p", text("SECRET", id=12), id_=11)]}, 99)]
            ),
            True,
        ),
    ],
)
def test_a_change_is_typed_where_its_node_is_an_editors_or_unknown_and_editing_does_such(
    event: dict[str, Any], shows: bool
) -> None:
    assert ("SECRET" in json.dumps(stored([KNOWN, event]))) is shows
    assert ("SECRET" in json.dumps(stored([KNOWN, event], "keep"))) is True


def test_a_text_put_later_into_an_element_that_is_in_an_unknown_one_is_typed() -> None:
    new = change(0, adds=[added(element("p", text("shown", id=11), id_=10, **{"class": "c"}), 99)])
    later = change(0, adds=[added(text("SECRET", id=12), 10)], texts=[{"id": 11, "value": "SECRET"}])
    masked = json.dumps(stored([new, later]))
    assert ("shown" in masked, "SECRET" in masked) == (True, False)


def test_ids_begin_anew_with_each_snapshot() -> None:
    change_before = change(0, texts=[{"id": 4, "value": "SECRET"}])
    assert "SECRET" not in json.dumps(stored([change_before, KNOWN]))
    assert "SECRET" not in json.dumps(stored([KNOWN, snapshot(element("p", text("q", id=8))), change_before]))


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_json_that_is_there_as_text_is_masked_within(levels: int) -> None:
    data: Any = [change(5, text="SECRET")]
    for _ in range(levels):
        data = json.dumps(data)
    masked = stored(data)
    assert "SECRET" not in masked
    for _ in range(min(levels, 3)):
        masked = json.loads(masked)
    assert masked == [change(5, text="******")] or levels > 3
    assert stored([{"type": 3, "data": json.dumps({"source": 5, "text": "SECRET"})}]) == [
        {"type": 3, "data": '{"source":5,"text":"******"}'}
    ]


def nested(levels: int) -> list[Any]:
    """Return a page with something typed, so many elements deep."""
    node = element("input", value="SECRET")
    for _ in range(levels):
        node = element("div", node)
    return [snapshot(node)]


INPUT = json.dumps(change(5, text="SECRET"))

UNREADABLE = {
    "deep": json.dumps(nested(100)),
    "lines": f"{INPUT}\n{INPUT}",
    "byte order mark": f"\ufeff[{INPUT}]",
    "trailing comma": f"[{INPUT},]",
    "truncated": f"[{INPUT}",
    "cut in front": INPUT[1:],
    "no number": f"[{INPUT}, NaN]",
    "tab": INPUT.replace("SECRET", "SEC\tSECRET"),
    "prefix": f"v1:[{INPUT}]",
    "prefix of text in text": json.dumps(f"v1:[{INPUT}]"),
    "text in text, cut": json.dumps(INPUT)[:-5],
    "of Python": str([change(5, text="SECRET")]),
    "in HTML": INPUT.replace('"', "&quot;"),
    "percent-escaped": quote(INPUT),
}
"""Texts that hold events, but cannot be read as JSON."""


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("replay", ["mask_inputs", "mask_text", "keep"])
def test_text_like_json_that_cannot_be_read_is_masked_whole(sent: str, replay: Replay) -> None:
    keeps = replay == "keep"
    for data in (sent, [sent, INPUT], {"events": sent}, [{"type": 3, "data": sent}], json.dumps({"chunk": sent})):
        assert ("SECRET" in json.dumps(stored(data, replay))) is keeps


def test_text_that_cannot_be_read_within_an_events_data_is_masked_where_it_begins_as_json() -> None:
    logged = {"type": 6, "data": {"payload": ['{"text": "SECRET"', 'got {"id": 7}']}}
    assert stored([logged]) == [{"type": 6, "data": {"payload": ["******** ********", 'got {"id": 7}']}}]


def test_packed_text_stays() -> None:
    texts = [json.dumps([change(1, positions=[{"x": x * x % 977, "y": x}])] * (x % 9 + 1)) for x in range(1000)]
    packed = [zlib.compress(text.encode()).decode("latin-1") for text in texts]
    kept = [text.replace("\0", "\ufffd") for text in packed]
    assert stored(packed) == kept
    assert stored("".join(packed)) == "".join(kept)


def test_texts_beyond_what_is_read_of_a_chunk_are_masked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.replay_json.MOST_TEXTS", 2)
    read = json.dumps(change(5, text="******"), separators=(",", ":"))
    whole = " ".join("*" * len(word) for word in INPUT.split())
    assert stored([INPUT, INPUT, INPUT, "[1, 2, 3, 4, 5]"]) == [read, read, whole, "[1, 2, 3, 4, 5]"]


def test_events_that_are_there_as_text_under_data_are_masked_too() -> None:
    assert "SECRET" not in json.dumps(stored([{"type": 3, "data": f"[{INPUT}]"}]))


def test_a_json_text_with_a_number_that_cannot_be_stored_keeps_it_as_text() -> None:
    assert stored(['[1e999, {"a": 1}]']) == ['[1e999,{"a":1}]']


URL, CLEAN = "https://a.example/p?token=SECRET#SECRET", "https://a.example/p"

URLS = [
    ({"type": 4, "data": {"href": URL, "width": 1}}, {"type": 4, "data": {"href": CLEAN, "width": 1}}),
    ({"type": 7, "data": {"url": URL}}, {"type": 7, "data": {"url": CLEAN}}),
    *(
        (element(tag, **{name: URL}), element(tag, **{name: CLEAN}))
        for tag, name in [
            ("a", "href"),
            ("area", "href"),
            ("link", "href"),
            ("img", "src"),
            ("IFRAME", "SRC"),
            ("form", "action"),
            ("video", "poster"),
            ("object", "data"),
            ("iframe", "rr_src"),
            ("button", "formaction"),
            ("use", "xlink:href"),
            ("meta", "content"),
            ("i", "data-url"),
            ("i", "data-x"),
            ("img", "rr_captured_src"),
        ]
    ),
    (element("img", srcset=f"{URL} 1x, {URL}, 2.png 2x"), element("img", srcset=f"{CLEAN} 1x, {CLEAN}, 2.png 2x")),
    (
        change(0, attributes=[{"id": 1, "attributes": {"src": URL}}]),
        change(0, attributes=[{"id": 1, "attributes": {"src": CLEAN}}]),
    ),
    (element("noscript", text(f"<img src={URL}>")), element("noscript", text(f"<img src={CLEAN}"))),
    (
        {"type": 6, "data": {"payload": {"log": f"GET {URL} by a@b.example", "url": "/p?token=SECRET"}}},
        {"type": 6, "data": {"payload": {"log": f"GET {CLEAN} by [email]", "url": "/p"}}},
    ),
    (change(11, payload=[f"at {URL}"]), change(11, payload=[f"at {CLEAN}"])),
    ({"type": 5, "data": {"tag": URL}}, {"type": 5, "data": {"tag": CLEAN}}),
    ({"url": "/p?SECRET", "events": []}, {"url": "/p", "events": []}),
    ({"note": [f"{URL} a@b.example"]}, {"note": [f"{CLEAN} [email]"]}),
]


@pytest.mark.parametrize(("sent", "clean"), URLS)
@pytest.mark.parametrize("replay", ["mask_inputs", "keep"])
def test_urls_lose_their_query_wherever_they_are(sent: Any, clean: Any, replay: Replay) -> None:
    assert stored([sent], replay) == [clean]
    assert "SECRET" not in json.dumps(stored([sent], "mask_text"))


@pytest.mark.parametrize(("sent", "clean"), URLS)
def test_a_recording_is_stored_as_it_was_sent_where_everything_is_kept(sent: Any, clean: Any) -> None:
    assert stored([sent], "keep", url_query="keep", free_text="keep") == [sent]


@pytest.mark.parametrize(
    "attributes",
    [{"src": "data:image/svg+xml,<svg>?#a"}, {"style": "background: url(a.png?b)"}, {"href": "/a"}],
    ids=str,
)
def test_data_and_styles_stay(attributes: dict[str, Any]) -> None:
    assert stored([element("img", **attributes)]) == [element("img", **attributes)]


def test_parts_of_a_drawing_are_found_by_their_fragment_and_links_in_it_are_links() -> None:
    nodes = [element(tag, href="https://a.example/i.svg?v=1#icon") | {"isSVG": True} for tag in ("use", "a")]
    assert [node["attributes"]["href"] for node in stored(nodes)] == [
        "https://a.example/i.svg#icon",
        "https://a.example/i.svg",
    ]


def test_the_deepest_chunk_that_is_read_is_masked_too() -> None:
    data: Any = change(5, text="x")
    for _ in range(180):
        data = [data]
    masked = stored(data)
    for _ in range(180):
        (masked,) = masked
    assert masked == change(5, text="*")
