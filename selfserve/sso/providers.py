"""The identity providers of the settings: presets, and any other by its issuer or its endpoints."""

from dataclasses import dataclass, field

from selfserve.config import Settings
from selfserve.permissions import Role

_GOOGLE = "https://accounts.google.com"
_GOOGLE_HOSTS = frozenset({"gmail.com", "googlemail.com"})
_MICROSOFT = "https://login.microsoftonline.com"
_GITHUB = "https://github.com"


@dataclass(frozen=True)
class ClaimNames:
    """Where in the claims stands what."""

    subject: str = "sub"
    emails: tuple[str, ...] = ("email",)
    """The first of these that is there."""
    name: str = "name"
    first_name: str = "given_name"
    last_name: str = "family_name"
    role: str = ""
    groups: str = ""


@dataclass(frozen=True)
class Provider:
    """One identity provider, and us as its client."""

    name: str
    """google, microsoft, github or generic."""
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    is_discovered: bool = True
    """Whether its issuer publishes endpoints and keys, and signs who signed in."""
    scope: str = "openid email profile"
    prompt: str = "select_account"
    """How to ask for another account, where it publishes nothing about that."""
    prompt_anew: str = "login"
    """How to ask somebody to prove who they are although they are signed in there."""
    may_be_silent: bool = False
    """Whether it lists `auth_time` and leaves it out all the same, unless somebody sets that up there (Entra)."""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    claims: ClaimNames = ClaimNames()
    trusts_email: bool = False
    hosts: frozenset[str] = frozenset()
    """Domains whose mailboxes are its own; where named, it must say of others that it hosts them (`hd`)."""
    role_mapping: dict[Role, frozenset[str]] = field(default_factory=dict, hash=False)

    @property
    def owns_role(self) -> bool:
        """Whether its claims decide about roles."""
        return bool(self.claims.role or self.role_mapping)

    @property
    def can_sign_out(self) -> bool:
        """Whether it may have an address to sign out at; Google publishes none."""
        return self.is_discovered and self.name != "google"

    def vouches_as(self, issuer: str | None) -> bool:
        """Tell whether an issuer, as it writes itself, is this one."""
        return issuer is not None and issuer.rstrip("/") == self.issuer.rstrip("/")

    @property
    def icon(self) -> str:
        """Its picture on the button."""
        return "building" if self.name == "generic" else self.name


def load_providers(settings: Settings) -> dict[str, Provider]:
    """Give the providers that are set up, in the order of their buttons."""
    makers = {"generic": _generic, "google": _google, "microsoft": _microsoft, "github": _github}
    return {name: make(settings) for name, make in makers.items() if getattr(settings, f"{name}_client_id")}


def _generic(settings: Settings) -> Provider:
    """Make the one that the settings describe themselves: Okta, Keycloak and any other."""
    issuer = settings.selfserve_sso_issuer
    fallback = f"{settings.selfserve_organization} SSO".strip() if settings.selfserve_organization else "single sign-on"
    return Provider(
        "generic",
        settings.selfserve_sso_name or fallback,
        issuer or settings.generic_authorization_endpoint.partition("?")[0],
        settings.generic_client_id,
        settings.generic_client_secret.get_secret_value(),
        is_discovered=bool(issuer),
        scope=settings.generic_scope,
        prompt="login",
        may_be_silent=issuer.startswith(f"{_MICROSOFT}/"),
        authorization_endpoint=settings.generic_authorization_endpoint,
        token_endpoint=settings.generic_token_endpoint,
        userinfo_endpoint=settings.generic_userinfo_endpoint,
        claims=_claims(settings, (settings.generic_user_email_attribute,)),
        trusts_email="generic" in settings.trusted_emails,
        role_mapping=settings.role_mapping,
    )


def _google(settings: Settings) -> Provider:
    """Make Google, which says itself whether an address is verified, also of those of domains that it knows not."""
    secret = settings.google_client_secret.get_secret_value()
    asked, here = "select_account", settings.google_client_id
    return Provider("google", "Google", _GOOGLE, here, secret, hosts=_GOOGLE_HOSTS, prompt_anew=asked)


def _microsoft(settings: Settings) -> Provider:
    """Make Microsoft Entra, for one tenant; whether an address is verified it leaves unsaid."""
    return Provider(
        "microsoft",
        "Microsoft",
        f"{_MICROSOFT}/{settings.microsoft_tenant}/v2.0",
        settings.microsoft_client_id,
        settings.microsoft_client_secret.get_secret_value(),
        claims=_claims(settings, ("email", "preferred_username"), subject="sub"),
        may_be_silent=True,
        trusts_email="microsoft" in settings.trusted_emails,
        role_mapping=settings.role_mapping,
    )


def _github(settings: Settings) -> Provider:
    """Make GitHub, which speaks OAuth 2 and tells the addresses apart."""
    return Provider(
        "github",
        "GitHub",
        _GITHUB,
        settings.github_client_id,
        settings.github_client_secret.get_secret_value(),
        is_discovered=False,
        scope="read:user user:email",
        prompt_anew="select_account",
        authorization_endpoint=f"{_GITHUB}/login/oauth/authorize",
        token_endpoint=f"{_GITHUB}/login/oauth/access_token",
        userinfo_endpoint="https://api.github.com/user",
        claims=ClaimNames(subject="id"),
    )


def _claims(settings: Settings, emails: tuple[str, ...], subject: str | None = None) -> ClaimNames:
    """Say where the settings look for what."""
    return ClaimNames(
        subject or settings.generic_user_id_attribute,
        emails,
        settings.generic_user_display_name_attribute,
        settings.generic_user_first_name_attribute,
        settings.generic_user_last_name_attribute,
        settings.generic_user_role_attribute,
        settings.generic_role_mappings_group_claim if settings.generic_role_mappings_roles else "",
    )
