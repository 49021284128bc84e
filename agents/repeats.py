"""Keeps libraries from saying the same thing over and over."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

PERIOD_S = 300.0
"""aiokafka says up to a hundred times a second that a broker is away, in a dozen ways; so it is a dozen lines in this
time. Ours that say the same, once a minute, are in ``away``."""

MOST_KINDS = 200
"""A library that never says the same thing twice has this many lines in a period and one more."""

_OURS = ("agents.", "pipeline.")
_BY_FAUST = ("agents.app", "agents.transport")
"""What Faust says in the name of our modules."""

_NEVER_REPEATED = ("py.warnings",)
"""Python shows each warning once for the line that it is about."""

_OTHERS = ("", 0, "others")


@dataclass(slots=True)
class _Kind:
    next_s: float
    kept_back: int = 0


class Repeats(logging.Filter):
    """Lets the first line of each kind through and then one in :data:`PERIOD_S`, with how many were kept back."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now_s = now_s
        self._kinds: dict[tuple[str, int, str], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether ``record`` is to be said; adds to its sentence, and its fields, what was kept back."""
        if _is_free(record.name):
            return True
        now_s = self._now_s()
        key = (record.name, record.lineno, str(record.msg).partition("\n")[0])
        if key not in self._kinds and len(self._kinds) >= MOST_KINDS:
            key = _OTHERS
        kind = self._kinds.setdefault(key, _Kind(now_s))
        if now_s < kind.next_s:
            kind.kept_back += 1
            return False
        if kind.kept_back:
            record.msg = f"{record.msg} (and {kind.kept_back} times more before)"
            record.kept_back = kind.kept_back
        self._kinds[key] = _Kind(now_s + PERIOD_S)
        return True


def _is_free(name: str) -> bool:
    return name in _NEVER_REPEATED or (name.startswith(_OURS) and name not in _BY_FAUST)
