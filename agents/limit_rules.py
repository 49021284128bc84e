"""The settings of the limits: ``HXI_LIMIT_…``, each with its default in ``pipeline.limits``."""

from pydantic import BaseModel, Field

from pipeline.limits import Limits

_DEFAULT = Limits()

MOST = 2**31 - 1
"""More is a slip of the pen: columns of type INT count no further."""


class LimitRules(BaseModel):
    """How much one sender may ask for."""

    limit_record_bytes: int = Field(_DEFAULT.record_bytes, ge=1_000, le=_DEFAULT.record_bytes)
    limit_batch_events: int = Field(_DEFAULT.batch_events, ge=1, le=100_000)
    limit_metadata_bytes: int = Field(_DEFAULT.metadata_bytes, ge=100, le=_DEFAULT.record_bytes)
    limit_metadata_depth: int = Field(_DEFAULT.metadata_depth, ge=1, le=_DEFAULT.metadata_depth)
    limit_session_events: int = Field(_DEFAULT.session_events, ge=1, le=MOST)
    limit_session_actions: int = Field(_DEFAULT.session_actions, ge=1, le=MOST)
    limit_session_chunks: int = Field(_DEFAULT.session_chunks, ge=1, le=MOST)
    limit_session_replay_bytes: int = Field(_DEFAULT.session_replay_bytes, ge=1, le=MOST)
    limit_device_sessions_per_s: int = Field(_DEFAULT.device_sessions_per_s, ge=1, le=MOST)
    limit_window_keys: int = Field(_DEFAULT.window_keys, ge=1, le=MOST)

    def limits(self) -> Limits:
        """Return the limits that these settings say."""
        given = {name.removeprefix("limit_"): value for name, value in self if name.startswith("limit_")}
        return Limits(**given)
