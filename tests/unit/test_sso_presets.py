"""What the vendors publish about themselves, shortened: every preset reads it and knows how to ask there."""

import math

import pytest

from selfserve.sso import metadata
from selfserve.sso.metadata import endpoints_of
from selfserve.sso.providers import load_providers
from tests.application import the_settings

TENANT = "8f1c2a34-0000-4000-8000-000000000000"
ENTRA = f"https://login.microsoftonline.com/{TENANT}"
OKTA = "https://acme.okta.com/oauth2/default"
KEYCLOAK = "https://login.example.com/realms/main"
BOTH = ["client_secret_post", "client_secret_basic"]
OURS = {"generic_client_id": "selfserve", "generic_client_secret": "s"}

GOOGLE = {
    "issuer": "https://accounts.google.com",
    "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
    "token_endpoint": "https://oauth2.googleapis.com/token",
    "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
    "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
    "token_endpoint_auth_methods_supported": BOTH,
}
MICROSOFT = {
    "issuer": f"{ENTRA}/v2.0",
    "authorization_endpoint": f"{ENTRA}/oauth2/v2.0/authorize",
    "token_endpoint": f"{ENTRA}/oauth2/v2.0/token",
    "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
    "jwks_uri": f"{ENTRA}/discovery/v2.0/keys",
    "end_session_endpoint": f"{ENTRA}/oauth2/v2.0/logout",
    "token_endpoint_auth_methods_supported": [*BOTH, "private_key_jwt"],
}
AT_OKTA = {
    "issuer": OKTA,
    "authorization_endpoint": f"{OKTA}/v1/authorize",
    "token_endpoint": f"{OKTA}/v1/token",
    "userinfo_endpoint": f"{OKTA}/v1/userinfo",
    "jwks_uri": f"{OKTA}/v1/keys",
    "end_session_endpoint": f"{OKTA}/v1/logout",
    "token_endpoint_auth_methods_supported": [*BOTH, "client_secret_jwt", "private_key_jwt", "none"],
}
AT_KEYCLOAK = {
    "issuer": KEYCLOAK,
    "authorization_endpoint": f"{KEYCLOAK}/protocol/openid-connect/auth",
    "token_endpoint": f"{KEYCLOAK}/protocol/openid-connect/token",
    "userinfo_endpoint": f"{KEYCLOAK}/protocol/openid-connect/userinfo",
    "jwks_uri": f"{KEYCLOAK}/protocol/openid-connect/certs",
    "end_session_endpoint": f"{KEYCLOAK}/protocol/openid-connect/logout",
    "token_endpoint_auth_methods_supported": ["private_key_jwt", *BOTH, "tls_client_auth"],
    "prompt_values_supported": ["none", "login", "consent"],
}


@pytest.mark.parametrize(
    ("settings", "document", "prompt"),
    [
        ({"google_client_id": "g", "google_client_secret": "s"}, GOOGLE, "select_account"),
        (
            {"microsoft_client_id": "m", "microsoft_client_secret": "s", "microsoft_tenant": TENANT.upper()},
            MICROSOFT,
            "select_account",
        ),
        (OURS | {"selfserve_sso_issuer": OKTA}, AT_OKTA, "login"),
        (OURS | {"selfserve_sso_issuer": f"{KEYCLOAK}/"}, AT_KEYCLOAK, "login"),
        (
            OURS | {"selfserve_sso_issuer": KEYCLOAK},
            AT_KEYCLOAK | {"prompt_values_supported": ["select_account"]},
            "select_account",
        ),
    ],
    ids=["Google", "Entra", "Okta", "Keycloak", "one that lets people choose"],
)
def test_a_preset_reads_what_its_vendor_publishes(settings, document, prompt, monkeypatch):
    (provider,) = load_providers(the_settings(**settings)).values()
    assert provider.vouches_as(document["issuer"])
    monkeypatch.setitem(metadata._kept, provider.issuer, (math.inf, document))
    found = endpoints_of(provider)
    assert (found.authorization, found.token) == (document["authorization_endpoint"], document["token_endpoint"])
    assert (found.userinfo, found.keys) == (document["userinfo_endpoint"], document["jwks_uri"])
    assert (found.issuer, found.logout) == (document["issuer"], document.get("end_session_endpoint", ""))
    assert provider.can_sign_out == bool(found.logout)
    assert (found.takes_basic, found.prompt) == (True, prompt)


def test_github_publishes_nothing_and_wants_the_secret_in_the_form():
    (provider,) = load_providers(the_settings(github_client_id="g", github_client_secret="s")).values()
    found = endpoints_of(provider)
    assert found.authorization == "https://github.com/login/oauth/authorize"
    assert found.token == "https://github.com/login/oauth/access_token"
    assert (found.userinfo, found.takes_basic, found.logout) == ("https://api.github.com/user", False, "")
    assert {"read:user", "user:email"} == set(provider.scope.split())
