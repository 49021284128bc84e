"""A plan follows from what was measured, by sums that can be done by hand, and the page says the same."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from agents.cli import app
from agents.commands.output import CommandFailed
from agents.commands.plan import show_plan
from agents.planning import MEASURED_HERE, Costs, Load, planned
from agents.planning.costs import ASSUMED, TABLES, Size
from agents.planning.pages import calculated, changes, growing_table, measured, number, size, sizes_table
from benchmarks import drain, sizes
from tests.deployment import TABLES as ALL_TABLES

PAGE = Path(__file__).parents[2] / "docs/growing.md"
ROUND = Costs(
    worker_events_per_s=10_000,
    worker_cpu_us=50,
    postgres_cpu_us=40,
    record_bytes=300,
    wal_bytes=1_000,
    stored_per_replay_byte=0.5,
    rollup_rows_per_event=0.01,
    rollup_row_bytes=1_000,
    worker_replay_cpu_us_per_kb=80,
    postgres_replay_cpu_us_per_kb=20,
    replay_chunk_bytes=10_000,
    wal_per_replay_byte=0.4,
    removed_replay_mb_per_s=200,
    removed_wal_per_replay_byte=0.2,
    removed_rows_per_s={"events": 20_000, "heatmap_points": 100_000},
    removed_row_cpu_us=10,
    removed_row_wal_bytes=250,
    sizes={"events": Size(1, 300), "heatmap_points": Size(1, 200)},
)
"""Two rows and 500 bytes an event; a worker takes 6 000 events/s at 60 %."""


@pytest.mark.parametrize(
    ("rate", "databases", "workers", "partitions"),
    [
        (1, 1, 1, 8),
        (6_000, 1, 1, 8),
        (6_001, 1, 2, 8),
        (24_000, 1, 4, 8),
        (24_001, 1, 5, 16),
        (50_000, 1, 9, 32),
        (50_001, 2, 10, 32),
        (1_000_000, 20, 180, 640),
    ],
)
def test_workers_partitions_and_databases_follow_from_the_rate(
    rate: int, databases: int, workers: int, partitions: int
) -> None:
    plan = planned(Load(rate, retention_days=0), ROUND)
    assert (plan.databases, plan.workers, plan.partitions) == (databases, workers, partitions)


def test_what_a_plan_says_can_be_worked_out_by_hand() -> None:
    plan = planned(Load(10_000, retention_days=10, replay_bytes_per_s=1_000_000, peak_to_mean=1), ROUND)
    # 10 000/s · 86 400 s · 500 B = 432 GB of rows a day; 1 MB/s · 86 400 s · 0.5 = 43.2 GB of replays;
    # 1 000 windows a minute (the limit, where 6 000 would come) · 1 440 · 1 000 B = 1.44 GB
    assert sum(plan.bytes_per_day.values()) == pytest.approx(432e9 + 43.2e9 + 1.44e9)
    assert plan.stored_tb == pytest.approx(4.7664)
    assert (plan.databases, plan.workers_per_database, plan.partitions_per_database) == (1, 2, 8)
    assert plan.rows_per_s == 20_000 + 100
    assert plan.wal_mb_per_s == pytest.approx(10 + 5 + 0.4 + 0.2)
    assert plan.worker_cores == pytest.approx(0.5 + 0.08)
    assert plan.postgres_cores_per_database == 2  # 0.4 + 0.02 to write, 0.2 + 0.005 to remove, 60 % busy
    assert plan.connections_per_database == 8
    assert plan.recent_gb_per_database == pytest.approx(9)
    assert plan.removing_at_once == pytest.approx(0.5 + 0.1 + 0.005)
    assert plan.topic_mb_per_s == pytest.approx(4)
    assert plan.topic_tb == pytest.approx(4e6 * 86_400 * 7 * 3 / 1e12)
    assert plan.brokers == 3


def test_what_is_stored_and_removed_goes_by_the_mean_and_machines_by_the_busiest() -> None:
    even, peaked = (
        planned(Load(10_000, 10, 9_000_000, peak_to_mean=times), replace(ROUND, rollup_rows_per_event=0))
        for times in (1, 5)
    )
    for of_mean in ("stored_tb", "removing_at_once", "topic_tb"):
        assert getattr(peaked, of_mean) == pytest.approx(getattr(even, of_mean) / 5), of_mean
    for of_peak in ("workers", "worker_cores", "rows_per_s", "topic_mb_per_s", "recent_gb_per_database"):
        assert getattr(peaked, of_peak) == getattr(even, of_peak), of_peak
    assert peaked.wal_mb_per_s == pytest.approx(10 + 3.6 + (5 + 1.8) / 5)


@pytest.mark.parametrize(("replays", "workers"), [(0, 1), (6_000_000, 2), (60_000_000, 11), (600_000_000, 101)])
def test_replays_take_workers_of_their_own(replays: float, workers: int) -> None:
    one_database = replace(ASSUMED, database_events_per_s=1e9, database_tb=1e9)
    assert planned(Load(600, 0, replays), ROUND, one_database).workers == workers


def test_replays_take_databases_as_the_events_that_cost_as_much() -> None:
    # 20 µs per kB, 40 µs per event: 80 MB/s are 40 000 events/s
    assert [planned(Load(rate, 0, 80e6), ROUND).databases for rate in (10_000, 10_001)] == [1, 2]


def test_databases_are_as_many_as_hold_what_is_stored() -> None:
    for times in (1, 2):
        rate = 10_000 * times
        assert planned(Load(rate, retention_days=23, peak_to_mean=times), ROUND).databases == 1
        assert planned(Load(rate, retention_days=24, peak_to_mean=times), ROUND).databases == 2


def test_every_database_has_its_own_latency_windows() -> None:
    one = planned(Load(40_000, 0, peak_to_mean=1), ROUND).bytes_per_day["latency_rollups"]
    assert planned(Load(100_000, 0, peak_to_mean=1), ROUND).bytes_per_day["latency_rollups"] == 2 * one


def test_memory_of_ids_is_bounded() -> None:
    idle, busy = (planned(Load(rate, 0), replace(ROUND, worker_events_per_s=1e6)).worker_mib for rate in (1, 50_000))
    assert idle == pytest.approx(ROUND.worker_peak_mib, rel=0.01)
    assert busy - idle == pytest.approx(200e6 / 2**20, rel=0.01)


def test_what_changes_is_said_step_by_step() -> None:
    def said(load: Load) -> str:
        return " ".join(changes(load, planned(load)))

    assert "nothing to change" in said(Load(1_000))
    assert "HXI_TOPIC_PARTITIONS=8 from" in said(Load(20_000, 1))
    assert "Several databases" not in said(Load(20_000, 1))
    assert "to one of 20 by" in said(Load(1_000_000, 0))
    assert "What is stored decides, not the load: 20 would" in said(Load(1_000_000))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.053, "0.053"), (1.9049, "1.9"), (99.94, "99.9"), (8, "8"), (1_234_567, "1 234 567")],
)
def test_numbers_are_said_with_what_counts_of_them(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (1_094, "1.09 kB"), (1.4e12, "1.4 TB"), (2e18, "2 000 PB")],
)
def test_sizes_are_said_in_a_unit_that_suits_them(value: float, text: str) -> None:
    assert size(value) == text


def test_every_table_is_in_a_plan() -> None:
    assert {*MEASURED_HERE.sizes} == {*TABLES}
    assert {*planned(Load(1)).bytes_per_day} == {*ALL_TABLES, "latency_rollups"}


@pytest.mark.parametrize("table", [growing_table(3), growing_table(30), sizes_table()])
def test_the_page_has_what_is_calculated_here(table: str) -> None:
    assert table in PAGE.read_text("utf-8")


@pytest.mark.parametrize("line", measured(MEASURED_HERE), ids=lambda line: line[0])
def test_what_was_measured_is_written_where_it_is_said_to_be(line: tuple[str, str, str]) -> None:
    _, value, where = line
    file, *headings = where.split(", ")
    text = (PAGE.parents[1] / file).read_text("utf-8")
    section = text.split(f"\n## {headings[0]}\n")[1].split("\n## ")[0]
    figure = value.rpartition(" ")[0] if value[-1].isalpha() else value
    assert figure in section.replace("**", "")


def benchmark(tmp_path: Path, **sections: object) -> Path:
    """Return a file as a benchmark writes it."""
    file = tmp_path / "benchmarks.json"
    file.write_text(json.dumps({"broker": "Apache Kafka", "doubts": {}} | sections))
    return file


def test_figures_of_another_machine_are_taken_from_its_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drained = dict.fromkeys(drain.LINES, 1.0) | {"worker_events_per_s": 40_000.0}
    left = dict.fromkeys(sizes.LINES, 2.0) | {"events_bytes": 123.0}
    costs = MEASURED_HERE.with_figures({"drain of 300000 events": {"mix": drained}, "sizes": {"": left}})
    assert (costs.worker_events_per_s, costs.worker_cpu_us, costs.worker_peak_mib) == (40_000, 1, 274)
    assert costs.sizes["events"] == Size(2, 123)
    file = benchmark(tmp_path, **{"drain of 300000 events": {"mix": drained}})
    show_plan(Load(100_000, 1), file)
    shown = capsys.readouterr()
    assert "the busiest hour, times the day's mean\t3\t--peak-to-mean" in shown.out
    assert f"a worker drains, events/s\t40 000\t{file}\n" in shown.out
    assert "\nworkers\t6\t" in shown.out
    assert "\nSeveral workers" in shown.err


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"drain of 1 events": {"mix": {}}}', '{"sizes": {"": {"a": 1}}}'])
def test_a_file_that_is_no_benchmark_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "figures.json"
    file.write_text(content)
    with pytest.raises(CommandFailed, match="is not what a benchmark writes"):
        show_plan(Load(1), file)


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, 1e300, 1e-300, True, "12", None])
@pytest.mark.parametrize("name", ["worker_events_per_s", "postgres_cpu_us", "replay_bytes", "latency_windows_rows"])
def test_a_figure_that_nothing_can_be_worked_out_from_is_refused_by_name(
    tmp_path: Path, name: str, wrong: object
) -> None:
    drained: dict[str, object] = dict.fromkeys(drain.LINES, 1.0)
    left: dict[str, object] = dict.fromkeys(sizes.LINES, 2.0)
    for figures in (drained, left):
        figures.update({name: wrong} if name in figures else {})
    file = benchmark(tmp_path, **{"drain of 300000 events": {"mix": drained}, "sizes": {"": left}})
    with pytest.raises(CommandFailed, match=re.escape(f"what a benchmark writes: {name} is {wrong}, no number")):
        show_plan(Load(1), file)


@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, 1e300])
def test_a_table_may_have_no_rows_but_not_fewer(tmp_path: Path, wrong: float) -> None:
    left = dict.fromkeys(sizes.LINES, 2.0) | {"error_logs_rows": 0}
    show_plan(Load(1), benchmark(tmp_path, sizes={"": left}))
    with pytest.raises(CommandFailed, match="error_logs_rows is "):
        show_plan(Load(1), benchmark(tmp_path, sizes={"": left | {"error_logs_rows": wrong}}))


@pytest.mark.parametrize("option", ["events-per-second", "retention-days", "replay-bytes-per-second", "peak-to-mean"])
@pytest.mark.parametrize("value", ["nan", "inf", "1e300", "-1"])
def test_an_option_that_is_no_number_within_reason_is_refused(option: str, value: str) -> None:
    given = {"events-per-second": "1000", option: value}
    done = CliRunner().invoke(app, ["plan", *(f"--{name}={text}" for name, text in given.items())])
    assert done.exit_code == 2
    assert f"--{option}" in done.output


def test_what_stays_goes_by_the_days_of_each_table() -> None:
    load = Load(10_000, 10, 1_000_000, peak_to_mean=1, days={"events": 20, "latency_rollups": 100})
    # 259.2 GB of events a day, 172.8 of points, 43.2 of replays, 1.44 of windows
    assert planned(load, ROUND).stored_tb == pytest.approx(5.184 + 1.728 + 0.432 + 0.144)


def test_the_days_that_retention_has_are_those_that_a_plan_goes_by(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compose = yaml.safe_load((PAGE.parents[1] / "docker-compose.yml").read_text("utf-8"))["services"]["retention"]
    for name, value in compose["environment"].items():
        if name.startswith("HXI_RETENTION_"):
            monkeypatch.setenv(name, str(value))
    done = CliRunner().invoke(app, ["plan", "--events-per-second", "1000"])
    stay = dict(re.findall(r"^(\w+): a day\t.*rows stay for (\d+) days$", done.output, re.MULTILINE))
    raw = dict.fromkeys(("events", "latency_metrics", "error_logs"), "90")
    results = ("rage_click_events", "heatmap_points", "journey_steps", "emotion_predictions", "experience_scores")
    of_sessions = dict.fromkeys(("users", "sessions", *results), "400")
    assert stay == raw | of_sessions | {"session_replay_chunks": "30", "latency_rollups": "800"}
    assert "Rows stay for as long as HXI_RETENTION_…_DAYS say" in done.output


def test_a_plan_says_that_all_tables_are_taken_to_stay_as_long_where_no_policy_is_set() -> None:
    load = Load(1_000)
    assert changes(load, planned(load))[0].startswith("Rows of all tables are taken to stay for 30 days (--retention")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"nowhere\.json cannot be read"):
        show_plan(Load(1), tmp_path / "nowhere.json")


def test_assumptions_change_the_plan() -> None:
    assert planned(Load(100_000, 0), ROUND, replace(ASSUMED, database_events_per_s=1e6)).databases == 1
    assert calculated(planned(Load(1)))[0][:2] == ("databases", "1")
