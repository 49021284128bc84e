"""Traffic of a made-up shop: people with moods, and the records that their devices would send."""

from pipeline.simulation.delivery import Delivery
from pipeline.simulation.moods import Mood
from pipeline.simulation.people import Person, arrivals
from pipeline.simulation.policy import Traffic
from pipeline.simulation.traffic import moods, simulate

__all__ = ["Delivery", "Mood", "Person", "Traffic", "arrivals", "moods", "simulate"]
