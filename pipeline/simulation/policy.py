"""The policy of a simulation: how many people come, and how badly their records travel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from pipeline.simulation.devices import DECK, Device
from pipeline.simulation.moods import INDIVIDUALITY, TEMPERS, Mood, Temper

# Nobody publishes shares of moods; these only make the rare ones frequent enough to learn from.
_MOODS = {Mood.CALM: 0.38, Mood.ENGAGED: 0.22, Mood.BORED: 0.16, Mood.CONFUSED: 0.13, Mood.FRUSTRATED: 0.11}


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the simulated world is like; every rate is a share between 0 and 1.

    Attributes:
        sessions_per_minute: Mean of the Poisson arrivals. A session lasts some three minutes, so
            about three times as many people are active at once.
        population: How many accounts exist; the first ones come back most often.
        account_rate: Share of sessions whose person has an account, and so may be identified.
        ended_rate: Share of sessions that say `session_end`; the others just go quiet.
        sent_at_rate: Share of sessions whose client states `sent_at`.
        duplicate_rate: Share of records that are delivered a second time, seconds to minutes later.
        out_of_order_rate: Share of records held back by 0.3 to 10 seconds.
        late_rate: Share of records held back by 1 to 50 minutes.
        batch_size: Most events per record; above 1, records are batch objects.
        replay: Whether sessions send replay chunks too.
        moods: How often people come in each mood; the weights need not add up to 1.
        tempers: What each mood does to the habits of its people, on average.
        individuality: Standard deviation of the logarithm of what sets one of them apart.
        devices: What people hold; one that is there twice is held by twice as many.
    """

    sessions_per_minute: float = 60.0
    population: int = 2_000
    account_rate: float = 0.45
    ended_rate: float = 0.7
    sent_at_rate: float = 0.3
    duplicate_rate: float = 0.02
    out_of_order_rate: float = 0.03
    late_rate: float = 0.004
    batch_size: int = 1
    replay: bool = False
    moods: Mapping[Mood, float] = field(default_factory=lambda: MappingProxyType(_MOODS))
    tempers: Mapping[Mood, Temper] = field(default_factory=lambda: MappingProxyType(TEMPERS))
    individuality: float = INDIVIDUALITY
    devices: tuple[Device, ...] = DECK

    def __post_init__(self) -> None:
        """Refuse values that make no world.

        Raises:
            ValueError: A rate outside 0 to 1, or a count or weight that is not positive.
        """
        for each in fields(self):
            if each.name.endswith("_rate") and not 0 <= getattr(self, each.name) <= 1:
                raise ValueError(f"{each.name} is a share between 0 and 1, not {getattr(self, each.name)}")
        for name in ("sessions_per_minute", "population", "batch_size"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        if not sum(self.moods.values()) > 0 or min(self.moods.values()) < 0:
            raise ValueError("moods needs weights of which none is negative and one is positive")
        if self.late_rate + self.out_of_order_rate > 1:
            raise ValueError("late_rate and out_of_order_rate add up to more than 1")
