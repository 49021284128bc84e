"""Decides what a user agent says: which browser on which kind of device, and whether it is a bot.

Names, versions and bots come from lists that others keep: uap-core's (Apache 2) and crawler-user-agents (MIT), both
matched by one engine whose time grows no faster than the text. The class of device is said by neither.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import version

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser import Domain, PartialResult, load_lazy_builtins
from ua_parser.matchers import UserAgentMatcher
from ua_parser.regex import Resolver

from schema.rows import KeptEvent, UserAgentRow

MOST_CHARACTERS = 500
"""By so many is a user agent judged: those of browsers have 60 to 350."""

REMEMBERED = 4096
"""Judgements kept: 12 us and about 1 KB each."""

NO_BOTS = frozenset({"okhttp"})
"""Patterns of crawler-user-agents that are not bots' alone: applications for Android say this of themselves."""

JUDGED_BY = ", ".join(f"{name} {version(name)}" for name in ("ua-parser-builtins", "crawler-user-agents"))

_OTHER_DEVICES = re.compile(r"TV|Web0S|CrKey|Roku|BRAVIA|\bAFT[A-Z]|PlayStation|Xbox|Nintendo|Watch|OculusBrowser")
_TABLETS = re.compile(r"iPad|Tablet(?! PC)|PlayBook|Kindle|Silk|^Mozilla/.*Android(?!.*Mobi)")
_MOBILES = re.compile(r"Mobi|iPhone|iPod|Opera Mini|Windows Phone")
_DESKTOPS = re.compile(r"Windows|Macintosh|X11|CrOS")


def user_agent_rows(events: Iterable[KeptEvent]) -> list[UserAgentRow]:
    """Return a row per user agent named in ``events``, in the order in which writers lock them.

    One that another takes the place of in its session has its row, too: so rows do not depend on where flushes end.
    """
    named = {event.facts.user_agent for event in events if event.facts is not None}
    return sorted(judged(user_agent) for user_agent in named if user_agent is not None)


def judged(user_agent: str) -> UserAgentRow:
    """Return what the lists say of a user agent; its beginning is judged, all of it is in the digest."""
    return UserAgentRow(sha256(user_agent.encode()).digest(), *_judged(user_agent[:MOST_CHARACTERS]), JUDGED_BY)


@lru_cache(REMEMBERED)
def _judged(text: str) -> tuple[str | None, str | None, str | None, str | None, bool]:
    said = _devices()(text, Domain.ALL)
    browser = said.user_agent
    numbers = [] if browser is None else [number for number in (browser.major, browser.minor) if number is not None]
    os = None if said.os is None else said.os.family
    return (
        None if browser is None else browser.family,
        ".".join(numbers) or None,
        os,
        _device_class(text, os),
        _is_bot(text, said),
    )


def _is_bot(text: str, said: PartialResult) -> bool:
    is_spider = said.device is not None and said.device.family == "Spider"
    return is_spider or _bots()(text, Domain.USER_AGENT).user_agent is not None


def _device_class(text: str, os: str | None) -> str | None:
    """Return the class of device, None where nothing tells.

    By what browsers document: phones say Mobi, tablets say Android without it (MDN, "Browser detection using the user
    agent string"). Applications that are no browsers say Android on both: most are phones.
    """
    if _OTHER_DEVICES.search(text):
        return "other"
    if _TABLETS.search(text):
        return "tablet"
    if _MOBILES.search(text) or os in ("Android", "iOS"):
        return "mobile"
    if _DESKTOPS.search(text):
        return "desktop"
    return None if os is None else "other"


@cache
def _devices() -> Resolver:
    return Resolver(load_lazy_builtins())


@cache
def _bots() -> Resolver:
    """Return what finds a "browser" in every bot's user agent, and in no other."""
    patterns = (entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA)
    return Resolver(([UserAgentMatcher(pattern, "bot") for pattern in patterns if pattern not in NO_BOTS], [], []))
