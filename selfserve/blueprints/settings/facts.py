"""What is set in the environment, as the settings page tells it: no secret, only whether there is one."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from selfserve.config import GENERATED, Settings, stored_secret
from selfserve.config.mail import IMPLICIT_TLS
from selfserve.web.words import wait


@dataclass(frozen=True)
class Fact:
    """One setting in words, with the name of its variable and how that has to do with it."""

    label: str
    value: str
    variable: str
    source: str


def general_facts(settings: Settings) -> list[Fact]:
    """Tell what this portal is called, where it is and what it runs on."""
    is_postgresql = settings.resolved_database_url.startswith("postgresql")
    facts = [
        ("Organisation", settings.selfserve_organization or "Not set", "selfserve_organization"),
        ("Links point to", settings.address, "proxy_base_url"),
        ("Tools are pointed to", settings.gateway_url, "selfserve_gateway_url"),
        ("Help is given by", settings.email_support_contact or "Nobody yet", "email_support_contact"),
        ("Database", "PostgreSQL" if is_postgresql else "SQLite, in the data folder", "database_url"),
        (
            "A session ends",
            f"{settings.litellm_ui_session_duration} after the last click",
            "litellm_ui_session_duration",
        ),
        ("Master key", _set_or_not(settings.litellm_master_key), "litellm_master_key"),
        ("Secret key", _set_or_not(settings.selfserve_secret_key), "selfserve_secret_key"),
    ]
    return [_fact(settings, *fact) for fact in facts]


def sign_in_facts(settings: Settings) -> list[Fact]:
    """Tell whom a provider lets in, and as what."""
    decides = bool(settings.generic_user_role_attribute or settings.generic_role_mappings_roles)
    creates = "Get an account when they first sign in" if settings.selfserve_sso_create_users else "Refused"
    trusted = (
        " and ".join(name.title() for name in sorted(settings.trusted_emails)) or "Only who says that they are verified"
    )
    role = settings.generic_role_mappings_default_role.label
    by_whom = "The provider's claims" if decides else "Admins, here"
    facts = [
        ("People are sent back to", f"{settings.address}/sso/callback", "proxy_base_url"),
        ("Addresses of", ", ".join(sorted(settings.allowed_domains)) or "Every domain", "allowed_email_domains"),
        ("Who was not invited", creates, "selfserve_sso_create_users"),
        ("Role by default", role, "generic_role_mappings_default_role"),
        ("Roles are given by", by_whom, "generic_role_mappings_roles"),
        ("Believed about addresses", trusted, "selfserve_sso_trusted_emails"),
    ]
    return [_fact(settings, *fact) for fact in facts]


@dataclass(frozen=True)
class WayOut:
    """A way that messages leave by; without a host there is none."""

    host: str
    port: int = 0
    how: str = ""
    is_in_clear: bool = False
    facts: list[Fact] = field(default_factory=list)


def mail_facts(settings: Settings) -> WayOut:
    """Tell where mail goes and how it is signed."""
    how = " with STARTTLS" if settings.smtp_tls else " without encryption"
    if settings.smtp_port == IMPLICIT_TLS:
        how = " with TLS"
    facts = [
        ("From", settings.smtp_sender_email, "smtp_sender_email"),
        ("Links point to", settings.address, "proxy_base_url"),
        ("Signs in as", settings.smtp_username or "Nobody", "smtp_username"),
        ("Signature", settings.email_signature or "Ours", "email_signature"),
        ("Logo", settings.email_logo_url or "Ours", "email_logo_url"),
    ]
    told = [_fact(settings, *fact) for fact in facts]
    return WayOut(settings.smtp_host, settings.smtp_port, how, settings.is_mail_in_clear, told)


def alert_facts(settings: Settings) -> WayOut:
    """Tell where alerts go: the host alone, as the rest of the address is a secret."""
    return WayOut(urlsplit(settings.selfserve_alert_webhook.get_secret_value()).hostname or "")


def gateway_facts(settings: Settings) -> list[Fact]:
    """Tell how long a call may take and how large it may be."""
    first_byte = wait(settings.selfserve_upstream_first_byte)
    is_redis = bool(settings.redis_url.get_secret_value())
    facts = [
        ("A call takes at most", wait(settings.selfserve_upstream_timeout), "selfserve_upstream_timeout"),
        (
            "First byte of an answer",
            f"within {first_byte}",
            "selfserve_upstream_first_byte",
        ),
        ("Silence in a stream", f"at most {wait(settings.selfserve_upstream_idle)}", "selfserve_upstream_idle"),
        ("Body of a call", f"{settings.selfserve_call_megabytes} MB at most", "selfserve_call_megabytes"),
        ("Limits a minute", f"are counted in {'Redis' if is_redis else 'the database'}", "redis_url"),
    ]
    return [_fact(settings, *fact) for fact in facts]


def _fact(settings: Settings, label: str, value: str, name: str) -> Fact:
    """Make one fact."""
    return Fact(label, value, name.upper(), _source(settings, name))


def _source(settings: Settings, name: str) -> str:
    """Say where a value comes from: setup makes secrets, and `make run` tells its workers where it listens."""
    if name in GENERATED and stored_secret(name) == getattr(settings, name).get_secret_value():
        return "made by setup for"
    is_told = name == "proxy_base_url" and settings.proxy_base_url == settings.local_origin
    return "set by" if name in settings.model_fields_set and not is_told else "default of"


def _set_or_not(secret: SecretStr) -> str:
    """Say whether there is a secret, and nothing of it."""
    return "Set" if secret.get_secret_value() else "Not set"
