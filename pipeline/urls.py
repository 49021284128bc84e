r"""Takes out of URLs what they carry beside the place they name: query, fragment, login, path parameters.

In a field that holds a URL, all of it goes. In free text these are URLs, and the rest stays (``a/b?``, ``really?``):

- what begins with a scheme and a slash (``https://…``, ``app:/…``): everything behind ``?`` or ``#`` goes;
- what begins with ``/``, ``./`` or ``../``, also ``//host``: the same, where a word follows the ``?`` or ``#`` at once;
- any other ``?name=…`` or ``#name=…``, also percent-escaped: it goes, to the next white space or ``"``.

Slashes may be escaped as JSON does (``\/``). Every function is total and linear: text in, text out.
"""

import re
from urllib.parse import unquote_plus, urlsplit

_MARK = r"(?:[?#]|%(?:25){0,3}(?:3[Ff]|23))"
_EQUALS = r"(?:=|%(?:25){0,3}3[Dd]|\\u003[Dd])"
_NAME = r"(?=[\w$%\[-])(?:(?!%(?:25){0,3}3[DdFf])[\w.%+~$!*@\[\]-]){1,100}"
_PATH, _TAIL = (
    rf"{part}*+(?:(?<=\d{{4}})\s{{1,3}}(?=\d{{4,6}}(?!\d)){part}*+)*+" for part in (r"[^\s\"<>?#]", r"[^\s\"]")
)
"""A path, and a query: to the white space that is not between the groups of a card."""

_PAIR = rf"{_MARK}{_NAME}{_EQUALS}"

# Begun only where a word begins, possessive, and what is not is bounded: linear, also in 15 MB of one letter.
_URL = re.compile(
    rf"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{{1,100}}:(?=[\\/]){_PATH}(?:[?#]{_TAIL})?"
    rf"|(?<![\w.~%/\\-])\.{{0,2}}\\{{0,3}}/{_PATH}(?:[?#](?=[\w$%\[-]){_TAIL})?"
    rf"|{_PAIR}{_TAIL}"
)
_MAY_HOLD_URLS = re.compile(r"[?#;@]|%(?:25){0,3}(?:3[BbFf]|23)")
_POSITION = re.compile(r"(?::\d{1,9}){2}\)?\Z")
"""Line and column, behind a script's URL in a stack trace."""

_LOGIN = re.compile(
    r"(\A[A-Za-z][A-Za-z0-9+.-]*:(?:\\{0,3}/|\\){2,})(?:[^\s/\\?#\"]*@[/\\]*)++"
    r"|(\A(?:\\{0,3}/){2})(?!@)[\w.~%!$&+,;=:@-]*@"  # of //host: an XPath has an @ too
)
_ESCAPED_QUERY = re.compile(rf"(?=%){_PAIR}.*", re.DOTALL)
_PARAMETER = re.compile(r"(?:;|%3[Bb])((?:(?!%3[BbDd])[^/;=\\])*+)(?:=|%3[Dd])(?:(?!%3[Bb])[^/;\\])*+")


def without_queries(text: str, allowed: frozenset[str] = frozenset()) -> str:
    """Return ``text`` with the URLs in it cut as :func:`without_query` does; a line and column behind one stay."""
    if _MAY_HOLD_URLS.search(text) is None:
        return text
    return _URL.sub(lambda match: _cut(match.group(), allowed), text)


def without_query(url: str, allowed: frozenset[str] = frozenset()) -> str:
    """Return ``url`` without fragment, login, and of its query and path parameters only those ``allowed``."""
    behind = re.search("[?#]", url)
    path, rest = (url, "") if behind is None else (url[: behind.start()], url[behind.start() :])
    return _without_secrets(path, allowed) + _query(rest, allowed)


def path_of(url: str) -> str:
    """Return the path of ``url``, ``/`` where it has none: the screen's name by default."""
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return re.split("[?#]", url, maxsplit=1)[0]


def _cut(url: str, allowed: frozenset[str]) -> str:
    if not _MAY_HOLD_URLS.search(url):
        return url
    position = _POSITION.search(url, max(0, len(url) - 30))
    end = position.start() if position else len(url)
    return without_query(url[:end], allowed) + url[end:]


def _query(rest: str, allowed: frozenset[str]) -> str:
    if not allowed or not rest.startswith("?"):
        return ""
    kept = [pair for pair in rest[1:].partition("#")[0].split("&") if _is_allowed(pair.partition("=")[0], allowed)]
    return "?" + "&".join(kept) if kept else ""


def _without_secrets(path: str, allowed: frozenset[str]) -> str:
    if ";" in path or "%3" in path:
        path = _PARAMETER.sub(lambda match: match.group() if _is_allowed(match[1], allowed) else "", path)
    if "@" in path:
        path = _LOGIN.sub(lambda match: match[1] or match[2], path)
    return _ESCAPED_QUERY.sub("", path) if "%" in path else path


def _is_allowed(name: str, allowed: frozenset[str]) -> bool:
    return unquote_plus(name) in allowed
