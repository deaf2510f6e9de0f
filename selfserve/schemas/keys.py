"""Keys on the wire: documented field names (LiteLLM's key management API)."""

from typing import Annotated, Any, Literal, Self

from pydantic import AliasPath, BeforeValidator, Field, model_validator

from selfserve.schemas.fields import (
    Answer,
    ChosenSecret,
    Command,
    Cursor,
    Dollars,
    DollarsOut,
    Duration,
    Flag,
    Metadata,
    Names,
    OptionalText,
    Page,
    PageSize,
    Search,
    Secret,
    Text,
    Timestamp,
    described_as,
    needs_one_of,
    wrong,
)
from selfserve.schemas.limits import LimitFields


def _the_operator_sets_it(value: Any) -> None:
    """The master key is a setting of the server."""
    if value is not None:
        raise wrong("cannot be set here: change LITELLM_MASTER_KEY and start again.")


NoMasterKey = Annotated[
    None,
    BeforeValidator(_the_operator_sets_it),
    described_as({"type": "null"}, says="The master key is a setting of the server."),
]
KeyType = Literal["default", "llm_api", "management", "read_only"]


class KeyFields(LimitFields):
    """What can be said of a key, when one is made or changed."""

    key_alias: OptionalText = None
    duration: Duration = None
    tags: Names | None = None
    blocked: Flag | None = None
    allowed_routes: Names | None = None
    spend: Dollars = None


class KeyCreate(KeyFields):
    """`POST /key/generate`, and the create form of the browser."""

    user_id: OptionalText = None
    key: ChosenSecret | None = None
    key_type: KeyType | None = None
    permissions: Metadata | None = None
    creation_token: OptionalText = None
    send_invite_email: Flag | None = None


class KeyUpdate(KeyFields):
    """`POST /key/update`: what is named is changed, an explicit null clears."""

    key: Secret
    user_id: OptionalText = None


class KeyRegenerate(KeyFields):
    """`POST /key/regenerate` and `/key/{key}/regenerate`: a new secret for the same key, and changes as an update.

    The old secret works for `grace_period` more, or with `until_use` until an hour after the new one is first used.
    """

    key: Secret | None = None
    new_key: ChosenSecret | None = None
    new_master_key: NoMasterKey = None
    grace_period: Duration = None
    until_use: Flag = False
    permissions: Metadata | None = None


class KeyName(Command):
    """`POST /key/block`, `/key/unblock`, `/key/grace/end`: the secret, its hash or the key's id."""

    key: Secret


class KeyQuery(Command):
    """`GET /key/info`."""

    key: Secret | None = None


class KeyNames(Command):
    """`POST /v2/key/info`: keys by secret, hash or id, and by alias."""

    model_config = needs_one_of("keys", "key_aliases")

    keys: Annotated[list[Secret], Field(max_length=500)] | None = None
    key_aliases: Annotated[list[Text], Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        """Something must be meant."""
        if not self.keys and not self.key_aliases:
            raise wrong("keys or key_aliases is needed to say which keys are meant.")
        return self


class KeyDelete(KeyNames):
    """`POST /key/delete`: the same names."""


class KeyAliasQuery(Command):
    """`GET /key/aliases`."""

    page: Page = 1
    size: PageSize = 50
    search: Search | None = None


class KeyListQuery(Command):
    """`GET /key/list`."""

    page: Page = 1
    size: PageSize = 10
    user_id: Text | None = None
    team_id: Text | None = None
    key_hash: Text | None = None
    key_alias: Text | None = None
    search: Text | None = None
    return_full_object: Flag = False
    status: Literal["active", "expired", "blocked"] | None = None
    sort_by: Literal["spend", "max_budget", "created_at", "updated_at", "token", "key_alias"] | None = None
    sort_order: Literal["asc", "desc"] = "desc"


class KeyFilter(Command):
    """The filters and the order of the keys pages, as they stand in their address; newest first where none is named."""

    q: Search = None
    status: Literal["active", "expiring", "blocked", "expired", "over_budget", "deleted"] | None = None
    sort: Literal["created", "name", "used", "expires", "spend"] | None = None
    dir: Literal["asc", "desc"] | None = None
    owner: Search = None
    after: Cursor = None


class KeyAnswer(Answer):
    """A key's row without its secret, documented fields first."""

    token: str | None
    key_name: str | None
    key_alias: str | None = Field(validation_alias="alias")
    spend: DollarsOut
    total_spend: DollarsOut
    max_budget: DollarsOut | None
    soft_budget: DollarsOut | None
    budget_duration: str | None
    budget_reset_at: Timestamp | None = Field(validation_alias="next_reset_at")
    expires: Timestamp | None = Field(validation_alias="expires_at")
    models: list[str]
    user_id: str = Field(validation_alias=AliasPath("owner", "user_id"))
    team_id: None = None
    organization_id: None = None
    metadata: dict[str, Any] = Field(validation_alias="details")
    tags: list[str]
    tpm_limit: int | None
    rpm_limit: int | None
    max_parallel_requests: int | None
    allowed_routes: list[str]
    key_type: str
    blocked: bool = Field(validation_alias="is_blocked")
    status: str
    last_active: Timestamp | None = Field(validation_alias="last_used_at")
    last_rotation_at: Timestamp | None = Field(validation_alias="rotated_at")
    grace_ends_at: Timestamp | None
    created_at: Timestamp
    created_by: str | None
    updated_at: Timestamp
    updated_by: str | None
    id: str | None


class Revealed(Answer):
    """The one schema with a secret: `key` is shown in the answer that makes it and never again (S-14)."""

    key: str
    token: str | None
    token_id: str | None = None
    key_name: str | None
    key_alias: str | None
    expires: Timestamp | None
    duration: str | None = None
    allowed_routes: list[str] = []
    key_type: str | None = None
    tags: list[str] = []
    created_by: str | None = None
    updated_by: str | None = None


class KeyGenerated(KeyAnswer, Revealed):
    """`POST /key/generate`, `/key/regenerate`."""


class KeyInfo(Answer):
    """`GET /key/info`: `key` is the hash, never the secret."""

    key: str
    info: KeyAnswer


class KeyUpdated(KeyAnswer):
    """`POST /key/update`, `/key/block`, `/key/unblock`, `/key/grace/end`."""

    key: str = Field(validation_alias="token")


class KeysInfo(Answer):
    """`POST /v2/key/info`: `key` is what was sent, secrets as hashes; `info` the rows within the caller's sight."""

    key: list[str]
    info: list[KeyAnswer]


class KeyAliases(Answer):
    """`GET /key/aliases`."""

    aliases: list[str]
    total_count: int
    current_page: int
    total_pages: int
    size: int


class KeyHealth(Answer):
    """`POST /key/health`: the key that asks got this far, so it works."""

    key: Literal["healthy"] = "healthy"
    logging_callbacks: None = None


class KeysDeleted(Answer):
    """`POST /key/delete`."""

    deleted_keys: list[str]
    not_found: list[str] = []


class KeyList(Answer):
    """`GET /key/list`."""

    keys: list[str] | list[KeyAnswer]
    total_count: int
    current_page: int
    total_pages: int
