"""Where PostgreSQL is, and its password, which no ``repr``, no dump and no error shows."""

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from agents.secret_file import SecretFile
from pipeline.sinks.address import complete
from pipeline.sinks.tls import tls_mistake, unverified_tls


class DatabaseSettings(BaseModel):
    """What is said of PostgreSQL in :class:`agents.settings.Settings`.

    The fields stand in the order in which they are needed: the URL, once checked, holds the password of the file too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_password_file: SecretFile | None = None
    database_allow_unverified_tls: bool = False
    database_url: str = Field(
        "postgresql://localhost:5432/hxi_dashboard", repr=False, exclude=True, validate_default=True
    )

    @field_validator("database_url")
    @classmethod
    def _is_whole(cls, url: str, info: ValidationInfo) -> str:
        password = info.data.get("database_password_file")
        whole = complete(url, password and password.get_secret_value())
        environment = info.context or {}
        if mistake := tls_mistake(whole, environment):
            raise ValueError(mistake)
        problem = unverified_tls(whole, environment)
        if problem and not info.data.get("database_allow_unverified_tls"):
            raise ValueError(f"{problem}, or allow it with HXI_DATABASE_ALLOW_UNVERIFIED_TLS=true")
        return whole
