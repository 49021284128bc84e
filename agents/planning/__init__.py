"""What a load needs, worked out from what an event was measured to cost."""

from agents.planning.costs import MEASURED_HERE, Costs
from agents.planning.load import Load, Plan, planned

__all__ = ["MEASURED_HERE", "Costs", "Load", "Plan", "planned"]
