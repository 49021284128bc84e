"""JSON Schemas of the messages, generated from the models, for tracker authors.

What a schema cannot say (dates relative to arrival, duplicates) is checked by the
pipeline alone.
"""

from typing import Any

from schema.events import Event, ReplayChunk

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def events_topic() -> dict[str, Any]:
    """Return the schema of a value on the events topic: one event, or one batch.

    In a batch an event may leave out what the batch shares, so only types are checked there.
    """
    event = Event.model_json_schema(ref_template="#/$defs/{model}")
    definitions = event.pop("$defs", {})
    shared = {**event, "required": [], "title": "SharedFields"}
    shared.pop("allOf", None)
    batch = {
        **shared,
        "title": "Batch",
        "description": "Events, and beside them the fields that all of them share.",
        "required": ["events"],
        "properties": {
            **event["properties"],
            "events": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/SharedFields"}},
        },
    }
    return {
        "$schema": DIALECT,
        "title": "HXI events topic",
        "if": {"required": ["events"]},
        "then": {"$ref": "#/$defs/Batch"},
        "else": {"$ref": "#/$defs/Event"},
        "$defs": {**definitions, "Event": event, "SharedFields": shared, "Batch": batch},
    }


def replay_topic() -> dict[str, Any]:
    """Return the schema of a value on the replay topic: one chunk."""
    return {"$schema": DIALECT, **ReplayChunk.model_json_schema()}
