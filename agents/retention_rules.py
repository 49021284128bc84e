"""The settings of retention: ``HXI_RETENTION_…_DAYS``, none of which removes anything unless it is set."""

from pydantic import BaseModel, Field

from pipeline.sinks.retention import RetentionPolicy

DAY_S = 24 * 3600
HUNDRED_YEARS = 36_500


class RetentionRules(BaseModel):
    """For how many days the rows of each table stay."""

    retention_replays_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_events_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_sessions_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_rollups_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_latency_metrics_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_error_logs_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_rage_clicks_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_heatmap_points_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_journey_steps_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)
    retention_emotions_days: int | None = Field(None, ge=1, le=HUNDRED_YEARS)

    def retention_policy(self) -> RetentionPolicy:
        """Return the policy that these settings say."""
        given = {name.removeprefix("retention_"): value for name, value in self if name.startswith("retention_")}
        return RetentionPolicy(**given)

    def retention_problem(self, alive_s: float) -> str | None:
        """Return what is wrong with the settings together; a session may be added to for ``alive_s`` as a rule."""
        days = {name: value for name, value in self if name.startswith("retention_") and value is not None}
        for name, value in days.items():
            if value * DAY_S <= alive_s:
                return f"HXI_{name.upper()} has to exceed HXI_SESSION_TIMEOUT_S and HXI_ALLOWED_LATENESS_S together"
        of_sessions = days.get("retention_sessions_days", HUNDRED_YEARS)
        for name, value in days.items():
            if name != "retention_rollups_days" and value > of_sessions:
                return f"HXI_{name.upper()} is longer than HXI_RETENTION_SESSIONS_DAYS, with which they go"
        return None
