"""What a browser would fetch is gone from what a page plays; what it only shows is as it was."""

import time
from typing import Any

import pytest

from pipeline.replay_offline import offline

FAR = "https://shop.example/a.png"
PIXEL = "data:image/gif;base64,R0lGODlh"


def element(tag: str, **attributes: Any) -> dict[str, Any]:
    return {"type": 2, "tagName": tag, "id": 7, "childNodes": [], "attributes": attributes}


def snapshot(*nodes: Any) -> dict[str, Any]:
    return {"type": 2, "timestamp": 1, "data": {"node": {"type": 0, "id": 1, "childNodes": list(nodes)}}}


def attributes_left(node: dict[str, Any]) -> dict[str, Any]:
    left = offline(snapshot(node))["data"]["node"]["childNodes"][0]["attributes"]
    assert isinstance(left, dict)
    return left


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("img", "src"),
        ("IMG", "SRC"),
        ("img", "srcset"),
        ("link", "href"),
        ("link", "imagesrcset"),
        ("video", "poster"),
        ("object", "data"),
        ("body", "background"),
        ("use", "xlink:href"),
        ("iframe", "rr_src"),
        ("canvas", "rr_dataURL"),
        ("base", "href"),
    ],
)
@pytest.mark.parametrize("address", [FAR, "//shop.example/x", "/x.css", "x.css", " file:///etc/x", "HTTP://x.example"])
def test_what_an_element_fetches_is_gone(tag: str, name: str, address: str) -> None:
    assert attributes_left(element(tag, **{name: address, "class": "c"})) == {"class": "c"}


@pytest.mark.parametrize("name", ["onload", "onError", "srcdoc", "http-equiv"])
def test_what_an_element_would_do_is_gone(name: str) -> None:
    assert attributes_left(element("img", **{name: "anything", "alt": "x"})) == {"alt": "x"}


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ("a", {"href": FAR}),
        ("area", {"href": FAR}),
        ("img", {"src": PIXEL, "alt": FAR}),
        ("use", {"xlink:href": "#icon", "href": "#icon"}),
        ("video", {"src": "blob:null/5"}),
        ("iframe", {"src": "about:blank"}),
        ("div", {"style": f"background: url({PIXEL}) url('#x')", "title": "src"}),
        ("img", {"src": None, "rr_width": 5}),
    ],
)
def test_what_fetches_nothing_stays(tag: str, attributes: dict[str, Any]) -> None:
    assert attributes_left(element(tag, **attributes)) == attributes


@pytest.mark.parametrize(
    ("css", "left"),
    [
        (f"a{{background:url({FAR})}}", "a{background:url(data:,)}"),
        (f"a{{background:URL( '{FAR}' )}}", "a{background:url(data:,)}"),
        (f'src: url("{FAR}?(") format("woff2"), local("Fira")', 'src: url(data:,) format("woff2"), local("Fira")'),
        (f"a:url({PIXEL}),url({FAR})", f"a:url({PIXEL}),url(data:,)"),
        (f"a:url( '{PIXEL}' )", f"a:url( '{PIXEL}' )"),
        (f"@import '{FAR}' screen; b{{}}", " b{}"),
        (f"@import url({FAR});b{{}}", "b{}"),
        (f"a:image-set('{FAR}' 1x)", "a:none"),
        ("a { color: red }", "a { color: red }"),
    ],
)
@pytest.mark.parametrize("place", ["attribute", "style element", "added text", "rule", "declaration", "mutated"])
def test_what_styles_fetch_is_gone_wherever_they_are(css: str, left: str, place: str) -> None:
    places: dict[str, dict[str, Any]] = {
        "attribute": {"node": element("link", _cssText=css)},
        "style element": {"node": element("style") | {"childNodes": [{"type": 3, "textContent": css}]}},
        "added text": {"source": 0, "adds": [{"node": {"type": 3, "isStyle": True, "textContent": css}}]},
        "rule": {"source": 8, "adds": [{"rule": css, "index": 0}]},
        "declaration": {"source": 13, "set": {"property": "background", "value": css}},
        "mutated": {"source": 0, "attributes": [{"id": 7, "attributes": {"style": {"background": css}}}]},
    }
    event = offline({"type": 3, "data": places[place], "timestamp": 1})
    assert left in _texts(event)
    assert css == left or css not in _texts(event)


def test_what_people_read_is_as_it_was() -> None:
    article = {"type": 3, "textContent": f"write background: url({FAR}), or @import '{FAR}'"}
    before = snapshot(element("p") | {"childNodes": [dict(article)]})
    assert offline(before)["data"]["node"]["childNodes"][0]["childNodes"] == [article]


@pytest.mark.parametrize("piece", ["url(", 'url("', "@import url(", "image-set(", "@import '", 'url("x"', " "])
@pytest.mark.parametrize("start", ["url(", "@import", ""])
def test_hostile_styles_take_no_longer_than_others(start: str, piece: str) -> None:
    rule = start + piece * (1_000_000 // len(piece))
    event = {"type": 3, "data": {"source": 8, "adds": [{"rule": rule}]}, "timestamp": 1}
    before = time.process_time()
    offline(event)
    assert time.process_time() - before < 5


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for each in (value.values() if isinstance(value, dict) else value) for text in _texts(each)]
    return [value] if isinstance(value, str) else []
