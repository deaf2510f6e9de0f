"""What is told about single sign-on, in the documented words."""

from pydantic import Field

from selfserve.schemas.fields import Answer


class SsoReadiness(Answer):
    """`GET /sso/readiness`."""

    status: str
    sso_configured: bool
    provider: str | None = Field(None, description="The first provider that is set up.")
    message: str


class UiSettings(Answer):
    """`GET /sso/get/ui_settings`."""

    PROXY_BASE_URL: str
    PROXY_LOGOUT_URL: str | None
    LITELLM_UI_API_DOC_BASE_URL: str | None = None
    DEFAULT_TEAM_DISABLED: bool = False
    SSO_ENABLED: bool
    NUM_SPEND_LOGS_ROWS: int = -1
    DISABLE_EXPENSIVE_DB_QUERIES: bool = False


class UiConfig(Answer):
    """`GET /.well-known/litellm-ui-config`."""

    server_root_path: str
    proxy_base_url: str
    auto_redirect_to_sso: bool = False
    admin_ui_disabled: bool = False
    sso_configured: bool
    hide_default_credentials_hint: bool = True
    is_control_plane: bool = False
    mcp_stdio_enabled: bool = False
    workers: list[str] = []
