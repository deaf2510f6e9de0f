"""Settings of single sign-on: half a provider, an open door and nonsense stop the start with a sentence."""

import pytest
from pydantic import ValidationError

from selfserve.config.sso import SsoSettings
from selfserve.permissions import Role
from selfserve.sso.providers import load_providers
from tests.application import the_settings

GENERIC = {"generic_client_id": "selfserve", "selfserve_sso_issuer": "https://login.example.com"}
GOOGLE = {"google_client_id": "g", "google_client_secret": "g"}
ENTRA = {"microsoft_client_id": "m", "microsoft_client_secret": "m"}
TENANT = "8F1C2A34-0000-4000-8000-000000000000"


def load(**values):
    return SsoSettings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"generic_client_id": "x"}, "GENERIC_CLIENT_ID goes with SELFSERVE_SSO_ISSUER"),
        ({"selfserve_sso_issuer": "https://login.example.com"}, "GENERIC_CLIENT_ID goes with"),
        ({"generic_client_id": "x", "generic_token_endpoint": "https://login.example.com/token"}, "goes with"),
        ({"generic_token_endpoint": "https://login.example.com/token"}, "one without the other is no provider"),
        (GENERIC | {"selfserve_sso_issuer": "http://login.example.com"}, "must begin with `https://`"),
        (GENERIC | {"selfserve_sso_issuer": "http://127.evil.example"}, "must begin with `https://`"),
        (GENERIC | {"selfserve_sso_issuer": "login.example.com"}, "must be an address"),
        ({"google_client_id": "g"}, "GOOGLE_CLIENT_SECRET is not set, and the rest of Google is"),
        ({"github_client_secret": "g"}, "GITHUB_CLIENT_ID is not set"),
        (ENTRA, "MICROSOFT_TENANT is not set"),
        (ENTRA | {"microsoft_tenant": "common"}, "`common` lets in every other one"),
        (ENTRA | {"microsoft_tenant": "organizations"}, "must be the id of your tenant"),
        ({"selfserve_sso_only": True}, "SELFSERVE_SSO_ONLY needs a provider"),
        (GOOGLE | {"selfserve_sso_create_users": True}, "lets everybody with a Google or GitHub account in"),
        ({"allowed_email_domains": "*.example.com"}, "without wildcards"),
        ({"allowed_email_domains": "mia@example.com"}, "must be domains"),
        ({"allowed_email_domains": "example.com,foo"}, "must be domains"),
        ({"selfserve_sso_trusted_emails": "google"}, "the others say it themselves"),
        ({"generic_role_mappings_roles": "admins"}, "must map roles to lists of groups"),
        ({"generic_role_mappings_roles": '{"root": ["x"]}'}, "must map roles"),
        ({"generic_role_mappings_roles": '{"proxy_admin": "x"}'}, "must map roles"),
        ({"generic_role_mappings_roles": '{"proxy_admin": [""]}'}, "must map roles"),
        ({"generic_role_mappings_roles": "__import__('os').getcwd()"}, "must map roles"),
        ({"generic_role_mappings_default_role": "proxy_admin"}, "must be `internal_user`"),
        ({"generic_role_mappings_default_role": "proxy_admin_viewer"}, "must be `internal_user`"),
    ],
)
def test_nonsense_and_open_doors_are_refused_with_the_mend(values, sentence):
    """S-21, S-25, S-40."""
    with pytest.raises(ValidationError, match=sentence.replace("*", r"\*")):
        load(**values)


def test_what_is_whole_is_a_provider_and_the_words_are_read_as_they_are_compared():
    settings = load(
        **GENERIC, **GOOGLE, **ENTRA, microsoft_tenant=TENANT, allowed_email_domains=" Example.com, @acme.example ",
        selfserve_sso_create_users=True, selfserve_sso_only=True, selfserve_sso_trusted_emails="microsoft",
    )  # fmt: skip
    assert settings.allowed_domains == {"example.com", "acme.example"}
    assert settings.microsoft_tenant == TENANT.lower()
    assert settings.trusted_emails == {"microsoft"}
    assert settings.has_provider


@pytest.mark.parametrize("written", ['{"proxy_admin": ["a", "b"]}', "{'proxy_admin': ['a', 'b']}"])
def test_a_mapping_is_read_as_json_and_as_it_is_documented(written):
    assert load(generic_role_mappings_roles=written).role_mapping == {Role.PROXY_ADMIN: {"a", "b"}}


def test_each_provider_asks_for_what_it_knows(app):
    """Trust and roles stand with the providers they are set for, and no secret is in what is printed."""
    settings = the_settings(
        **GENERIC, **GOOGLE, **ENTRA, microsoft_tenant=TENANT, selfserve_sso_trusted_emails="microsoft",
        generic_client_secret="of-the-house", generic_user_role_attribute="roles", selfserve_organization="Acme",
    )  # fmt: skip
    providers = load_providers(settings)
    assert [(name, one.label, one.trusts_email, one.owns_role) for name, one in providers.items()] == [
        ("generic", "Acme SSO", False, True), ("google", "Google", False, False),
        ("microsoft", "Microsoft", True, True)]  # fmt: skip
    assert providers["microsoft"].claims.emails == ("email", "preferred_username")
    assert "of-the-house" not in repr(providers)
