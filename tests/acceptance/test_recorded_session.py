"""A real browsing session, published as a person would, arrives once."""

from tests.deployment import RECORDED_SESSION, Deployment, assert_same_tables
from tests.servers.choice import BrokerChoice

SESSION = (
    "8dda0c07-b950-47ec-a5ea-3d25746042bf",
    "2018-12-14 03:06:06.75",
    "2018-12-14 03:07:27.83",
    81_080,
)


def test_recorded_session_fills_the_tables_and_publishing_it_twice_changes_nothing(
    deployment: Deployment, broker_choice: BrokerChoice
) -> None:
    deployment.hxi("publish", RECORDED_SESSION)
    worker = deployment.start_worker()
    deployment.wait_until_drained()

    assert deployment.count("events") == 105
    assert deployment.count("session_replay_chunks") == 16
    sessions = deployment.query("SELECT session_id::text, start_time::text, end_time::text, duration_ms FROM sessions")
    assert sessions == [SESSION]

    steps = deployment.query("SELECT step_number, screen_name, event_time::text FROM journey_steps")
    assert steps == [(1, "/e/react", "2018-12-14 03:06:06.75")]
    points = deployment.query("SELECT kind, sum(weight) FROM heatmap_points GROUP BY kind ORDER BY kind")
    assert points == [("click", 3), ("mouse_move", 87), ("scroll", 12)]
    assert deployment.count("heatmap_points") == 84
    assert deployment.count("rage_click_events") == 0

    once = deployment.tables()
    deployment.hxi("publish", RECORDED_SESSION)
    deployment.wait_until_drained()
    assert_same_tables(deployment.tables(), once)
    if broker_choice.is_apache_kafka:
        worker.kill()
    else:
        worker.terminate()  # the embedded broker never lets the successor of a killed member in

    deployment.hxi("publish", RECORDED_SESSION)  # a worker that has forgotten what it saw
    deployment.start_worker()
    deployment.wait_until_drained()
    assert_same_tables(deployment.tables(), once)
    assert deployment.dead_letters() == []
