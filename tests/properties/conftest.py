"""How Hypothesis runs here: without a deadline, because a loaded machine is slow at times."""

from hypothesis import settings

settings.register_profile("hxi", deadline=None)
settings.load_profile("hxi")
