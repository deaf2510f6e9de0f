"""Single sign-on as clients of the documented API ask about it."""

from flask import Blueprint

from selfserve.errors import Unavailable
from selfserve.permissions import Permission
from selfserve.schemas.sso import SsoReadiness, UiConfig, UiSettings
from selfserve.sso.metadata import endpoints_of
from selfserve.web.guards import public, requires
from selfserve.web.links import providers, settings
from selfserve.web.render import raises, returns

api = Blueprint("sso_api", __name__)


@api.get("/sso/readiness")
@requires(Permission.SETTINGS_READ)
@returns(SsoReadiness)
@raises(Unavailable)
def readiness() -> SsoReadiness:
    """Say whether people can sign in through a provider; 503 when one that is set up does not answer."""
    names = list(providers())
    if not names:
        return SsoReadiness(status="healthy", sso_configured=False, message="No SSO provider configured")
    for provider in providers().values():
        endpoints_of(provider)
    said = ", ".join(provider.label for provider in providers().values())
    return SsoReadiness(
        status="healthy", sso_configured=True, provider=names[0], message=f"{said} is properly configured"
    )


@api.get("/sso/get/ui_settings")
@requires(Permission.ACCOUNT_READ)
@returns(UiSettings)
def ui_settings() -> UiSettings:
    """Say what a console needs to know of this portal."""
    here = settings()
    return UiSettings(
        PROXY_BASE_URL=_base(), PROXY_LOGOUT_URL=here.proxy_logout_url or None, SSO_ENABLED=bool(providers())
    )


@api.get("/.well-known/litellm-ui-config")
@api.get("/litellm/.well-known/litellm-ui-config", endpoint="ui_config_of_consoles")
@public
@returns(UiConfig)
def ui_config() -> UiConfig:
    """Say where this portal is and whether people can sign in through a provider; consoles ask either path."""
    here = settings()
    return UiConfig(server_root_path=here.server_root_path, proxy_base_url=_base(), sso_configured=bool(providers()))


def _base() -> str:
    """Give the address that the path prefix is put behind: clients join the two."""
    return settings().address.removesuffix(settings().server_root_path)
