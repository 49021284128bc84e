"""What the demo shows at its end: how full the tables are, and a few answers from them."""

from agents.commands.dead_letters import list_dead_letters
from agents.commands.output import out, show_table
from agents.settings import Settings
from pipeline.sinks.reading import ask


def records_done(settings: Settings) -> int:
    """Return how many records of the topics are settled."""
    ((records,),) = ask(settings.database_url, "records_done", app_id=settings.app_id).rows
    return int(records)


def sessions_judged(settings: Settings) -> bool:
    """Return whether every session that went quiet has ended, and all that have changed have been judged since."""
    ((unjudged,),) = ask(settings.database_url, "unjudged_sessions", timeout_s=settings.session_timeout_s).rows
    return int(unjudged) == 0


def show_summary(settings: Settings) -> None:
    """Show what came out of the pipeline."""
    for title, name in (
        ("Tables", "table_counts"),
        ("Busiest screens", "summary_screens"),
        ("Where people rage", "summary_rage_clicks"),
        ("Most usual changes of screen", "summary_journeys"),
        ("Longest sessions", "summary_sessions"),
        ("Slowest endpoints", "summary_latency"),
        ("What people felt", "summary_emotions"),
        ("What costs points", "summary_scores"),
    ):
        columns, rows = ask(settings.database_url, name)
        show_table(title, columns, rows)
        out.print()
    list_dead_letters(settings, None, 5)
