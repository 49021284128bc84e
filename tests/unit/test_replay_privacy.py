"""What is masked in rrweb's events, and what of a chunk stays as it was sent."""

import json
from typing import Any, Literal

import pytest

from pipeline.decode import decode_chunk
from pipeline.privacy import PrivacyPolicy
from pipeline.tidy import DecodePolicy
from schema.rows import KeptChunk
from tests.builders import REPLAY, chunk_message, record

Replay = Literal["mask_inputs", "mask_text", "keep"]


def stored(data: Any, replay: Replay = "mask_inputs") -> Any:
    """Return the chunk's data as it would be stored."""
    policy = DecodePolicy(privacy=PrivacyPolicy(replay=replay))
    chunk = decode_chunk(record(chunk_message(chunk_data=data), partition=REPLAY), policy)
    assert isinstance(chunk, KeptChunk)
    return json.loads(chunk.chunk_data)


def text(content: str, **more: Any) -> dict[str, Any]:
    """Return a serialized text node."""
    return {"type": 3, "textContent": content, "id": 9, **more}


def element(tag: str, *children: Any, **attributes: Any) -> dict[str, Any]:
    """Return a serialized element."""
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": list(children), "id": 1}


def snapshot(*nodes: Any) -> dict[str, Any]:
    """Return a full snapshot's event."""
    return {"type": 2, "timestamp": 1, "data": {"node": {"type": 0, "childNodes": list(nodes)}, "initialOffset": {}}}


def change(source: int, **data: Any) -> dict[str, Any]:
    """Return an incremental snapshot's event."""
    return {"type": 3, "timestamp": 2, "data": {"source": source, **data}}


TYPED = [
    (change(5, id=4, text="my secret", isChecked=False), change(5, id=4, text="** ******", isChecked=False)),
    (snapshot(element("input", value="ann", type="text")), snapshot(element("input", value="***", type="text"))),
    (snapshot(element("input", value="Buy", type="submit")), snapshot(element("input", value="Buy", type="submit"))),
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
]
"""What people typed: masked by default, wherever in the chunk it is."""

SHOWN = [
    (snapshot(element("p", text("Dear Ann,"))), snapshot(element("p", text("**** ****")))),
    (change(0, texts=[{"id": 1, "value": "42 €"}]), change(0, texts=[{"id": 1, "value": "** *"}])),
    (snapshot(element("img", alt="Ann", src="/a.png")), snapshot(element("img", alt="***", src="/a.png"))),
    (snapshot(element("input", placeholder="Name")), snapshot(element("input", placeholder="****"))),
]
"""What people saw: masked where it is asked for."""

NEITHER = [
    snapshot(element("style", text("p {color: red}"))),
    snapshot(element("div", text(".a{}", isStyle=True))),
    change(1, positions=[{"x": 1, "y": 2}]),
    {"type": 5, "data": {"tag": "t", "payload": {"text": "x"}}},
    "packed",
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


def test_urls_of_pages_and_links_lose_their_query() -> None:
    meta = {"type": 4, "data": {"href": "https://a.example/p?token=1", "width": 1}}
    link = snapshot(element("a", text("x"), href="/reset?token=1"), element("link", href="/style.css?v=1"))
    clean_meta, clean_link = stored([meta, link])
    assert clean_meta["data"]["href"] == "https://a.example/p"
    anchor, style = clean_link["data"]["node"]["childNodes"]
    assert (anchor["attributes"]["href"], style["attributes"]["href"]) == ("/reset", "/style.css?v=1")


def test_the_deepest_chunk_that_is_read_is_masked_too() -> None:
    data: Any = change(5, text="x")
    for _ in range(180):
        data = [data]
    masked = stored(data)
    for _ in range(180):
        (masked,) = masked
    assert masked == change(5, text="*")
