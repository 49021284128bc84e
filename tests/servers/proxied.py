"""Where a database is, and where it is by way of a proxy."""

from urllib.parse import urlsplit

from tests.servers.proxy import Proxy


def port_of(database_url: str) -> int:
    """Return the port in the URL."""
    port = urlsplit(database_url).port
    assert port is not None
    return port


def proxied(database_url: str, proxy: Proxy) -> str:
    """Return the URL of the database through ``proxy``, in the clear: the proxy listens to what is said."""
    url = urlsplit(database_url)
    there = f"{url.netloc.rpartition(':')[0]}:{proxy.port}"
    return url._replace(netloc=there, query="sslmode=disable&gssencmode=disable").geturl()
