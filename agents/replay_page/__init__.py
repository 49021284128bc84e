"""Writes a page that plays a recording by rrweb's player: one file, which asks nobody for anything.

The player comes from npm (``package-lock.json`` beside this file pins it), beside Python's environment. What may run in
the page is named by its digest; everything else, and every address elsewhere, is forbidden by its policy.
"""

import base64
import hashlib
import html
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID

from pipeline.recordings import Fault, Recording

PLAYER = Path(sys.prefix) / "share/hxi/replay_page/node_modules/rrweb-player/dist"
"""Where ``make player`` has npm put it, and the ``Dockerfile`` copies it."""

PLAYER_SCRIPT = "rrweb-player.umd.min.cjs"
PLAYER_STYLE = "style.min.css"

_SOURCE_MAP = re.compile(r"\s*(?://|/\*)# sourceMappingURL=\S+(?:\s*\*/)?\s*\Z")
_FIELD = re.compile(r"\{\{(\w+)\}\}")
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_UNSAFE = re.compile("[<>&\u2028\u2029]")


class PlayerMissing(Exception):
    """rrweb's player is not installed; the text says how to get it."""


def page(session_id: UUID, recording: Recording, events: Iterable[bytes], player: Path = PLAYER) -> Iterator[str]:
    """Yield the parts of the page; ``events`` is the text, in parts, of a JSON array, and is taken one by one.

    Raises:
        PlayerMissing: before the first part.
    """
    scripts = {"player": _inline(_of_player(player, PLAYER_SCRIPT)), "script": _inline(_own("page.js"))}
    fields = scripts | {
        "policy": html.escape(_policy(scripts.values())),
        "title": html.escape(f"Session {session_id}, {_start(recording)}"),
        "heading": f"Session <code>{session_id}</code>",
        "facts": html.escape(_facts(recording)),
        "faults": _warning(recording.faults),
        "player_style": _of_player(player, PLAYER_STYLE),
        "style": _own("page.css"),
        "licences": _own("licences.txt"),
    }
    before, _, after = _own("page.html").partition("{{events}}")
    return _parts(_filled(before, fields), events, _filled(after, fields))


def _parts(before: str, events: Iterable[bytes], after: str) -> Iterator[str]:
    yield before
    for part in events:
        yield _UNSAFE.sub(lambda match: _ESCAPED[match.group()], part.decode())
    yield after


def _filled(template: str, fields: dict[str, str]) -> str:
    return _FIELD.sub(lambda match: fields[match.group(1)], template)


def _policy(scripts: Iterable[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:;"
        " media-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def _inline(script: str) -> str:
    """Return ``script`` as an element can hold it: what would end the element is only ever within its texts."""
    return re.sub("<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE)


def _own(name: str) -> str:
    return (files(__name__) / name).read_text("utf-8")


def _of_player(player: Path, name: str) -> str:
    try:
        return _SOURCE_MAP.sub("", (player / name).read_text("utf-8"))
    except FileNotFoundError:
        raise PlayerMissing(
            "rrweb's player is not installed, which pages are played by: with npm (Node.js) there, `make player`"
            " in HXI's checkout fetches it"
        ) from None


def _facts(recording: Recording) -> str:
    return f"{_start(recording)} · {_length(recording)} · {recording.events} events"


def _start(recording: Recording) -> str:
    try:
        return datetime.fromtimestamp((recording.start_ms or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "at no time of ours"


def _length(recording: Recording) -> str:
    try:
        return str(timedelta(seconds=round(((recording.end_ms or 0) - (recording.start_ms or 0)) / 1000)))
    except (OverflowError, ValueError):
        return "endless"


def _warning(faults: Sequence[Fault]) -> str:
    if not faults:
        return ""
    return f'<p class="faults">Does not play as it was: {html.escape("; ".join(map(str, faults)))}.</p>'
