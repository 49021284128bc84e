"""Faults of workers: killed, replaced, put to sleep, more of them and fewer."""

import signal
import subprocess
import time

import pytest

from tests.deployment import WorkerProcess
from tests.faults.campaign import Campaign, Fire

IN_A_ROW = 4
"""Most kills before all is left to recover: the later ones meet workers that have only just begun."""

RANDOM_MOMENT_S = 1.5
"""From one kill to the next: a flush comes every 0.2 s, after a kill a large one."""

STOPS_WITHIN_S = 10.0


def sigkill_at_random(campaign: Campaign) -> list[str]:
    """Kill some workers, each at a random moment, and start another in the place of each at once."""
    proof = []
    for _ in range(campaign.chance.randint(1, IN_A_ROW)):
        victim = campaign.chance.choice(campaign.workers)
        with pytest.raises(subprocess.TimeoutExpired):
            victim.wait(campaign.chance.uniform(0.0, RANDOM_MOMENT_S))
        victim.kill()
        campaign.heals()
        campaign.replace(victim)
        proof.append(f"{victim.name} ended by SIGKILL")
    return proof


def sigkill_at(name: str) -> Fire:
    """Kill a worker at the named moment and another just then, and start two in their place."""

    def fire(campaign: Campaign) -> list[str]:
        with campaign.stopped_at(name) as victim:
            other = campaign.chance.choice([worker for worker in campaign.workers if worker is not victim])
            victim.kill()
            other.kill()
        campaign.replace(victim)
        campaign.replace(other)
        return [f"{victim.name} stopped {name} and ended by SIGKILL", f"{other.name} ended by SIGKILL at that time"]

    return fire


def sigterm(campaign: Campaign) -> list[str]:
    """Stop the oldest worker as an operator would, and start another in its place."""
    oldest = campaign.workers[0]
    assert oldest.terminate(STOPS_WITHIN_S) == 0
    campaign.heals()
    campaign.replace(oldest)
    return [f"{oldest.name} ended by SIGTERM with 0"]


def sleep_and_wake(campaign: Campaign) -> list[str]:
    """Stop a worker until others have its partitions, and let it go on.

    Its partitions stand still until they are taken over, which the proof says; recovery is from when it wakes.
    """
    return [_sleep_and_wake(campaign, campaign.chance.choice(campaign.workers), "at a random moment")]


def sleep_and_wake_at(name: str) -> Fire:
    """Do the same at a named moment; what it was sending arrives when it wakes."""

    def fire(campaign: Campaign) -> list[str]:
        with campaign.stopped_at(name, release=True) as sleeper:
            return [_sleep_and_wake(campaign, sleeper, name)]

    return fire


def _sleep_and_wake(campaign: Campaign, sleeper: WorkerProcess, when: str) -> str:
    others = [worker for worker in campaign.workers if worker is not sleeper]
    fell_asleep = time.monotonic()
    sleeper.signal(signal.SIGSTOP)
    campaign.wait_until_all_is_read_by(*others)
    taken_over_s = time.monotonic() - fell_asleep
    sleeper.signal(signal.SIGCONT)
    campaign.heals()
    return f"{sleeper.name} slept {when}; others had its {sleeper.partitions()} partitions after {taken_over_s:.1f} s"


def scale(campaign: Campaign) -> list[str]:
    """Go from one worker to three, then two, then one, then back to as many as there were."""
    first, *rest = campaign.workers
    for worker in rest:
        assert worker.terminate(STOPS_WITHIN_S) == 0
    campaign.wait_until_all_is_read_by(first)
    second, third = (campaign.start_worker(), campaign.start_worker())
    campaign.wait_until_all_is_read_by(first, second, third)
    assert second.terminate(STOPS_WITHIN_S) == 0
    campaign.wait_until_all_is_read_by(first, third)
    assert third.terminate(STOPS_WITHIN_S) == 0
    campaign.heals()
    campaign.wait_until_all_is_read_by(first)
    return ["1, 3, 2, 1 workers held all partitions between them"]
