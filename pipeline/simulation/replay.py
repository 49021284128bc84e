"""Recordings of sessions, as rrweb writes them: one chunk per page, playable from chunk 0 on.

The page is a drawing of its elements' boxes, enough for a player to show where clicks went.
"""

from typing import Any, Final

from pipeline.simulation.client import Event
from pipeline.simulation.layout import Element, Layout
from pipeline.simulation.visit import Stay

# rrweb's numbers of event types and of the sources of incremental events.
_FULL_SNAPSHOT, _INCREMENTAL, _META = 2, 3, 4
_MOUSE_MOVE, _MOUSE_INTERACTION, _SCROLL, _INPUT = 1, 2, 3, 5
_CLICK: Final = 2
_DOCUMENT, _HTML, _HEAD, _BODY, _FIRST_ELEMENT = 1, 2, 3, 4, 10
_TAGS: Final = {"link": "a", **dict.fromkeys(("button", "submit", "stepper"), "button"), "input": "input", "img": "img"}


def chunk_of(stay: Stay, *, session_id: str, index: int) -> dict[str, Any]:
    """Return the replay chunk object of one page of a session."""
    ids = {each.element_id: _FIRST_ELEMENT + 2 * n for n, each in enumerate(stay.layout.elements)}
    data = [_meta(stay), _snapshot(stay)]
    scroll = 0
    for event in stay.events:
        scroll = event.get("scroll_position", scroll)
        change = _change(event, ids.get(event.get("element_id", ""), _BODY), scroll)
        if change:
            data.append({"type": _INCREMENTAL, "data": change, "timestamp": event["timestamp"]})
    return {"session_id": session_id, "chunk_index": index, "chunk_data": data, "timestamp": stay.began_ms}


def _change(event: Event, node: int, scroll: int) -> dict[str, Any] | None:
    """Translate an event; rrweb counts a pointer's place from the viewport's corner."""
    match event["event_type"]:
        case "mouse_move":
            position = {"x": event["x"], "y": event["y"] - scroll, "id": node, "timeOffset": 0}
            return {"source": _MOUSE_MOVE, "positions": [position]}
        case "click":
            return {"source": _MOUSE_INTERACTION, "type": _CLICK, "id": node, "x": event["x"], "y": event["y"] - scroll}
        case "scroll":
            return {"source": _SCROLL, "id": _DOCUMENT, "x": 0, "y": scroll}
        case "input":
            return {"source": _INPUT, "text": "*" * event["metadata"]["length"], "isChecked": False, "id": node}
    return None


def _meta(stay: Stay) -> dict[str, Any]:
    href = stay.place.fields.get("page_url") or f"app://shop/{stay.place.name}"
    size = {"width": stay.layout.width, "height": stay.layout.viewport_height}
    return {"type": _META, "data": {"href": href, **size}, "timestamp": stay.began_ms}


def _snapshot(stay: Stay) -> dict[str, Any]:
    head = _node(_HEAD, "head", {}, [])
    style = {"style": f"margin:0;position:relative;height:{stay.layout.height}px"}
    body = _node(_BODY, "body", style, _drawing(stay.layout))
    page = {"type": 0, "childNodes": [_node(_HTML, "html", {"lang": "en"}, [head, body])], "id": _DOCUMENT}
    data = {"node": page, "initialOffset": {"left": 0, "top": 0}}
    return {"type": _FULL_SNAPSHOT, "data": data, "timestamp": stay.began_ms}


def _drawing(layout: Layout) -> list[dict[str, Any]]:
    numbered = enumerate(layout.elements)
    return [_box(each, _FIRST_ELEMENT + 2 * n) for n, each in numbered]


def _box(element: Element, node: int) -> dict[str, Any]:
    size = f"width:{element.right - element.left}px;height:{element.bottom - element.top}px"
    style = f"position:absolute;left:{element.left}px;top:{element.top}px;{size};border:1px solid #999"
    tag = _TAGS.get(element.kind, "div")
    # An input or an image has no text inside.
    text = [] if tag in {"input", "img"} else [{"type": 3, "textContent": element.element_id, "id": node + 1}]
    return _node(node, tag, {"id": element.element_id, "style": style}, text)


def _node(node: int, tag: str, attributes: dict[str, str], children: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": children, "id": node}
