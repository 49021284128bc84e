"""``hxi plan``: what a load needs, what was measured for that, and what was not."""

import json
from pathlib import Path

from agents.commands.output import CommandFailed, say, show_table
from agents.planning import MEASURED_HERE, Costs, Load, planned
from agents.planning.pages import assumed, calculated, changes, measured


def show_plan(load: Load, figures: Path | None) -> None:
    """Show the plan for ``load``, by the figures of a benchmark or by those of the documentation."""
    costs = MEASURED_HERE if figures is None else _read(figures)
    plan = planned(load, costs)
    show_table("Measured", ("measured", "value", "where"), measured(costs, str(figures) if figures else None))
    show_table("Assumed: nobody has measured it", ("assumed", "value", "why"), assumed(peak_to_mean=load.peak_to_mean))
    show_table("Calculated: nobody has tried it", ("calculated", "value", "of what"), calculated(plan))
    for sentence in changes(load, plan):
        say(sentence)


def _read(file: Path) -> Costs:
    try:
        return MEASURED_HERE.with_figures(json.loads(file.read_text("utf-8")))
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise CommandFailed(f"{file} is not what a benchmark writes: {error}") from None
