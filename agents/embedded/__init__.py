"""A broker and a database for `hxi dev`, `hxi demo` and tests, out of Python packages.

Decides how they start, stop and fail. Never imported by the worker: production brings its own Kafka and PostgreSQL.
Both servers have one shape: `start(data_dir)` returns a running server with an `address`, and leaving its `with` block
stops it.
"""

from agents.embedded.broker import Broker
from agents.embedded.postgres import Postgres
from agents.embedded.process import EmbeddedServerError

__all__ = ["Broker", "EmbeddedServerError", "Postgres"]
