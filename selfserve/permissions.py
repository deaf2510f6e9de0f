"""The whole law on one page: who may do what, and to whose things.

`POLICY` is read by three: `@requires(permission)` asks whether a role holds a permission at all, services ask
`allows(actor, permission, owner_id)` about the very object, templates ask the same to decide whether to show a control.
Whatever is not in the table is refused.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

MASTER_USER_ID = "default_user_id"
"""The reserved user that the master key acts as, as documented by LiteLLM."""


class Role(StrEnum):
    """The four documented roles; the values are the wire words."""

    PROXY_ADMIN = "proxy_admin"
    PROXY_ADMIN_VIEWER = "proxy_admin_viewer"
    INTERNAL_USER = "internal_user"
    INTERNAL_USER_VIEWER = "internal_user_viewer"

    @classmethod
    def _missing_(cls, value: object) -> "Role | None":
        """Accept the spelling that LiteLLM's code and CSV files use beside the documented one."""
        return (
            cls(value.replace("_view_only", "_viewer"))
            if "_view_only" in str(value) and isinstance(value, str)
            else None
        )

    @property
    def label(self) -> str:
        """The role in the words of the pages."""
        return _WORDS[self][0]

    @property
    def summary(self) -> str:
        """What the role is for, in one short sentence."""
        return _WORDS[self][1]


_WORDS = {
    Role.PROXY_ADMIN: ("Proxy admin", "Manages users, keys and spend of everyone."),
    Role.PROXY_ADMIN_VIEWER: ("Admin viewer", "Sees everything an admin sees and changes nothing."),
    Role.INTERNAL_USER: ("Internal user", "Creates and manages their own keys."),
    Role.INTERNAL_USER_VIEWER: ("Internal viewer", "Sees their own keys and spend and changes nothing."),
}


class Permission(StrEnum):
    """Everything that can be permitted, named noun first."""

    ACCOUNT_READ = "account:read"
    ACCOUNT_PASSWORD = "account:password"
    ACCOUNT_APPEARANCE = "account:appearance"
    SESSION_READ = "session:read"
    SESSION_END = "session:end"
    ACTIVITY_READ = "activity:read"
    KEY_CREATE = "key:create"
    KEY_READ = "key:read"
    KEY_UPDATE = "key:update"
    KEY_ROTATE = "key:rotate"
    KEY_BLOCK = "key:block"
    KEY_DELETE = "key:delete"
    KEY_OVERSEE = "key:oversee"
    SPEND_READ = "spend:read"
    MODEL_CALL = "model:call"
    MODEL_LIST = "model:list"
    USER_READ = "user:read"
    USER_LIST = "user:list"
    USER_CREATE = "user:create"
    USER_UPDATE = "user:update"
    USER_DELETE = "user:delete"
    USER_RESET = "user:reset"
    INVITATION_READ = "invitation:read"
    INVITATION_CREATE = "invitation:create"
    INVITATION_UPDATE = "invitation:update"
    INVITATION_DELETE = "invitation:delete"
    ROLE_LIST = "role:list"
    SETTINGS_READ = "settings:read"
    SETTINGS_UPDATE = "settings:update"
    AUDIT_READ = "audit:read"

    @property
    def is_read(self) -> bool:
        """Whether it only looks."""
        return self.rpartition(":")[2] in ("read", "list", "oversee")

    @property
    def outlives_rotation(self) -> bool:
        """Whether a secret that was rotated still holds it while its grace lasts."""
        return self.is_read or self is Permission.MODEL_CALL

    @property
    def sentence(self) -> str:
        """The permission in plain words, for the table of rights and for refusals."""
        return _SENTENCES[self]


_SENTENCES = {
    Permission.ACCOUNT_READ: "sign in and open the own account",
    Permission.ACCOUNT_PASSWORD: "change the own password",
    Permission.ACCOUNT_APPEARANCE: "choose how the pages look",
    Permission.SESSION_READ: "view sessions",
    Permission.SESSION_END: "sign sessions out",
    Permission.ACTIVITY_READ: "view activity",
    Permission.KEY_CREATE: "create keys",
    Permission.KEY_READ: "view keys",
    Permission.KEY_UPDATE: "change keys",
    Permission.KEY_ROTATE: "rotate keys",
    Permission.KEY_BLOCK: "block and unblock keys",
    Permission.KEY_DELETE: "delete keys and undo it",
    Permission.KEY_OVERSEE: "open the list of all keys",
    Permission.SPEND_READ: "view spend",
    Permission.MODEL_CALL: "call models with a key",
    Permission.MODEL_LIST: "list the models they may call",
    Permission.USER_READ: "view a user",
    Permission.USER_LIST: "list users",
    Permission.USER_CREATE: "create users",
    Permission.USER_UPDATE: "change users: role, budget, block and unblock",
    Permission.USER_DELETE: "delete users",
    Permission.USER_RESET: "make password reset links for users",
    Permission.INVITATION_READ: "view invitations",
    Permission.INVITATION_CREATE: "invite users",
    Permission.INVITATION_UPDATE: "end invitations",
    Permission.INVITATION_DELETE: "delete invitations",
    Permission.ROLE_LIST: "list the roles",
    Permission.SETTINGS_READ: "view settings and prices",
    Permission.SETTINGS_UPDATE: "change prices, test upstreams and mail",
    Permission.AUDIT_READ: "open the audit log",
}


class Reach(StrEnum):
    """How far a permission goes."""

    OWN = auto()
    ANYONES = auto()


_OWN_READS = {
    Permission.ACCOUNT_READ: Reach.OWN,
    Permission.ACCOUNT_PASSWORD: Reach.OWN,
    Permission.ACCOUNT_APPEARANCE: Reach.OWN,
    Permission.SESSION_READ: Reach.OWN,
    Permission.SESSION_END: Reach.OWN,
    Permission.ACTIVITY_READ: Reach.OWN,
    Permission.KEY_READ: Reach.OWN,
    Permission.SPEND_READ: Reach.OWN,
    Permission.MODEL_CALL: Reach.OWN,
    Permission.MODEL_LIST: Reach.OWN,
    Permission.USER_READ: Reach.OWN,
    Permission.ROLE_LIST: Reach.ANYONES,
}
_ADMIN_READS = _OWN_READS | {
    Permission.SESSION_READ: Reach.ANYONES,
    Permission.ACTIVITY_READ: Reach.ANYONES,
    Permission.KEY_READ: Reach.ANYONES,
    Permission.KEY_OVERSEE: Reach.ANYONES,
    Permission.SPEND_READ: Reach.ANYONES,
    Permission.USER_READ: Reach.ANYONES,
    Permission.USER_LIST: Reach.ANYONES,
    Permission.INVITATION_READ: Reach.ANYONES,
    Permission.SETTINGS_READ: Reach.ANYONES,
    Permission.AUDIT_READ: Reach.ANYONES,
}

POLICY: dict[Role, dict[Permission, Reach]] = {
    Role.INTERNAL_USER_VIEWER: _OWN_READS,
    Role.INTERNAL_USER: _OWN_READS
    | {
        Permission.KEY_CREATE: Reach.OWN,
        Permission.KEY_UPDATE: Reach.OWN,
        Permission.KEY_ROTATE: Reach.OWN,
        Permission.KEY_BLOCK: Reach.OWN,
        Permission.KEY_DELETE: Reach.OWN,
    },
    Role.PROXY_ADMIN_VIEWER: _ADMIN_READS,
    Role.PROXY_ADMIN: _ADMIN_READS
    | {
        Permission.KEY_CREATE: Reach.ANYONES,
        Permission.KEY_UPDATE: Reach.ANYONES,
        Permission.KEY_ROTATE: Reach.ANYONES,
        Permission.KEY_BLOCK: Reach.ANYONES,
        Permission.KEY_DELETE: Reach.ANYONES,
        Permission.SESSION_END: Reach.ANYONES,
        Permission.USER_CREATE: Reach.ANYONES,
        Permission.USER_UPDATE: Reach.ANYONES,
        Permission.USER_DELETE: Reach.ANYONES,
        Permission.USER_RESET: Reach.ANYONES,
        Permission.INVITATION_CREATE: Reach.ANYONES,
        Permission.INVITATION_UPDATE: Reach.ANYONES,
        Permission.INVITATION_DELETE: Reach.ANYONES,
        Permission.SETTINGS_UPDATE: Reach.ANYONES,
    },
}

ADMIN_ONLY_KEY_FIELDS = ("key", "spend", "allowed_routes", "permissions")
"""Documented fields of a key that only `proxy_admin` may set (S-5, S-17)."""


@dataclass(frozen=True)
class Limits:
    """What a key may do at most; None or empty means no limit of its own."""

    models: Collection[str] = ()
    max_budget: int | None = None
    budget_duration: str | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    max_parallel_requests: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class KeyGrant:
    """The key somebody came with: what it makes may never exceed it."""

    id: str
    token_hash: str
    limits: Limits
    allowed_routes: tuple[str, ...] = ()
    key_type: str = "default"
    former_hash: str | None = None
    """The hash of the secret that was sent, where it is not the key's own any more but in its grace."""
    row: Any = field(default=None, repr=False, compare=False)
    """The key as it was read when it was recognised, so that nobody need read it again."""


@dataclass(frozen=True)
class Client:
    """Where a request comes from, whoever sends it."""

    source: str = "system"
    address: str | None = None
    request_id: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True)
class Actor:
    """Who is asking, as a plain value: the person, the door they came through and the key they hold."""

    id: str
    user_id: str
    role: Role
    email: str | None = None
    name: str = ""
    client: Client = field(default_factory=Client)
    key: KeyGrant | None = field(default=None, repr=False)
    is_proven: bool = True
    """Whether they proved lately who they are: a key does with every call, a session did at some time (S-39)."""


def reach(role: Role, permission: Permission) -> Reach | None:
    """Tell how far a role's permission goes, None where the role does not hold it."""
    return POLICY[role].get(permission)


def covers(models: Collection[str], model: str) -> bool:
    """Tell whether a list of models holds one: by name or by a beginning with `*`; an empty list holds all."""
    return not models or any(_matches(listed, model) for listed in models)


def allows(actor: Actor, permission: Permission, owner_id: str | None = None) -> bool:
    """Tell whether the actor may do this to something that belongs to `owner_id` (a user's row id)."""
    how_far = reach(actor.role, permission)
    return how_far is Reach.ANYONES or (how_far is Reach.OWN and owner_id in (None, actor.id))


def _matches(listed: str, model: str) -> bool:
    """Tell whether one entry of a list stands for a model; `all-proxy-models` is the documented word for each."""
    if listed.endswith("*"):
        return model.startswith(listed[:-1])
    return listed in (model, "all-proxy-models")
