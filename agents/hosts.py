"""What can be the name or address of a host, so that a slip of the pen is an error at the start."""

import re
from ipaddress import ip_address

_MOST_CHARACTERS = 253
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
"""RFC 1123, 2.1; with the underscores that container names have."""


def is_host(text: str) -> bool:
    """Return whether ``text`` is an IP address, or may be a host's name; numbers with dots alone are no name."""
    try:
        ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        is_name = len(text) <= _MOST_CHARACTERS and not labels[-1].isdigit()
        return is_name and all(_LABEL.fullmatch(label) for label in labels)
    return True


def is_port(text: str) -> bool:
    """Return whether ``text`` is the number of a port that can be connected to."""
    return re.fullmatch("[0-9]{1,5}", text) is not None and 1 <= int(text) <= 65_535
