"""``hxi export``: what is in a table or view comes back from Parquet as it was, for the period asked for."""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agents.commands.export import export_rows
from agents.commands.output import CommandFailed
from agents.settings import Settings, load_settings
from tests.builders import SESSION
from tests.roles import as_analyst, as_writer

UTC_TIME = pa.timestamp("us", "UTC")


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Those of somebody who may read and no more."""
    return load_settings({"HXI_DATABASE_URL": as_analyst(database_url)})


def run(database_url: str, *statements: str) -> None:
    with psycopg.connect(database_url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def exported(settings: Settings, name: str, folder: Path, start: str | None = None, end: str | None = None) -> pa.Table:
    export_rows(settings, name, start, end, folder / "out.parquet")
    return pq.read_table(folder / "out.parquet")


def test_every_type_comes_back_as_it_was(settings: Settings, database_url: str, tmp_path: Path) -> None:
    run(
        database_url,
        """CREATE TABLE analytics."Odd ""name""; DROP TABLE users" (
            id uuid, small int2, "int" int4, big int8, "Float" float8, flag boolean, name varchar(9), long text,
            at timestamp, there timestamptz, day date, doc jsonb, raw bytea, many int[], ids uuid[], words text[],
            exact numeric, took interval, network inet, sketch analytics.latency_sketch)""",
        """INSERT INTO analytics."Odd ""name""; DROP TABLE users" VALUES (
            '5e551011-0000-4000-8000-000000000001', -32768, 2147483647, 9223372036854775807, 0.1, true, 'é😀', '',
            '2024-02-29 23:59:59.999999', '2024-02-29 23:59:59.999999+02', '0001-01-01', '{"a": 1.10, "b": [null]}',
            '\\x00ff', '{1,NULL}', '{5e551011-0000-4000-8000-000000000001}', '{"a,b",NULL}', 1.5, '1 day 2 seconds',
            '10.0.0.0/8', ROW('{-1,5}', '{2,3}'))""",
        """INSERT INTO analytics."Odd ""name""; DROP TABLE users" DEFAULT VALUES""",
        """GRANT SELECT ON analytics."Odd ""name""; DROP TABLE users" TO hxi_analyst""",
    )
    table = exported(settings, 'Odd "name"; DROP TABLE users', tmp_path)
    rows = table.to_pylist()
    assert rows[1] == dict.fromkeys(table.column_names)
    assert rows[0] == {
        "id": SESSION,
        "small": -32768,
        "int": 2147483647,
        "big": 9223372036854775807,
        "Float": 0.1,
        "flag": True,
        "name": "é😀",
        "long": "",
        "at": datetime(2024, 2, 29, 23, 59, 59, 999999, UTC),
        "there": datetime(2024, 2, 29, 21, 59, 59, 999999, UTC),
        "day": datetime(1, 1, 1, tzinfo=UTC).date(),
        "doc": '{"a": 1.10, "b": [null]}',
        "raw": b"\x00\xff",
        "many": [1, None],
        "ids": [SESSION],
        "words": ["a,b", None],
        "exact": 1.5,
        "took": "1 day 00:00:02",
        "network": "10.0.0.0/8",
        "sketch": {"bins": [-1, 5], "calls": [2, 3]},
    }
    assert [table.schema.field(name).type for name in ("id", "at", "there", "doc")] == [
        pa.uuid(),
        UTC_TIME,
        UTC_TIME,
        pa.json_(),
    ]


def test_times_without_end_are_null(settings: Settings, database_url: str, tmp_path: Path) -> None:
    run(
        database_url,
        "INSERT INTO users (created_at) VALUES ('infinity'), ('-infinity'), ('294276-12-31'), ('4713-01-01 BC')",
    )
    export_rows(settings, "users", None, None, tmp_path / "out.parquet")
    times = pq.read_table(tmp_path / "out.parquet")["created_at"].cast(pa.int64()).to_pylist()
    assert sorted(times, key=lambda time: time or 0) == [-210863520000000000, None, None, None]


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        (None, None, [1, 2, 3, 4]),
        ("2024-01-02", None, [2, 3]),
        (None, "2024-01-02", [1]),
        ("2024-01-02", "2024-01-03", [2]),
        ("2024-01-02T02:00:00+02:00", "2024-01-02T00:00:00.000001", [2]),
        ("2024-01-02T00:00:00.000001Z", "2024-01-03", []),
    ],
)
def test_a_period_begins_with_its_start_and_ends_before_its_end(
    settings: Settings, database_url: str, tmp_path: Path, start: str | None, end: str | None, kept: list[int]
) -> None:
    run(
        database_url,
        "INSERT INTO journey_steps (step_number, event_time)"
        " VALUES (1, '2024-01-01 23:59:59.999999'), (2, '2024-01-02'), (3, '2024-01-03'), (4, NULL)",
    )
    assert exported(settings, "journey_steps", tmp_path, start, end)["step_number"].to_pylist() == kept


def test_predictions_go_by_their_window(settings: Settings, database_url: str, tmp_path: Path) -> None:
    run(
        database_url,
        f"INSERT INTO sessions (session_id) VALUES ('{SESSION}')",
        "INSERT INTO emotion_predictions (session_id, window_start, predicted_at) VALUES"
        f" ('{SESSION}', '2024-01-01 12:00', '2024-02-01'), ('{SESSION}', '2024-02-01', '2024-01-01 12:00')",
    )
    rows = exported(settings, "emotion_predictions", tmp_path, "2024-01-01", "2024-01-02").to_pylist()
    assert [row["window_start"] for row in rows] == [datetime(2024, 1, 1, 12, tzinfo=UTC)]


def test_a_view_in_analytics_needs_no_schema_before_its_name(
    settings: Settings, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(
        database_url,
        "INSERT INTO heatmap_points (screen_name, x, viewport_width) VALUES ('/a', 3, 10), ('/b', 5, NULL)",
    )
    table = exported(settings, "heatmap", tmp_path)
    assert sorted(zip(table["screen_name"].to_pylist(), table["relative_x"].to_pylist(), strict=True)) == [
        ("/a", 0.3),
        ("/b", None),
    ]
    assert capsys.readouterr() == (f"{tmp_path}/out.parquet\n", "2 rows of heatmap\n")


def test_a_large_table_takes_no_more_memory_than_a_part_of_it(
    settings: Settings, database_url: str, tmp_path: Path
) -> None:
    run(
        database_url,
        f"INSERT INTO sessions (session_id) VALUES ('{SESSION}')",
        "INSERT INTO error_logs (session_id, stack_trace)"
        f" SELECT '{SESSION}', repeat(md5(n::text), 64) FROM generate_series(1, 200000) AS n",  # 410 MB
    )
    exported(settings, "users", tmp_path)  # what the libraries take themselves
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    export_rows(settings, "error_logs", None, None, tmp_path / "large.parquet")
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    file = pq.ParquetFile(tmp_path / "large.parquet")
    assert file.metadata.num_rows == 200_000
    assert file.metadata.num_row_groups > 10
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert grown_mb < 200


@pytest.mark.parametrize(
    ("name", "start", "end", "said"),
    [
        ("nothing", None, None, "there is no table or view nothing in the schemas public and analytics"),
        ("pg_catalog.pg_authid", None, None, "there is no table or view pg_catalog.pg_authid"),
        ("hxi_state.ledger", None, None, "there is no table or view hxi_state.ledger"),
        ("events; DROP TABLE users", None, None, "there is no table or view events; DROP"),
        ("bot_sessions", "2024-01-01", None, "bot_sessions has no time by which a period could be taken"),
        ("events", "yesterday", None, "'yesterday' is no date or time in ISO-8601"),
        ("events", "2024-01-02", "2024-01-02", "--to 2024-01-02 is not after --from 2024-01-02"),
        ("_yoyo_log", None, None, "HXI_DATABASE_URL failed: .*permission denied for table _yoyo_log"),
    ],
)
def test_what_cannot_be_exported_is_said_and_leaves_no_file(
    settings: Settings, tmp_path: Path, name: str, start: str | None, end: str | None, said: str
) -> None:
    with pytest.raises(CommandFailed, match=said):
        exported(settings, name, tmp_path, start, end)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_on_the_way_leaves_the_old_file(
    settings: Settings, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "out.parquet").write_text("old", "utf-8")
    run(
        database_url,
        "CREATE VIEW analytics.fails AS SELECT 1 / (500000 - n) AS x, repeat('x', 100) AS y"
        " FROM generate_series(1, 500001) AS n",
        "GRANT SELECT ON analytics.fails TO hxi_analyst",
    )
    with pytest.raises(CommandFailed, match=r"HXI_DATABASE_URL failed: .*division by zero"):
        exported(settings, "fails", tmp_path)
    assert [(file.name, file.read_text("utf-8")) for file in tmp_path.iterdir()] == [("out.parquet", "old")]


def test_a_folder_that_is_not_there_is_said(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"out\.parquet cannot be written: No such file or directory"):
        exported(settings, "events", tmp_path / "nowhere")


def test_a_login_may_export_what_it_may_read(database_url: str, tmp_path: Path) -> None:
    settings = load_settings({"HXI_DATABASE_URL": as_writer(database_url)})
    with pytest.raises(CommandFailed, match="permission denied for table error_logs"):
        exported(settings, "error_logs", tmp_path)


def test_a_server_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    settings = load_settings({"HXI_DATABASE_URL": "postgresql://127.0.0.1:1/nothing"})
    with pytest.raises(CommandFailed, match="HXI_DATABASE_URL failed: connection failed"):
        exported(settings, "events", tmp_path)


def test_without_the_libraries_it_is_said_where_they_come_from(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pipeline.sinks.export", "pyarrow", "pyarrow.parquet"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "adbc_driver_manager", None)
    with pytest.raises(CommandFailed, match="exporting needs adbc_driver_manager, which comes with the extra 'analyst"):
        exported(settings, "events", tmp_path)
