"""The ``hxi`` command: one function per command, each a few lines over the module that does it."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from agents.commands.output import CommandFailed, fail, log_instead
from agents.logs import log_all, set_up_logging
from agents.settings import Settings, SettingsError, load_settings

app = typer.Typer(
    name="hxi",
    help="Human experience intelligence: UI events from Kafka, exactly once, into PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
dead_letters_app = typer.Typer(help="Look at what was refused, and send it in again.", no_args_is_help=True)
app.add_typer(dead_letters_app, name="dead-letters")

Files = Annotated[list[Path], typer.Argument(help="JSON Lines files; - is standard input.", metavar="FILE...")]
Ids = Annotated[list[str] | None, typer.Argument(help="Dead letters, as PARTITION:OFFSET.", metavar="[ID...]")]
Reason = Annotated[str | None, typer.Option(help="Only those with this reason.")]


def main() -> None:
    """Run the command line; says what went wrong in a sentence and exits with 1 then."""
    set_up_logging("text")
    try:
        app()
    except (CommandFailed, SettingsError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _settings() -> Settings:
    return load_settings()


def _unattended() -> None:
    """Log as workers do where that is asked for as JSON: nobody looks on while a Job or cron runs this."""
    if os.environ.get("HXI_LOG_FORMAT") == "json":
        log_all(os.environ)
        log_instead()


@app.command()
def migrate() -> None:
    """Bring the database to the current schema; safe to run at once from many places."""
    _unattended()
    from agents.commands.migrate import migrate_database

    migrate_database(_settings())


@app.command()
def worker() -> None:
    """Run the agents until SIGTERM or SIGINT."""
    log_all(os.environ)
    from agents.worker import run_worker

    try:
        settings = _settings()
    except SettingsError as error:
        logging.getLogger("agents.settings").error("%s", error)
        sys.exit(1)
    run_worker(settings)


@app.command()
def doctor() -> None:
    """Check settings, broker, topics, database, rights and clocks; say what to do about each; exit 1 if one fails."""
    from agents.commands.doctor import examine

    examine(_settings)


@app.command()
def publish(files: Files) -> None:
    """Send events and replay chunks from JSON Lines files to the topics, keyed by session."""
    from agents.commands.publish import publish_files

    publish_files(_settings(), files)


@app.command()
def validate(files: Files) -> None:
    """Check JSON Lines files as the pipeline would, without Kafka; exit 1 if any line is bad."""
    from agents.commands.validate import validate_files

    validate_files(_settings(), files)


@app.command()
def generate(
    events: Annotated[int, typer.Option(min=0, help="How many; with --publish, 0 is live, until stopped.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 0,
    start: Annotated[str | None, typer.Option(help="First event time, ISO-8601; with --publish it is now.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=1000, help="Events per record, at most.")] = 1,
    replay: Annotated[bool, typer.Option(help="Record the sessions too (replay chunks).")] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Send to Kafka, not to standard output.")] = False,
    rate: Annotated[float, typer.Option(min=0, help="Events per second with --publish; 0 is no limit.")] = 100,
) -> None:
    """Simulate people on a web shop and print, or publish, what their trackers would send."""
    from agents.commands.generate import Order, generate_traffic

    generate_traffic(_settings, Order(events, seed, start, batch_size, replay, publish, rate))


@app.command("train-emotions")
def train_emotions(
    labels: Annotated[
        Path | None, typer.Option(help="CSV of session,window,label; without it, people are simulated.")
    ] = None,
    model: Annotated[Path, typer.Option(help="Where the model goes.")] = Path("emotion-model.json"),
    card: Annotated[Path, typer.Option(help="Where the model card goes.")] = Path("emotion-model.md"),
    name: Annotated[str | None, typer.Option(help="Begins the model's version.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Chooses who is trained on, and who examines the model.")] = 0,
) -> None:
    """Train a model of emotions, examine it on sessions held back, and write its model card."""
    from agents.commands.train_emotions import Order
    from agents.commands.train_emotions import train_emotions as train

    train(_settings, Order(labels, model, card, name, seed))


@app.command()
def schema(
    topic: Annotated[str, typer.Argument(help="events or replay", metavar="events|replay")] = "events",
) -> None:
    """Print the JSON Schema of a topic's messages, for tracker authors to check against."""
    from agents.commands.schema import print_schema

    print_schema(topic)


@app.command()
def forget(
    user: Annotated[
        list[str] | None, typer.Option(help="A person's external_user_id: with all sessions. Repeatable.")
    ] = None,
    session: Annotated[list[UUID] | None, typer.Option(help="A session's id. Repeatable.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase people, or single sessions, from every table, and say what topics still hold of them.

    Topics whose cleanup.policy includes compact are sent a tombstone for each session.
    """
    from agents.commands.forget import forget as forget_them

    forget_them(_settings(), user or [], session or [], yes)


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many rows are old.")] = False,
) -> None:
    """Remove what is older than HXI_RETENTION_…_DAYS allow, in short transactions, while workers go on."""
    _unattended()
    from agents.commands.old_rows import remove_old_rows

    remove_old_rows(_settings(), dry_run)


def _number(value: float) -> float:
    """Refuse what is no number, which compares with no bound."""
    if value != value:
        raise typer.BadParameter("is not a number")
    return value


@app.command()
def replay(
    session: Annotated[UUID, typer.Argument(metavar="SESSION_ID")],
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="A page (.html) or rrweb's events (.json). Repeatable."),
    ] = None,
) -> None:
    """Write a session's recording to a page that plays it in a browser, offline, or to rrweb's events.

    Without --output to SESSION_ID.html in the current folder.
    """
    from agents.commands.replay import replay_session

    replay_session(_settings(), session, output or [])


@app.command()
def export(
    table: Annotated[str, typer.Argument(help="A table or view of the schemas public and analytics.")],
    start: Annotated[str | None, typer.Option("--from", help="First moment, ISO-8601; without an offset, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The moment before which to stop.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Without it TABLE.parquet.")] = None,
) -> None:
    """Write a table or view, or a period of it, to a Parquet file."""
    from agents.commands.export import export_rows

    export_rows(_settings(), table, start, end, output)


@app.command()
def plan(
    events_per_second: Annotated[
        float, typer.Option(min=1, max=100_000_000, callback=_number, help="What comes in at the busiest.")
    ],
    retention_days: Annotated[
        float,
        typer.Option(
            min=0, max=36_500, callback=_number, help="For how long rows stay where no HXI_RETENTION_…_DAYS says it."
        ),
    ] = 30,
    replay_bytes_per_second: Annotated[
        float,
        typer.Option(min=0, max=1_000_000_000_000, callback=_number, help="JSON of replay chunks, at the busiest."),
    ] = 0,
    peak_to_mean: Annotated[
        float, typer.Option(min=1, max=1000, callback=_number, help="The busiest, times the day's mean.")
    ] = 3,
    measured: Annotated[
        Path | None, typer.Option(help="What `make bench` found on your machine: build/benchmarks.json.")
    ] = None,
) -> None:
    """Work out what a load needs: workers, partitions, brokers, databases."""
    from agents.commands.plan import show_plan
    from agents.planning import Load

    days = _settings().retention_policy().kept()
    show_plan(Load(events_per_second, retention_days, replay_bytes_per_second, peak_to_mean, days), measured)


@app.command()
def report(
    start: Annotated[
        str | None,
        typer.Option("--from", help="ISO-8601, UTC without an offset; seven days before the end by default."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="The first moment after the period; now by default.")] = None,
    file: Annotated[Path, typer.Option("--output", "-o", help="Where it goes.")] = Path("hxi-report.html"),
) -> None:
    """Write what a period's tables say as one HTML file that needs no network: maps, journeys, latency, sessions."""
    from agents.commands.report import write_report

    write_report(_settings(), start, end, file)


@app.command()
def dev() -> None:
    """Run an embedded broker and database, migrated, until stopped."""
    from agents.commands.dev import run_dev

    run_dev(_settings())


@app.command()
def demo(
    events: Annotated[int, typer.Option(min=100, help="How many events to send through.")] = 10_000,
) -> None:
    """Run all of it once, end to end, and show what came out."""
    from agents.commands.demo import run_demo

    run_demo(_settings(), events)


@dead_letters_app.command("list")
def list_letters(
    reason: Reason = None, limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50
) -> None:
    """List dead letters, the newest last."""
    from agents.commands.dead_letters import list_dead_letters

    list_dead_letters(_settings(), reason, limit)


@dead_letters_app.command("show")
def show_letter(letter: Annotated[str, typer.Argument(help="As PARTITION:OFFSET.", metavar="ID")]) -> None:
    """Show one dead letter: its headers, and the bytes that were refused."""
    from agents.commands.dead_letters import show_dead_letter

    show_dead_letter(_settings(), letter)


@dead_letters_app.command("replay")
def replay_letters(
    ids: Ids = None,
    reason: Reason = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Send dead letters to the topic they came from again, as they are.

    An event that has no event_uuid is counted again each time it is replayed.
    """
    from agents.commands.dead_letters import replay_dead_letters

    replay_dead_letters(_settings(), ids or [], reason, everything)
