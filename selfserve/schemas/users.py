"""Users on the wire: documented field names (LiteLLM's user management API)."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel, model_validator

from selfserve.permissions import Role
from selfserve.schemas.fields import (
    Answer,
    AnyRole,
    Command,
    Cursor,
    Dollars,
    DollarsOut,
    Duration,
    Flag,
    FormCommand,
    Limit,
    Names,
    OptionalEmail,
    OptionalText,
    Page,
    PageSize,
    Search,
    Text,
    Timestamp,
    Window,
    described_as,
    needs_one_of,
    wrong,
)
from selfserve.schemas.keys import KeyAnswer, Revealed
from selfserve.schemas.limits import LimitFields, NoTeams


def _people_set_their_own(value: Any) -> None:
    """Nobody sets another person's password."""
    if value is not None:
        raise wrong(
            "cannot be set here. Make an invitation with `/invitation/new`: people set their own through its link."
        )


NoPassword = Annotated[
    None,
    BeforeValidator(_people_set_their_own),
    described_as({"type": "null"}, says="People set their own, through an invitation."),
]


class UserFields(LimitFields):
    """What can be said of a user, when one is made or changed."""

    user_alias: OptionalText = None
    password: NoPassword = None
    teams: NoTeams = None


class UserCreate(UserFields):
    """`POST /user/new`, and the user half of an invitation in the browser."""

    user_id: OptionalText = None
    user_email: OptionalEmail = None
    user_role: AnyRole | None = None
    spend: Dollars = None
    auto_create_key: Flag | None = None
    key_alias: OptionalText = None
    duration: Duration = None
    send_invite_email: Flag | None = None

    @property
    def role(self) -> Role:
        """The role asked for; `internal_user` where none is."""
        return self.user_role or Role.INTERNAL_USER


class UserChange(UserFields):
    """What can be changed of a user: what is named is changed, an explicit null clears."""

    user_email: OptionalEmail = None
    user_role: AnyRole | None = None
    blocked: Flag | None = None
    must_change_password: Flag | None = None


class UserUpdate(UserChange):
    """`POST /user/update`: who is meant by `user_id`, else by `user_email`."""

    model_config = needs_one_of("user_id", "user_email")

    user_id: OptionalText = None

    @model_validator(mode="after")
    def _names_somebody(self) -> "UserUpdate":
        """Somebody must be meant."""
        if not self.user_id and not self.user_email:
            raise wrong("user_id or user_email is needed to say who is meant.")
        return self


class UserReset(Command):
    """`POST /user/reset_password`."""

    user_id: Text


class ResetMade(Answer):
    """`POST /user/reset_password`: the link works once, for an hour."""

    user_id: str
    user_email: str | None
    reset_link: str
    expires_at: Timestamp


class UserDelete(Command):
    """`POST /user/delete`."""

    user_ids: Annotated[list[Text], Field(min_length=1, max_length=500)]


class UserQuery(Command):
    """`GET /user/info` and `/v2/user/info`."""

    user_id: Text | None = None


class UserListQuery(Command):
    """`GET /user/list`."""

    role: AnyRole | None = None
    user_ids: Text | None = None
    user_email: Text | None = None
    search: Text | None = None
    page: Page = 1
    page_size: PageSize = 25
    sort_by: Literal["user_id", "user_email", "created_at", "spend", "user_alias", "user_role"] | None = None
    sort_order: Literal["asc", "desc"] = "asc"


class UserFilter(Command):
    """The filters of the users page, as they stand in its address; a deed `at` a person's page leads back there."""

    q: Search = None
    role: Annotated[Role | None, Field()] = None
    status: Literal["active", "invited", "blocked"] | None = None
    sort: Literal["created", "name", "seen"] | None = None
    dir: Literal["asc", "desc"] | None = None
    after: Cursor = None
    at: Literal["person"] | None = None


class InvitePeople(FormCommand):
    """The form that makes users and their links."""

    emails: Annotated[list[OptionalEmail], Field(min_length=1, max_length=100)]
    role: AnyRole = Role.INTERNAL_USER
    max_budget: Dollars = None
    budget_duration: Window = None
    send_email: Flag = False


class UserEdit(FormCommand):
    """The form that changes a user: all that it shows is set, an empty field clears."""

    user_alias: OptionalText = None
    user_email: OptionalEmail = None
    user_role: AnyRole
    max_budget: Dollars = None
    soft_budget: Dollars = None
    budget_duration: Window = None
    models: Names = []
    rpm_limit: Limit = None
    tpm_limit: Limit = None
    max_parallel_requests: Limit = None
    must_change_password: Flag = False
    shown: OptionalText = None


class RoleChange(FormCommand):
    """The role select of the users page."""

    role: AnyRole


class UserAnswer(Answer):
    """A user's row, documented fields first."""

    user_id: str
    user_email: str | None = Field(validation_alias="email")
    user_alias: str | None = Field(validation_alias="alias")
    user_role: Role = Field(validation_alias="role")
    spend: DollarsOut
    total_spend: DollarsOut
    max_budget: DollarsOut | None
    soft_budget: DollarsOut | None
    budget_duration: str | None
    budget_reset_at: Timestamp | None = Field(validation_alias="next_reset_at")
    models: list[str]
    metadata: dict[str, Any] = Field(validation_alias="details")
    tpm_limit: int | None
    rpm_limit: int | None
    max_parallel_requests: int | None
    blocked: bool = Field(validation_alias="is_blocked")
    must_change_password: bool
    teams: list[str] = []
    team_id: None = None
    organization_id: None = None
    sso_user_id: None = None
    created_at: Timestamp
    updated_at: Timestamp


class ListedUser(UserAnswer):
    """A user in a list."""

    key_count: int = 0


class UserInfo(Answer):
    """`GET /user/info`."""

    user_id: str
    user_info: UserAnswer
    keys: list[KeyAnswer]
    teams: list[str] = []


class UserList(Answer):
    """`GET /user/list`."""

    users: list[ListedUser]
    total: int
    page: int
    page_size: int
    total_pages: int


class UserNew(Revealed, UserAnswer):
    """`POST /user/new`: the user, and the key made with the account (`key` is empty when none was)."""

    key: str = ""
    token: str | None = None
    key_name: str | None = None
    key_alias: str | None = None
    expires: Timestamp | None = None


class UserUpdated(Answer):
    """`POST /user/update`."""

    user_id: str
    data: UserAnswer


class UsersDeleted(RootModel[int]):
    """`POST /user/delete`: how many."""


class RoleWords(Answer):
    """One role in words."""

    description: str
    ui_label: str


class Roles(RootModel[dict[Role, RoleWords]]):
    """`GET /user/available_roles`."""
