"""The Faust application: two source topics, two agents, and the services behind them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import mode
from faust.types import StreamT
from yarl import URL

from agents import metrics
from agents.batches import RecordBatch
from agents.dead_letters import send_dead_letters
from agents.flusher import Flusher
from agents.held_back import HeldBack
from agents.intake import Intake
from agents.joining import JoinWatch
from agents.judging import Judging
from agents.kafka_clients import credentials
from agents.lag import LagWatch
from agents.observing import watch_loop_delay
from agents.quiet import QuietWatch
from agents.settings import Settings
from agents.topics import MAX_RECORD_BYTES
from agents.transport import BatchConsumer, BatchTransport
from pipeline.sinks.contract import Sink

SESSION_TIMEOUT_S = 6.0
"""A worker silent for this long loses its partitions; brokers allow no less by default."""

REBALANCE_TIMEOUT_S = 10.0
"""How long a rebalance waits for workers that are alive to join again; they have nothing to finish first."""

REQUEST_TIMEOUT_S = 20.0
"""How long a broker may take over a request, a join among them, before the connection is given up. So long, at times
twice, a half-open one stays unnoticed: with Faust's 90 s, and 20 minutes for dead letters, that took minutes."""

NEW_PARTITIONS_WITHIN_MS = 10_000
"""How soon partitions that a topic was given are noticed; nobody reads them or tells of them before, with Faust's
default for 74 s. A broker is asked so often by each worker, which takes it less than a millisecond."""

DEAD_LETTER_BATCH_BYTES = 256 * 1024
"""Of which one is on its way to a partition at a time; a topic that takes no more than Kafka's default (1 MB) has
room for it."""

LAST_FLUSH_S = 4.0
"""What SIGTERM leaves for a last flush; what it does not write is read again."""


class PipelineApp(faust.App):  # type: ignore[misc]
    """Faust with batch delivery, and with the ledger in place of committed offsets."""

    intake: Intake
    flusher: Flusher
    lag: LagWatch
    joining: JoinWatch
    _rebalance_began: float | None = None

    @property
    def is_joining(self) -> bool:
        """Whether the group has not said yet which partitions are this worker's."""
        return bool(self.rebalancing or not self.rebalancing_count)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    async def _producer_flush(self, logger: Any) -> None:
        """Hold up no rebalance for a producer whose broker is away: the flusher waits for what must be acknowledged."""

    def on_rebalance_start(self) -> None:
        """Count and time rebalances beside what Faust does."""
        metrics.REBALANCES.inc()
        self._rebalance_began = self._rebalance_began or time.monotonic()
        super().on_rebalance_start()

    def on_rebalance_end(self) -> None:
        """Note how long it took, one that began anew before its end included; and where nothing is left to us.

        Faust asks where to read from only where something is.
        """
        if self._rebalance_began is not None:
            metrics.REBALANCE_SECONDS.observe(time.monotonic() - self._rebalance_began)
            self._rebalance_began = None
        if not self.consumer.assignment():
            self.intake.on_assigned(set())
        super().on_rebalance_end()

    def _create_directories(self) -> None:
        """Make none: without changelogs Faust keeps nothing on disk."""


def create_app(settings: Settings, sink: Sink) -> PipelineApp:
    """Return the application, ready to be started."""
    app = PipelineApp(
        settings.app_id,
        broker=[URL(f"kafka://{server}") for server in settings.bootstrap_servers()],
        agent_supervisor=mode.CrashingSupervisor,
        autodiscover=False,
        broker_credentials=credentials(settings),
        broker_heartbeat_interval=SESSION_TIMEOUT_S / 3,
        broker_rebalance_timeout=REBALANCE_TIMEOUT_S,
        broker_request_timeout=REQUEST_TIMEOUT_S,
        broker_session_timeout=SESSION_TIMEOUT_S,
        consumer_auto_offset_reset="none",  # never skip silently: the ledger and the intake decide
        consumer_max_fetch_size=MAX_RECORD_BYTES,
        consumer_metadata_max_age_ms=NEW_PARTITIONS_WITHIN_MS,
        producer_max_batch_size=DEAD_LETTER_BATCH_BYTES,
        producer_request_timeout=REQUEST_TIMEOUT_S,
        store="memory://",
        stream_buffer_maxsize=8,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    app.intake = Intake(settings, sink, lambda: app.consumer, _crasher(app))
    _add_agents(app, settings)
    _add_services(app, settings, sink)
    return app


def _add_agents(app: PipelineApp, settings: Settings) -> None:
    """`bytes → decode → kept | dead-lettered → fold`, for each topic by its own agent."""

    @app.agent(_source(app, settings.events_topic), name="events")  # type: ignore[untyped-decorator]
    async def events(batches: StreamT[RecordBatch]) -> None:
        async for batch in batches:
            await app.intake.take(batch)

    @app.agent(_source(app, settings.replay_topic), name="replay")  # type: ignore[untyped-decorator]
    async def replay(batches: StreamT[RecordBatch]) -> None:
        async for batch in batches:
            await app.intake.take(batch)


def _add_services(app: PipelineApp, settings: Settings, sink: Sink) -> None:
    """`→ one transaction → acknowledge`, the watch for what went quiet, and the scores."""

    async def send(letters: Any) -> None:
        with metrics.FLUSH_PHASES.labels("dead_letters").time():
            await send_dead_letters(app.producer.client(), settings.dead_letter_topic, letters)

    def consumer() -> BatchConsumer:
        return app.consumer  # type: ignore[no-any-return]

    flusher = Flusher(
        app.intake,
        sink,
        settings.flush_interval_s,
        send,
        lambda offsets: consumer().note_progress(offsets),
    )

    @app.task  # type: ignore[untyped-decorator]
    async def start_services() -> None:
        topics = (settings.events_topic, settings.replay_topic)
        watch = QuietWatch(app.intake, sink, consumer(), settings.session_timeout_s, topics)
        app.add_future(_crash_on_error(app, flusher.run))
        app.add_future(_crash_on_error(app, watch.run))
        judging = Judging(sink, lambda: sum(len(one.flush) for one in app.intake.held()))
        app.add_future(_crash_on_error(app, judging.run))
        app.add_future(_crash_on_error(app, judging.run_watch))
        app.add_future(_crash_on_error(app, app.lag.run))
        app.add_future(_crash_on_error(app, app.lag.run_beside_claims))
        app.add_future(_crash_on_error(app, HeldBack(app.intake, consumer).run))
        app.add_future(watch_loop_delay())

    app.flusher = flusher
    app.joining = JoinWatch(settings.app_id, consumer, lambda: app.is_joining)
    app.lag = LagWatch(app.intake, consumer, sink, settings.health_stuck_after_s)


def _source(app: PipelineApp, topic: str) -> Any:
    """Raw bytes in, no acknowledgements by Faust: the ledger alone says what is done."""
    return app.topic(topic, key_type=bytes, key_serializer="raw", value_type=bytes, value_serializer="raw", acks=False)


def _crasher(app: PipelineApp) -> Callable[[BaseException], None]:
    def crash(error: BaseException) -> None:
        asyncio.get_running_loop().create_task(app.crash(error))

    return crash


async def _crash_on_error(app: PipelineApp, run: Callable[[], Awaitable[None]]) -> None:
    try:
        await run()
    except Exception as error:
        await app.crash(error)
