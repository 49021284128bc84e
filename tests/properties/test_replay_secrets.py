"""No secret is left in a replay wherever people can type it, whatever stands around it; masking is total and stable."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.privacy import PrivacyPolicy
from pipeline.replay_privacy import masked_chunk

SECRET = "hunter2"
POLICIES = st.sampled_from([PrivacyPolicy(), PrivacyPolicy(replay="mask_text")])
ANY_POLICY = POLICIES | st.sampled_from([PrivacyPolicy(replay="keep"), PrivacyPolicy(free_text="keep")])

KEYS = st.sampled_from(
    [
        "type",
        "data",
        "source",
        "text",
        "value",
        "id",
        "node",
        "childNodes",
        "tagName",
        "attributes",
        "textContent",
        "adds",
        "texts",
        "parentId",
        "payload",
        "isStyle",
        "href",
        "srcset",
        "commands",
        "property",
        "args",
        "contenteditable",
        "body",
        "style",
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        [
            "input",
            "textarea",
            "div",
            "style",
            "noscript",
            "https://a.example/p?q=1",
            "[{",
            '{"type":3,"data":"{}"}',
            '"a"',
            '{"type":3,',
            'v1:{"a":"b@c.example"}',
            "a@b.example c://d?e",
            "x y",
        ]
    )
    | st.text(max_size=5)
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=6)
)

IDS = st.integers(1, 60)
SHOWN_TAGS = st.sampled_from(["div", "p", "ul", "li", "svg", "x-card"])
CLASS = st.dictionaries(st.sampled_from(["class", "style", "data-x"]), st.sampled_from(["a", "b c"]), max_size=2)


def text(number: int, content: str = SECRET) -> dict[str, Any]:
    """Return a text node."""
    return {"type": 3, "id": number, "textContent": content}


def element(number: int, tag: str, attributes: dict[str, Any], *children: Any) -> dict[str, Any]:
    """Return an element."""
    return {"type": 2, "id": number, "tagName": tag, "attributes": attributes, "childNodes": list(children)}


@st.composite
def typed_nodes(draw: st.DrawFn) -> dict[str, Any]:
    """Return an element that people have typed into."""
    one, two, three = (draw(IDS) for _ in range(3))
    kind = draw(st.sampled_from(["text", "PASSWORD", "hidden", "email", "search", None]))
    editable = draw(
        st.sampled_from(
            [
                {"contenteditable": "true"},
                {"contentEditable": ""},
                {"contenteditable": "plaintext-only"},
                {"role": "textbox"},
                {"role": "combobox"},
            ]
        )
    )
    inside = element(two, draw(SHOWN_TAGS), draw(CLASS), text(three))
    return draw(
        st.sampled_from(
            [
                element(one, "input", {"value": SECRET, "type": kind}),
                element(one, "INPUT", {"VALUE": SECRET}),
                element(one, "textarea", {"value": SECRET}),
                element(one, "textarea", {}, text(two)),
                element(one, "option", {"value": SECRET, "selected": True}),
                element(one, "x-input", {"value": SECRET, "data-replicated-value": SECRET}),
                element(one, "span", editable, inside),
                element(one, "div", editable, text(two), element(three, "b", {}, inside)),
                element(one, "div", {"aria-valuetext": SECRET}),
            ]
        )
    )


@st.composite
def pages(draw: st.DrawFn) -> dict[str, Any]:
    """Return a full snapshot with something typed at any depth."""
    node = draw(typed_nodes())
    for _ in range(draw(st.integers(0, 4))):
        node = element(draw(IDS), draw(SHOWN_TAGS), draw(CLASS), text(draw(IDS), "shown"), node)
    return {
        "type": 2,
        "timestamp": 1,
        "data": {"node": {"type": 0, "id": 0, "childNodes": [node]}, "initialOffset": {}},
    }


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Return an incremental snapshot of typing into what an earlier chunk has described, whose ids are from 100 on."""
    old, new = draw(st.integers(100, 150)), draw(st.integers(200, 250))
    bare = element(new, draw(st.sampled_from(["div", "p", "li"])), draw(st.sampled_from([{}, {"style": "color: red"}])))
    data = draw(
        st.sampled_from(
            [
                {"source": 5, "id": old, "text": SECRET, "isChecked": False},
                {"source": 0, "texts": [{"id": old, "value": SECRET}]},
                {"source": 0, "attributes": [{"id": old, "attributes": {"value": SECRET, "class": "c"}}]},
                {"source": 0, "adds": [{"parentId": old, "nextId": None, "node": text(new)}]},
                {
                    "source": 0,
                    "adds": [{"parentId": old, "nextId": 1, "node": bare}, {"parentId": new, "node": text(new + 100)}],
                },
                {"source": 0, "adds": [{"parentId": old, "nextId": 1, "node": draw(typed_nodes())}]},
            ]
        )
    )
    return {"type": 3, "timestamp": 2, "data": data}


REQUESTS = st.sampled_from(["requestBody", "RequestHeaders", "body", "cookies"]).map(
    lambda name: {"type": 6, "data": {"plugin": "rrweb/network@1", "payload": {"requests": [{name: {"a": [SECRET]}}]}}}
)
EVENTS = pages() | changes() | REQUESTS
BREAKS = st.sampled_from(
    [lambda text: text[:-1], lambda text: text[1:], "v1:{}".format, "\ufeff{}".format, "{},".format, "{}\n{{}}".format]
)
WRAPS = st.lists(st.sampled_from([lambda data: [data], lambda data: {"events": data}, json.dumps]), max_size=3)


@given(st.lists(EVENTS, min_size=1, max_size=4), WRAPS, POLICIES)
def test_no_secret_is_left_wherever_people_type(events: list[Any], wraps: list[Any], policy: PrivacyPolicy) -> None:
    data: Any = events
    for wrap in wraps:
        data = wrap(data)
    assert SECRET not in json.dumps(masked_chunk(data, policy))


@given(EVENTS, WRAPS, BREAKS, WRAPS, POLICIES)
def test_no_secret_is_left_in_text_that_cannot_be_read(
    event: Any, within: list[Any], broken: Any, around: list[Any], policy: PrivacyPolicy
) -> None:
    data: Any = event
    for wrap in within:
        data = wrap(data)
    data = broken(json.dumps(data))
    for wrap in around:
        data = wrap(data)
    assert SECRET not in json.dumps(masked_chunk(data, policy))


@given(JSON, ANY_POLICY)
def test_masking_takes_any_json_and_twice_is_once(data: Any, policy: PrivacyPolicy) -> None:
    once = masked_chunk(data, policy)
    assert masked_chunk(copy.deepcopy(once), policy) == once


@given(JSON)
def test_nothing_changes_where_everything_is_kept(data: Any) -> None:
    before = copy.deepcopy(data)
    assert masked_chunk(data, PrivacyPolicy(replay="keep", url_query="keep", free_text="keep")) == before
