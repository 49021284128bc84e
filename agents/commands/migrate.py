"""``hxi migrate``."""

from agents.advice import advised
from agents.commands.output import CommandFailed, say, show_lines
from agents.settings import Settings
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import SchemaMismatch, migrate


def migrate_database(settings: Settings) -> None:
    """Apply what the database lacks, and say what that was."""
    try:
        done = migrate(settings.database_url)
    except Unavailable as error:
        raise CommandFailed(f"the database of HXI_DATABASE_URL cannot be reached: {advised(error)}") from None
    except SchemaMismatch as error:
        raise CommandFailed(advised(error)) from None
    for name in done.applied:
        say(f"applied {name}")
    if done.user_agents:
        say(f"judged {done.user_agents:,} user agents of sessions by this version's lists")
    say(f"the database is up to date ({done.known} migrations)")
    if done.left:
        say("who may do what in it is not settled: this role may not make roles. Have a database administrator run")
        say("the following in this database, then run hxi migrate again; until then the tables stay as they are:")
        show_lines("to be run by a database administrator", [f"{statement};" for statement in done.left])
