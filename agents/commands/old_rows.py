"""``hxi retention``: removes what is older than the settings allow, or says how much that would be."""

from collections import Counter

from agents.advice import advised
from agents.commands.output import CommandFailed, say, show_table
from agents.settings import Settings
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import SchemaMismatch, check_schema
from pipeline.sinks.retention import Behind, NotRemoved, OldRows, RetentionPolicy, Rows


def remove_old_rows(settings: Settings, dry_run: bool) -> None:
    """Remove old rows, or only count them, and show how many there were of each table."""
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
        behind = None if any(removed.values()) else old.behind()
    except Unavailable as error:
        raise CommandFailed(f"{_so_far(removed)}, the database of HXI_DATABASE_URL failed: {advised(error)}") from None
    except (SchemaMismatch, NotRemoved) as error:
        raise CommandFailed(f"{_so_far(removed)}: {error}") from None
    _show("Would be removed" if dry_run else "Removed", removed, behind)


def _show(title: str, rows: Rows, behind: Behind | None) -> None:
    if any(rows.values()):
        show_table(title, ("table", "rows"), [(table, number) for table, number in rows.items() if number])
    elif behind is None or behind.since is None:
        say("nothing is old enough to be removed")
    else:
        topic, number = behind.partition
        say(f"nothing is old enough to be removed, counted back from {behind.since:%Y-%m-%d %H:%M} UTC:")
        say(f"since then {topic}[{number}] has not been read to its end; do workers run, and keep up? See hxi doctor")


def _so_far(removed: Counter[str]) -> str:
    return f"not everything was removed ({removed.total()} rows were)" if removed.total() else "nothing was removed"
