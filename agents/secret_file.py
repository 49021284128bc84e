"""Passwords in files, as Docker and Kubernetes hand them out: read once, at the start, and shown nowhere."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, SecretStr


def _content(path: str) -> str:
    """Return the one line of the file; no error quotes ``path``, where somebody may have put the password itself."""
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise ValueError(f"names a file that cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError("names a file that is no text") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ValueError("names a file that is empty")
    if any(end in secret for end in "\r\n\0"):
        raise ValueError("names a file with more than the one line of a password")
    return secret


SecretFile = Annotated[SecretStr, BeforeValidator(_content)]
"""The type of a setting that names a file; its value is what the file holds."""
