"""``hxi retention``: removes what is older than the settings allow, or says how much that would be."""

from collections import Counter

from agents.advice import advised
from agents.commands.output import CommandFailed, say, show_table
from agents.settings import Settings
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import SchemaMismatch, check_schema
from pipeline.sinks.retention import Behind, NotRemoved, OldRows, RetentionPolicy, Rows

OVERDUE_S = 24 * 3600
"""Policies are in days: rows may stay for one more while a server is away, and not for any longer without a word."""


def remove_old_rows(settings: Settings, dry_run: bool) -> None:
    """Remove old rows, or only count them, and show how many there were of each table.

    Raises:
        CommandFailed: not everything that is too old was removed, or a day's worth and more is kept back.
    """
    policy = settings.retention_policy()
    if policy == RetentionPolicy():
        raise CommandFailed("nothing is ever old: set HXI_RETENTION_…_DAYS of what is not to stay for good")
    topics = (settings.events_topic, settings.replay_topic)
    old = OldRows(settings.database_url, settings.app_id, topics, policy)
    removed: Counter[str] = Counter()
    try:
        check_schema(settings.database_url)  # a newer one has tables that this program does not know
        for rows in [old.count()] if dry_run else old.remove():
            removed.update(rows)
        behind = old.behind()
    except Unavailable as error:
        raise CommandFailed(f"{_so_far(removed)}, the database of HXI_DATABASE_URL failed: {advised(error)}") from None
    except (SchemaMismatch, NotRemoved) as error:
        raise CommandFailed(f"{_so_far(removed)}: {error}") from None
    _show("Would be removed" if dry_run else "Removed", removed)
    if behind is not None:
        _say_what_is_kept_back(behind, settings.app_id)


def _show(title: str, rows: Rows) -> None:
    if any(rows.values()):
        show_table(title, ("table", "rows"), [(table, number) for table, number in rows.items() if number])
    else:
        say("nothing is old enough to be removed")


def _say_what_is_kept_back(behind: Behind, app_id: str) -> None:
    """Say from when days are counted back, and fail where that is too long ago."""
    topic, number = behind.partition
    since = "the beginning" if behind.since is None else f"{behind.since:%Y-%m-%d %H:%M} UTC"
    text = f"days are counted back from {since}: since then {topic}[{number}] has not been read to its end"
    if behind.app_id == app_id:
        text += "; do workers run, and keep up? See hxi doctor"
    else:
        text += (
            f" by {behind.app_id}, another application in this database; if it is no more, run"
            f" DELETE FROM hxi_state.ledger WHERE app_id = '{behind.app_id}'"
        )
    if behind.age_s is None or behind.age_s > OVERDUE_S:
        raise CommandFailed(f"what has become old since is not removed, as {text}")
    say(text)


def _so_far(removed: Counter[str]) -> str:
    return f"not everything was removed ({removed.total()} rows were)" if removed.total() else "nothing was removed"
