"""``hxi report``: which period is meant, where the file goes, what is said where it cannot be."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from agents.commands.output import CommandFailed
from agents.commands.report import EARLIEST, _write, draw, period_of
from agents.settings import Settings
from pipeline.report import Period
from tests.reports import DAY, NOON

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "period"),
    [
        (None, None, Period(NOON - timedelta(days=7), NOON)),
        ("2026-05-04T11:00", None, Period(NOON - HOUR, NOON)),
        (None, "2026-05-04T11:00Z", Period(NOON - HOUR - timedelta(days=7), NOON - HOUR)),
        ("2026-05-04", "2026-05-04T14:00+02:00", Period(NOON - 12 * HOUR, NOON)),
        ("0001-01-02", "0001-01-03", Period(EARLIEST + 24 * HOUR, EARLIEST + 48 * HOUR)),
    ],
)
def test_a_period_is_named_by_its_ends(start: str | None, end: str | None, period: Period) -> None:
    assert period_of(start, end, NOON) == period


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("yesterday", None, "--from 'yesterday' is not an ISO-8601 date"),
        (None, "2026-13-01", "--to '2026-13-01' is not an ISO-8601 date"),
        ("2026-05-04T12:00", None, "--from has to be before --to"),
        ("2026-05-05", "2026-05-04", "--from has to be before --to"),
        ("0001-01-01", None, "compares with as long a time before --from"),
        ("1024-01-01", "2926-01-08", "compares with as long a time before --from"),
        (None, "0001-01-02", "--to without --from is of seven days, which reach back"),
        ("0001-01-01T00:00+01:00", None, r"--from '0001-01-01T00:00\+01:00' is in no year"),
        ("2026-05-04", "9999-12-31T23:59-01:00", "--to '9999-12-31T23:59-01:00' is in no year from 1 to 9999"),
    ],
)
def test_a_period_that_is_none_is_refused(start: str | None, end: str | None, why: str) -> None:
    with pytest.raises(CommandFailed, match=why):
        period_of(start, end, NOON)


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    _write(file, "first")
    with pytest.raises(UnicodeEncodeError):
        _write(file, "\ud800")
    assert (file.read_text("utf-8"), list(tmp_path.iterdir())) == ("first", [file])


@pytest.mark.parametrize(
    ("name", "why"), [("none/report.html", "cannot be written: No such file or directory"), (".", "is a directory")]
)
def test_a_file_that_cannot_be_is_a_sentence(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(CommandFailed, match=why):
        _write(tmp_path / name, "page")


def test_a_database_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://127.0.0.1:1/none")
    with pytest.raises(CommandFailed, match=r"the database of HXI_DATABASE_URL failed: .*refused"):
        draw(settings, DAY, tmp_path / "report.html")


@pytest.mark.parametrize("library", ["plotly", "jinja2"])
def test_a_library_that_is_missing_is_named_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    for name in [
        name for name in sys.modules if name.partition(".")[0] == library or name.startswith("agents.report.")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(CommandFailed, match=f"a report needs {library}, which comes with the extra 'analysts'"):
        draw(Settings(), DAY, tmp_path / "report.html")
