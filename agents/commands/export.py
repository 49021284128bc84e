"""``hxi export``: a table or view as a Parquet file."""

from datetime import UTC, datetime
from pathlib import Path

from agents.commands.output import CommandFailed, out, say
from agents.commands.whole_file import whole_file
from agents.settings import Settings
from pipeline.sinks.contract import Unavailable


def export_rows(settings: Settings, name: str, start: str | None, end: str | None, output: Path | None) -> None:
    """Write the rows of ``name`` from ``start`` to before ``end`` to ``output``."""
    try:
        from pipeline.sinks.export import NotExported, Period, export
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise CommandFailed(f"exporting needs {library}, which comes with the extra 'analysts' of HXI") from None
    period = Period(_moment(start), _moment(end))
    if period.start and period.end and period.start >= period.end:
        raise CommandFailed(f"--to {end} is not after --from {start}")
    output = output or Path(f"{name}.parquet")
    try:
        with whole_file(output) as path:
            rows = export(settings.database_url, name, period, path)
    except NotExported as error:
        raise CommandFailed(str(error)) from None
    except Unavailable as error:
        raise CommandFailed(f"the database of HXI_DATABASE_URL failed: {error}") from None
    out.print(str(output), markup=False)
    say(f"{rows} rows of {name}")


def _moment(text: str | None) -> datetime | None:
    """Return the moment in UTC as rows have it, without an offset."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(
            f"{text!r} is no date or time in ISO-8601, such as 2026-01-31 or 2026-01-31T12:00"
        ) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
