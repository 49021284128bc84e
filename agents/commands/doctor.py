"""``hxi doctor``: looks whether a worker could do its work here, one line per check, each with what to do about it.

Nothing is made or changed. What cannot be looked at because something before it failed is said to be so.
"""

import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from typing import Literal, NamedTuple

from agents.advice import advised
from agents.commands.acls_there import Forbidden, command
from agents.commands.ledger_there import compare
from agents.commands.output import CommandFailed
from agents.commands.topics_there import Topic, look_at_topics
from agents.kafka_clients import BrokerUnavailable
from agents.settings import Settings, SettingsError
from agents.topics import MAX_DEAD_LETTER_BYTES, MAX_RECORD_BYTES
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.diagnosis import Database, Rights, ledger_at, look_at
from pipeline.sinks.migrations import SchemaMismatch, check_schema
from schema.fields import US_PER_S

CLOCK_S = 5.0
"""A clock that is further off ends quiet sessions too soon or too late by as much, and dates latencies wrong."""

MOST_NAMED = 3
"""Rights, or partitions, in one line."""


class Finding(NamedTuple):
    """What came of a check; only ``FAIL`` keeps a worker from its work."""

    state: Literal["ok", "warn", "FAIL", "-"]
    check: str
    text: str


def examine(load: Callable[[], Settings]) -> None:
    """Print every check, as soon as it is done.

    Raises:
        CommandFailed: one of them fails.
    """
    findings = []
    for finding in _findings(load):
        print(f"{finding.state:<5} {finding.check:<10} {finding.text}", flush=True)
        findings.append(finding)
    failed = sum(finding.state == "FAIL" for finding in findings)
    if failed:
        raise CommandFailed(f"{failed} of {len(findings)} checks failed")


def _findings(load: Callable[[], Settings]) -> Iterator[Finding]:
    try:
        settings = load()
    except SettingsError as error:
        yield Finding("FAIL", "settings", str(error))
        return
    given = sorted(f"HXI_{name.upper()}" for name in settings.model_fields_set)
    yield Finding("ok", "settings", f"{', '.join(given) or 'none'} set; the defaults for all others")
    topics = yield from _of_the_broker(settings)
    is_migrated = yield from _of_the_database(settings)
    yield _ledger(settings, topics, is_migrated)


def _of_the_broker(settings: Settings) -> Generator[Finding, None, dict[str, Topic] | None]:
    """Yield what there is to say of the broker; return the topics, None where it does not answer."""
    try:
        topics, forbidden = look_at_topics(settings)
    except BrokerUnavailable as error:
        yield Finding("FAIL", "broker", f"{error}; is it running, and is what HXI_KAFKA_… says of it right?")
        for check in ("acls", "topics", "partitions", "stamps"):
            yield Finding("-", check, "not looked at: the broker does not answer")
        return None
    yield Finding("ok", "broker", f"{settings.kafka_bootstrap} answers")
    yield _acls(settings, forbidden)
    yield _topics(settings, topics, {of.name for of in forbidden if of.operation == "Describe"})
    yield _partitions(settings, topics)
    yield _stamps(topics)
    return topics


def _of_the_database(settings: Settings) -> Generator[Finding, None, bool]:
    """Yield what there is to say of the database; return whether its tables are those of this version."""
    try:
        database, rights = look_at(settings.database_url, lambda: time.time_ns() // 1000)
    except Unavailable as error:
        yield Finding("FAIL", "database", advised(error))
        for check in ("schema", "rights", "clock"):
            yield Finding("-", check, "not looked at: the database does not answer")
        return False
    yield _database(database)
    schema = _schema(settings)
    yield schema
    yield _rights(database, rights)
    yield _clock(database)
    return schema.state == "ok"


def _acls(settings: Settings, forbidden: list[Forbidden]) -> Finding:
    if not forbidden:
        return Finding("ok", "acls", f"a worker may read, write and join the group {settings.app_id}")
    named = ", ".join(str(of) for of in forbidden)
    commands = "; ".join(command(settings, of) for of in forbidden if of.operation != "Describe")
    return Finding(
        "FAIL", "acls", f"the brokers forbid {named}. Let an administrator undo what denies it, or {commands}"
    )


def _topics(settings: Settings, topics: Mapping[str, Topic], hidden: Collection[str]) -> Finding:
    sources = (settings.events_topic, settings.replay_topic)
    names = (*sources, settings.dead_letter_topic)
    if hidden:
        return Finding("-", "topics", f"not looked at: {', '.join(sorted(hidden))} may not be seen, see acls")
    if missing := [name for name in names if name not in topics]:
        return Finding(
            "warn", "topics", f"{', '.join(missing)} missing: a worker or hxi publish makes them, if they may"
        )
    room = {name: size for name in names if (size := topics[name].max_bytes) is not None}
    if len(room) < len(names):
        text = f"{', '.join(names)} are there; the broker does not tell how large their records may be"
        return Finding("ok", "topics", f"{text} (with ACLs, that takes DescribeConfigs)")
    if (
        room[settings.dead_letter_topic]
        < max(room[name] for name in sources) + MAX_DEAD_LETTER_BYTES - MAX_RECORD_BYTES
    ):
        text = f"{settings.dead_letter_topic} has no room for the largest records: raise its max.message.bytes above"
        return Finding("warn", "topics", f"{text} theirs by {MAX_DEAD_LETTER_BYTES - MAX_RECORD_BYTES}")
    return Finding("ok", "topics", f"{', '.join(names)} are there")


def _partitions(settings: Settings, topics: Mapping[str, Topic]) -> Finding:
    if waiting := [f"{name}[{number}]" for name, topic in topics.items() for number in topic.leaderless]:
        text = f"{_some(tuple(waiting))} without a leader: nobody reads or writes there. Bring its broker back"
        how = f"kafka-topics.sh --bootstrap-server {settings.kafka_bootstrap} --describe --unavailable-partitions"
        return Finding("FAIL", "partitions", f"{text} ({how} shows which)")
    sources = (settings.events_topic, settings.replay_topic)
    counts = {name: topics[name].partitions for name in sources if name in topics}
    if "topic_partitions" in settings.model_fields_set:
        for name, count in counts.items():
            if count != settings.topic_partitions:
                text = f"{name} has {count}, but HXI_TOPIC_PARTITIONS is {settings.topic_partitions}"
                return Finding("FAIL", "partitions", f"{text}: set it to {count}, or leave it out")
    if len(counts) < len(sources):
        return Finding("-", "partitions", "nothing to compare: not both source topics can be seen")
    if len(set(counts.values())) > 1:
        said = " and ".join(f"{count} of {name}" for name, count in counts.items())
        text = f"{said}: the clicks and the recording of a session go to different workers, which wait for each other"
        return Finding("FAIL", "partitions", f"{text}; make them equally many (kafka-topics --alter --partitions)")
    (count,) = set(counts.values())
    return Finding("ok", "partitions", f"{count} of each source topic: so many workers can share the work")


def _stamps(topics: Mapping[str, Topic]) -> Finding:
    """Kafka tells nobody its time; what it has stamped, or has let producers stamp, tells of clocks that run ahead."""
    newest_us = max((topic.newest_us for topic in topics.values()), default=0)
    if (not newest_us) and (untold := [topic.untold for topic in topics.values() if topic.untold]):
        return Finding("-", "stamps", f"not looked at: {untold[0]}")
    if not newest_us:
        return Finding("-", "stamps", "no record in the source topics tells of the broker's and the producers' clocks")
    ahead_s = (newest_us - time.time_ns() // 1000) / US_PER_S
    if ahead_s > CLOCK_S:
        text = f"a record in the topics is from {ahead_s:.0f} s ahead of this clock"
        return Finding("FAIL", "stamps", f"{text}: synchronise the clocks of here, the brokers and the producers (NTP)")
    return Finding("ok", "stamps", f"the newest record is {max(0.0, -ahead_s):.0f} s old, none is from the future")


def _database(database: Database) -> Finding:
    if database.is_read_only:
        text = f"PostgreSQL {database.version} takes no writes: a standby?"
        return Finding("FAIL", "database", f"{text} Let HXI_DATABASE_URL name the primary (target_session_attrs)")
    return Finding("ok", "database", f"PostgreSQL {database.version} lets {database.login} in")


def _schema(settings: Settings) -> Finding:
    try:
        check_schema(settings.database_url)
    except (SchemaMismatch, Unavailable) as error:
        return Finding("FAIL", "schema", advised(error))
    return Finding("ok", "schema", "is this version's")


def _rights(database: Database, rights: Rights | None) -> Finding:
    login = database.login
    if rights is None:
        return Finding("-", "rights", "not looked at: for that, all tables have to be there")
    if rights.lacking:
        text = f"{login} lacks {_some(rights.lacking)}"
        return Finding("FAIL", "rights", f"{text}; an owner can: hxi migrate, and GRANT hxi_writer TO {login}")
    if database.is_superuser or database.is_owner:
        who = "a superuser" if database.is_superuser else "a member of hxi_owner"
        text = f"{login} is {who}, which is more than a worker needs"
        return Finding("warn", "rights", f"{text}: give it a login that is in hxi_writer alone")
    if rights.beyond:
        text = f"{login} may do more than a worker needs: {_some(rights.beyond)}"
        return Finding("warn", "rights", f"{text}; take it back, from {login}, PUBLIC or hxi_writer (hxi migrate)")
    return Finding("ok", "rights", f"{login} may do what a worker has to, and nothing else")


def _clock(database: Database) -> Finding:
    ahead_s = database.ahead_us / US_PER_S
    if abs(ahead_s) > CLOCK_S:
        text = f"the database's is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} this one"
        return Finding("FAIL", "clock", f"{text}: synchronise both (NTP)")
    return Finding("ok", "clock", f"the database's and this one differ by {abs(ahead_s):.1f} s")


def _ledger(settings: Settings, topics: Mapping[str, Topic] | None, is_migrated: bool) -> Finding:
    if topics is None or not is_migrated:
        return Finding("-", "ledger", "not looked at: for that, broker and database have to be in order")
    sources = (settings.events_topic, settings.replay_topic)
    try:
        ledger = ledger_at(settings.database_url, settings.app_id, sources)
    except Unavailable as error:
        return Finding("-", "ledger", f"not looked at: {advised(error)}")
    there = {name: topic for name, topic in topics.items() if name in sources}
    state, text = compare(settings.app_id, ledger, there)
    return Finding(state, "ledger", text)


def _some(rights: tuple[str, ...]) -> str:
    more = f" and {len(rights) - MOST_NAMED} more" if len(rights) > MOST_NAMED else ""
    return ", ".join(rights[:MOST_NAMED]) + more
