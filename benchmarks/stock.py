"""A Faust agent as its user guide has it, doing nothing: ``python -m benchmarks.stock BOOTSTRAP TOPIC RECORDS``.

Prints the CPU microseconds per record, from the first record to the last.
"""

import sys
import time

from faust.types import StreamT

from benchmarks.plain_faust import end, plain_app, run


def main() -> None:
    """Read the topic once, from its beginning, and exit."""
    bootstrap, topic, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    app = plain_app("stock", bootstrap, topic_allow_declare=False)

    @app.agent(app.topic(topic, value_type=bytes, value_serializer="raw"))  # type: ignore[untyped-decorator]
    async def nothing(stream: StreamT[bytes]) -> None:
        began, seen = 0.0, 0
        async for _ in stream:
            began = began or time.process_time()
            seen += 1
            if seen == records:
                end((time.process_time() - began) / records * 1e6)

    run(app)


if __name__ == "__main__":
    main()
