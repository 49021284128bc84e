"""A recording that asks for something in each way that a page can, and would run programs in each way."""

from itertools import count
from typing import Any

PROGRAM = "top.hacked = parent.hacked = true"

ASKED_FOR = frozenset(
    f"/{name}"
    for names in (
        (
            "sheet",
            "preload",
            "prefetch",
            "copied",
            "import",
            "import-url",
            "font",
            "background",
            "escaped",
            "listed",
            "set",
        ),
        (
            "image",
            "frame",
            "poster",
            "drawn",
            "button",
            "object",
            "embed",
            "canvas",
            "cursor",
            "table",
            "video",
            "audio",
        ),
        ("source", "within-data", "within-srcdoc"),
        ("added-image", "added-style", "adopted", "changed", "changed-style"),
    )
    for name in names
)
"""What a browser fetches of it that is not kept from it."""


def hostile(origin: str) -> list[dict[str, Any]]:
    """Return rrweb's events, of which each asks ``origin`` for something."""
    page = _Page(origin)
    head, styled = page.head()
    body = page.body()
    document = {"type": 0, "id": 1, "childNodes": [page.element("html", head, body)]}
    far, number = page.far, body["id"]
    image = next(child["id"] for child in body["childNodes"] if child.get("tagName") == "img")
    added = [page.element("img", src=far("added-image"), onerror=PROGRAM)]
    added += [page.element("style", _cssText=f"body {{ background: url({far('added-style')}) }}")]
    changes: list[dict[str, Any]] = [
        {"source": 10, "family": "far", "fontSource": f"url({far('font')})", "buffer": False},
        {
            "source": 15,
            "id": 1,
            "styleIds": [5],
            "styles": [{"styleId": 5, "rules": [{"rule": f"i {{ background: url({far('adopted')}) }}", "index": 0}]}],
        },
        {
            "source": 0,
            "texts": [],
            "removes": [],
            "adds": [{"parentId": number, "nextId": None, "node": node} for node in added],
            "attributes": [
                {
                    "id": image,
                    "attributes": {"src": far("changed"), "style": {"background": f"url({far('changed-style')})"}},
                }
            ],
        },
        {"source": 2, "type": 2, "id": number, "x": 1, "y": 1},
        {"source": 8, "id": styled, "adds": [{"rule": f"em {{ background: url({far('rule')}) }}", "index": 0}]},
    ]
    return [
        {"type": 4, "timestamp": 1_000, "data": {"href": far("meta"), "width": 800, "height": 600}},
        {"type": 2, "timestamp": 1_001, "data": {"node": document, "initialOffset": {"left": 0, "top": 0}}},
        *({"type": 3, "timestamp": 1_100 + 100 * n, "data": change} for n, change in enumerate(changes)),
        {"type": 5, "timestamp": 2_000, "data": {"tag": "</script><script>", "payload": {}}},
    ]


class _Page:
    """Makes nodes, each with an id of its own."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._ids = count(2)

    def far(self, name: str) -> str:
        return f"{self._origin}/{name}"

    def element(self, tag: str, *children: Any, **attributes: str) -> dict[str, Any]:
        return {"type": 2, "tagName": tag, "id": next(self._ids), "attributes": attributes, "childNodes": children}

    def text(self, value: str, **more: Any) -> dict[str, Any]:
        return {"type": 3, "id": next(self._ids), "textContent": value} | more

    def head(self) -> tuple[dict[str, Any], int]:
        element, text, far = self.element, self.text, self.far
        css = f"""@import '{far("import")}'; @import url({far("import-url")});
            @font-face {{ font-family: far; src: url({far("font")}) }} p {{ font-family: far }}
            body {{ background: url({far("background")}) }} i {{ background: u\\72l({far("escaped")}) }}
            s {{ list-style-image: url({far("listed")}\n) }} b {{ background-image: image-set('{far("set")}' 1x) }}"""
        style = element("style", text(css, isStyle=True))
        return element(
            "head",
            element("link", rel="preconnect", href=far("")),
            element("link", rel="dns-prefetch", href=far("")),
            element("link", rel="stylesheet", href=far("sheet")),
            element("link", rel="preload", href=far("preload"), **{"as": "image"}),
            element("link", rel="prefetch", href=far("prefetch")),
            element("link", rel="stylesheet", _cssText=f"@import '{far('copied')}';"),
            style,
            element("script", text(PROGRAM), src=far("script")),
            element("base", href=far("base")),
            element("meta", **{"http-equiv": "refresh", "content": f"0;url={far('refresh')}"}),
        ), style["id"]

    def body(self) -> dict[str, Any]:
        element, text, far = self.element, self.text, self.far
        drawn = element("image", href=far("drawn")), element("script", text(PROGRAM), href=far("svg-script"))
        svg = element("svg", *(node | {"isSVG": True} for node in drawn), onload=PROGRAM) | {"isSVG": True}
        program = f"<script>{PROGRAM}</script><img src={{}} onerror='{PROGRAM}'>"
        return element(
            "body",
            text("</script><script>window.hacked = true</script><!-- \u2028"),
            *(element(tag, text("styled")) for tag in ("p", "i", "s", "b")),
            element("img", src=far("image"), srcset=f"{far('image')} 2x", onerror=PROGRAM),
            element("img", src="data:image/gif;base64,none", onerror=PROGRAM),
            element("iframe", src=far("frame"), rr_src=far("frame")),
            element("iframe", src=f"javascript:{PROGRAM}"),
            element("iframe", src=f"data:text/html,{program.format(far('within-data'))}"),
            element("iframe", srcdoc=program.format(far("within-srcdoc"))),
            element("object", data=far("object")),
            element("embed", src=far("embed")),
            element("video", src=far("video"), poster=far("poster"), autoplay=""),
            element("audio", src=far("audio"), autoplay=""),
            element("video", element("source", src=far("source")), autoplay=""),
            svg,
            element("a", text("away"), href=f"javascript:{PROGRAM}", ping=far("ping")),
            element("form", element("input", type="image", src=far("button")), action=f"javascript:{PROGRAM}"),
            element("div", text("styled"), style=f"cursor: url({far('cursor')}), auto", onclick=PROGRAM),
            element("table", background=far("table")),
            element("canvas", rr_dataURL=far("canvas")),
        )
