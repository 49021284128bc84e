"""``python -m agents`` is ``hxi``."""

from agents.cli import main

main()
