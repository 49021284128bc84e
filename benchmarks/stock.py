"""A Faust agent as its user guide has it, doing nothing: ``python -m benchmarks.stock BOOTSTRAP TOPIC RECORDS``.

Prints the CPU microseconds per record, from the first record to the last.
"""

import os
import sys
import tempfile
import time
import uuid

import faust
from faust.types import StreamT


def main() -> None:
    """Read the topic once, from its beginning, and exit."""
    bootstrap, topic, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    app = faust.App(
        f"stock-{uuid.uuid4().hex[:8]}",
        broker=f"kafka://{bootstrap}",
        consumer_auto_offset_reset="earliest",
        store="memory://",
        datadir=tempfile.mkdtemp(),
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )

    @app.agent(app.topic(topic, value_type=bytes, value_serializer="raw"))  # type: ignore[untyped-decorator]
    async def nothing(stream: StreamT[bytes]) -> None:
        began, seen = 0.0, 0
        async for _ in stream:
            began = began or time.process_time()
            seen += 1
            if seen == records:
                os.write(1, f"\n{(time.process_time() - began) / records * 1e6}\n".encode())  # Faust has sys.stdout
                os._exit(0)

    sys.argv[1:] = ["worker", "--loglevel", "error"]
    app.main()


if __name__ == "__main__":
    main()
