"""``hxi schema``."""

import json

from agents.commands.output import CommandFailed
from schema.json_schema import events_topic, replay_topic

_SCHEMAS = {"events": events_topic, "replay": replay_topic}


def print_schema(topic: str) -> None:
    """Print the JSON Schema of what ``topic`` carries."""
    if topic not in _SCHEMAS:
        raise CommandFailed(f"no schema for {topic!r}: there is one for events and one for replay")
    print(json.dumps(_SCHEMAS[topic](), indent=2))
