"""The settings of single sign-on: which identity providers there are, and whom they let in as what."""

import ast
import json
import re
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from selfserve.config.urls import checked_http_address, is_loopback
from selfserve.identities import Rules
from selfserve.permissions import Role

TRUSTABLE = ("generic", "microsoft")
"""Providers that may leave it unsaid whether an address is verified."""
_ENDPOINTS = ("generic_authorization_endpoint", "generic_token_endpoint", "generic_userinfo_endpoint")
_CHANGEABLE = ("", "email", "mail", "preferred_username", "upn", "unique_name", "username", "login", "name", "nickname")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class SsoSettings(BaseSettings):
    """What signing in through an identity provider needs."""

    selfserve_sso_issuer: str = Field(
        "", description="Your OpenID Connect provider (Okta, Keycloak ...); its endpoints and keys are read there."
    )
    selfserve_sso_name: str = Field("", max_length=40, description="What its button says after `Continue with`.")
    selfserve_sso_only: bool = Field(False, description="Whether passwords are hidden and refused.")
    selfserve_sso_create_users: bool = Field(
        False, description="Whether people who were not invited get an account at their first sign-in."
    )
    selfserve_sso_trusted_emails: str = Field(
        "", description="Providers whose addresses count as verified when they do not say: `microsoft`, `generic`."
    )
    allowed_email_domains: str = Field(
        "", description="Domains whose addresses may sign in through a provider, exactly, with commas; empty: all."
    )
    google_client_id: str = Field("", description="Google: the client id.")
    google_client_secret: SecretStr = Field(SecretStr(""), description="Google: the client secret.")
    microsoft_client_id: str = Field("", description="Microsoft Entra: the application id.")
    microsoft_client_secret: SecretStr = Field(SecretStr(""), description="Microsoft Entra: the client secret.")
    microsoft_tenant: str = Field("", description="Microsoft Entra: the id of your own tenant.")
    github_client_id: str = Field("", description="GitHub: the client id of an OAuth app.")
    github_client_secret: SecretStr = Field(SecretStr(""), description="GitHub: its client secret.")
    generic_client_id: str = Field("", description="Any other provider: the client id.")
    generic_client_secret: SecretStr = Field(SecretStr(""), description="Any other provider: the client secret.")
    generic_authorization_endpoint: str = Field(
        "", max_length=255, description="Where people are sent to sign in, when it is not discovered."
    )
    generic_token_endpoint: str = Field("", description="Where codes are exchanged, when it is not discovered.")
    generic_userinfo_endpoint: str = Field("", description="Where claims are asked for, when it is not discovered.")
    generic_scope: str = Field("openid email profile", description="What is asked for.")
    generic_user_id_attribute: str = Field("sub", description="The claim that never changes for a person.")
    generic_user_email_attribute: str = Field("email", description="The claim with the address.")
    generic_user_display_name_attribute: str = Field("name", description="The claim with the name.")
    generic_user_first_name_attribute: str = Field("given_name", description="The claim with the first name.")
    generic_user_last_name_attribute: str = Field("family_name", description="The claim with the last name.")
    generic_user_role_attribute: str = Field(
        "", description="The claim with documented role words (`a.b` looks inside); empty: none is read."
    )
    generic_role_mappings_roles: str = Field(
        "", description='Groups that give a role, such as `{"proxy_admin": ["llm-admins"]}`.'
    )
    generic_role_mappings_group_claim: str = Field("groups", description="The claim with the groups.")
    generic_role_mappings_default_role: Role = Field(
        Role.INTERNAL_USER, description="The role of new people, and of those to whom no claim gives one."
    )

    @field_validator("selfserve_sso_issuer", *_ENDPOINTS)
    @classmethod
    def _provider_is_safe(cls, url: str) -> str:
        """Want https: what a provider says over plain http anybody on the way can say."""
        url = url.strip() if checked_http_address(url) else ""
        if url and not url.startswith("https://") and not is_loopback(url):
            raise ValueError("must begin with `https://` (`http://` only on this machine).")
        return url

    @field_validator("generic_user_id_attribute")
    @classmethod
    def _subject_never_changes(cls, claim: str) -> str:
        """Refuse claims that people or admins of the provider can change: they would open somebody else's account."""
        if claim.strip().rpartition(".")[2].lower() in _CHANGEABLE:
            raise ValueError("must name a claim that never changes and is never given again, such as `sub`.")
        return claim.strip()

    @field_validator("microsoft_tenant")
    @classmethod
    def _tenant_is_one(cls, tenant: str) -> str:
        """Want one tenant by its id: `common` lets in whoever makes a tenant and writes any address into it."""
        if tenant and not _GUID.fullmatch(tenant.strip()):
            raise ValueError("must be the id of your tenant, as `8f1c2a34-...`; `common` lets in every other one.")
        return tenant.strip().lower()

    @field_validator("allowed_email_domains")
    @classmethod
    def _domains_are_domains(cls, domains: str) -> str:
        """Write domains as they are compared."""
        listed = [domain.lower().removeprefix("@") for domain in _listed(domains)]
        if not all(re.fullmatch(r"[^\s@*/.]+(\.[^\s@*/.]+)+", domain) for domain in listed):
            raise ValueError("must be domains such as `example.com,example.org`, without wildcards.")
        return ",".join(listed)

    @field_validator("selfserve_sso_trusted_emails")
    @classmethod
    def _trusted_are_known(cls, names: str) -> str:
        """Accept the names of providers that may be trusted."""
        if not set(_listed(names)) <= set(TRUSTABLE):
            raise ValueError(
                f"may name {' and '.join(f'`{name}`' for name in TRUSTABLE)}; the others say it themselves."
            )
        return ",".join(_listed(names))

    @field_validator("generic_role_mappings_roles")
    @classmethod
    def _roles_are_mapped(cls, written: str) -> str:
        """Refuse what is no mapping of roles to groups."""
        _read_mapping(written)
        return written

    @field_validator("generic_role_mappings_default_role")
    @classmethod
    def _nobody_is_admin_by_default(cls, role: Role) -> Role:
        """Let no role that sees others' things be given by default."""
        if role not in (Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER):
            raise ValueError("must be `internal_user` or `internal_user_viewer`.")
        return role

    @model_validator(mode="after")
    def _providers_are_whole(self) -> Self:
        """Refuse half a provider, and open doors that nobody means."""
        for name, needs in (("google", ()), ("microsoft", ("microsoft_tenant",)), ("github", ())):
            self._check_whole(name, needs)
        self._check_generic()
        if self.selfserve_sso_only and not self.has_provider:
            raise ValueError("SELFSERVE_SSO_ONLY needs a provider, or nobody can sign in.")
        if self.selfserve_sso_create_users and (self.google_client_id or self.github_client_id):
            self._check_domains()
        return self

    def _check_whole(self, name: str, needs: tuple[str, ...]) -> None:
        """Want all that belongs to a preset, or nothing."""
        parts = [f"{name}_client_id", f"{name}_client_secret", *needs]
        missing = [part.upper() for part in parts if not _is_set(getattr(self, part))]
        if missing and len(missing) < len(parts):
            raise ValueError(f"{missing[0]} is not set, and the rest of {name.title()} is.")

    def _check_generic(self) -> None:
        """Want a client id, and either an issuer or the three endpoints."""
        endpoints = [name for name in _ENDPOINTS if getattr(self, name)]
        has_place = bool(self.selfserve_sso_issuer) or len(endpoints) == len(_ENDPOINTS)
        if bool(self.generic_client_id) == has_place and not (endpoints and not has_place):
            return
        raise ValueError(
            "GENERIC_CLIENT_ID goes with SELFSERVE_SSO_ISSUER, or else with GENERIC_AUTHORIZATION_ENDPOINT, "
            "GENERIC_TOKEN_ENDPOINT and GENERIC_USERINFO_ENDPOINT; one without the other is no provider."
        )

    def _check_domains(self) -> None:
        """Want domains where a provider vouches for everybody in the world."""
        if not self.allowed_email_domains:
            raise ValueError(
                "SELFSERVE_SSO_CREATE_USERS lets everybody with a Google or GitHub account in: set "
                "ALLOWED_EMAIL_DOMAINS to yours."
            )

    @property
    def has_provider(self) -> bool:
        """Whether anybody can sign in through a provider."""
        return any((self.google_client_id, self.microsoft_client_id, self.github_client_id, self.generic_client_id))

    @property
    def allowed_domains(self) -> frozenset[str]:
        """The domains whose addresses may sign in, none for all."""
        return frozenset(_listed(self.allowed_email_domains))

    @property
    def trusted_emails(self) -> frozenset[str]:
        """The providers whose addresses count as verified when they do not say."""
        return frozenset(_listed(self.selfserve_sso_trusted_emails))

    @property
    def sso_rules(self) -> Rules:
        """Whom a provider may let in, and as what."""
        return Rules(self.allowed_domains, self.selfserve_sso_create_users, self.generic_role_mappings_default_role)

    @property
    def role_mapping(self) -> dict[Role, frozenset[str]]:
        """The groups that give each role."""
        return _read_mapping(self.generic_role_mappings_roles)


def _listed(words: str) -> list[str]:
    """Read words between commas."""
    return [word.strip() for word in words.split(",") if word.strip()]


def _is_set(value: str | SecretStr) -> bool:
    """Tell whether a setting says anything."""
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _read_mapping(written: str) -> dict[Role, frozenset[str]]:
    """Read roles and their groups, as JSON or as the Python literal of LiteLLM's documentation.

    Raises ValueError with the mend.
    """
    if not written.strip():
        return {}
    try:
        found = _literal(written)
        return {Role(role): frozenset(_names(groups)) for role, groups in found.items()}
    except (ValueError, TypeError, AttributeError, SyntaxError, RecursionError, MemoryError):
        raise ValueError('must map roles to lists of groups, as `{"proxy_admin": ["llm-admins"]}`.') from None


def _literal(written: str) -> Any:
    """Read JSON, or else a literal."""
    try:
        return json.loads(written)
    except ValueError:
        return ast.literal_eval(written)


def _names(groups: Any) -> list[str]:
    """Want a list of names. Raises ValueError."""
    if not isinstance(groups, list) or not all(isinstance(group, str) and group for group in groups):
        raise ValueError("no list of names")
    return groups
