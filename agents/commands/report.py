"""``hxi report``: what a period's tables say, as one HTML file."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.commands.output import CommandFailed, say
from agents.settings import Settings
from pipeline.report import Period
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.report import read_report

USUAL = timedelta(days=7)
EARLIEST = datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def write_report(settings: Settings, start: str | None, end: str | None, file: Path) -> None:
    """Write the report of a period, by default of the seven days up to this minute, and say where it is."""
    period = period_of(start, end, datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0))
    draw(settings, period, file)
    say(f"the report is in {file}")


def period_of(start: str | None, end: str | None, now: datetime) -> Period:
    """Return the period that these two ISO-8601 texts name.

    Raises:
        CommandFailed: One is no date or time, or nothing is between them.
    """
    until = _moment("--to", end) if end else now
    try:
        since = _moment("--from", start) if start else until - USUAL
    except OverflowError:
        raise CommandFailed(
            "--to without --from is of seven days, which reach back to before there were dates"
        ) from None
    if since >= until:
        raise CommandFailed(f"--from has to be before --to, and {since} is not before {until} (UTC)")
    if until - since > since - EARLIEST:
        raise CommandFailed(
            "a report compares with as long a time before --from, which would reach back to before there were dates: "
            "choose a shorter period"
        )
    return Period(since, until)


def draw(settings: Settings, period: Period, file: Path) -> None:
    """Read and write the report of a period; ``file`` gets its name only when it is complete.

    Raises:
        CommandFailed: A library is missing, the database cannot be read, or the file not written.
    """
    try:
        from agents.report.page import render
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise CommandFailed(f"a report needs {library}, which comes with the extra 'analysts' of HXI") from None
    try:
        page = render(read_report(settings.database_url, period))
    except Unavailable as error:
        raise CommandFailed(f"the database of HXI_DATABASE_URL failed: {error}") from None
    _write(file, page)


def _moment(option: str, text: str) -> datetime:
    """Return a time as it is in the tables; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"{option} {text!r} is not an ISO-8601 date, or date and time") from None
    try:
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise CommandFailed(f"{option} {text!r} is in no year from 1 to 9999 in UTC") from None


def _write(file: Path, page: str) -> None:
    if file.is_dir():
        raise CommandFailed(f"{file} is a directory: name a file in it")
    try:
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{file.name[:50]}.", dir=file.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(page)
            os.replace(unfinished, file)
        except BaseException:
            os.unlink(unfinished)
            raise
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}") from None
