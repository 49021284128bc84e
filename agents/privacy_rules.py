"""The settings of the privacy policy: ``HXI_PRIVACY_…``."""

from typing import Literal, Self

from pydantic import BaseModel, SecretStr, model_validator

from agents.secret_file import SecretFile, given_twice, revealed
from pipeline.privacy import PrivacyPolicy

SHORTEST_KEY = 16
"""Characters: with fewer, whoever has the hashes could try keys."""


class PrivacyRules(BaseModel):
    """What is masked or dropped before anything is stored."""

    privacy_ip_address: Literal["truncate", "keep", "drop"] = "truncate"
    privacy_url_query: Literal["drop", "keep"] = "drop"
    privacy_url_query_allow: str = ""
    privacy_free_text: Literal["mask", "keep"] = "mask"
    privacy_user_email: Literal["keep", "hash", "drop"] = "keep"
    privacy_email_key: SecretStr | None = None
    privacy_email_key_file: SecretFile | None = None
    privacy_replay: Literal["mask_inputs", "mask_text", "keep"] = "mask_inputs"

    @model_validator(mode="after")
    def _has_a_key_where_it_hashes(self) -> Self:
        if twice := given_twice("privacy_email_key", self.model_fields_set):
            raise ValueError(twice)
        if self.privacy_user_email == "hash" and len(self._email_key()) < SHORTEST_KEY:
            raise ValueError(
                f"HXI_PRIVACY_USER_EMAIL=hash needs a key of {SHORTEST_KEY} characters or more, in"
                " HXI_PRIVACY_EMAIL_KEY or in a file named by HXI_PRIVACY_EMAIL_KEY_FILE"
            )
        if self.privacy_user_email != "hash" and self._email_key():
            raise ValueError("HXI_PRIVACY_EMAIL_KEY is set, and HXI_PRIVACY_USER_EMAIL is not hash")
        if self.privacy_url_query == "keep" and self.privacy_url_query_allow:
            raise ValueError("HXI_PRIVACY_URL_QUERY_ALLOW is set, and HXI_PRIVACY_URL_QUERY keeps every parameter")
        return self

    def privacy_policy(self) -> PrivacyPolicy:
        """Return the policy that these settings say."""
        allowed = frozenset(name for name in map(str.strip, self.privacy_url_query_allow.split(",")) if name)
        return PrivacyPolicy(
            self.privacy_ip_address,
            self.privacy_url_query,
            allowed,
            self.privacy_free_text,
            self.privacy_user_email,
            self._email_key(),
            self.privacy_replay,
        )

    def _email_key(self) -> bytes:
        return revealed(self.privacy_email_key or self.privacy_email_key_file).encode()
