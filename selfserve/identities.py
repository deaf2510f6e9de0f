"""Who an identity provider says that somebody is, and what the house makes of it."""

from dataclasses import dataclass
from datetime import datetime

from selfserve.permissions import Role


@dataclass(frozen=True)
class Identity:
    """A person as a provider vouches for them, after everything that it said was checked."""

    provider: str
    label: str
    issuer: str
    subject: str
    email: str | None = None
    is_verified: bool = False
    """Whether the address is theirs: the provider says so, or is trusted by a setting."""
    is_hosted: bool = True
    """Whether its domain is in the provider's care; else that somebody once verified it says little (Google)."""
    name: str | None = None
    role: Role | None = None
    """The highest role that the claims give."""
    owns_role: bool = False
    """Whether the provider decides about roles: then one that the claims do not give is taken away (S-25)."""
    proved_at: datetime | None = None
    """When they proved to the provider who they are, where it says so: it may have let them in since unasked."""
    must_say_when: bool = False
    """Whether it says so whenever it is asked to ask them anew; then silence means that it was not asked."""


@dataclass(frozen=True)
class Rules:
    """Whom the settings let in."""

    domains: frozenset[str] = frozenset()
    creates: bool = False
    default_role: Role = Role.INTERNAL_USER


@dataclass(frozen=True)
class Began:
    """A sign-in on its way to a provider and back."""

    state: str
    nonce: str
    verifier: str
    """PKCE, RFC 7636."""
    next_path: str | None = None
    session_hash: str | None = None
    """The session that it is about, where nobody is to be signed in: its person proves who they are, or links."""
    user_pk: str | None = None
    """Who links their account to the provider; nobody where it is about proof."""
    began_at: datetime | None = None

    @property
    def provider(self) -> str:
        """The name of the provider it went to."""
        return self.state.partition(".")[0]
