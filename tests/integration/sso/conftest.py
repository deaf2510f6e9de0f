"""The provider that vouches for people, and the portal that lets them in through it."""

import pytest

from selfserve.sso import keys, metadata
from selfserve.sso.providers import load_providers
from selfserve.ways_in import switch_passwords
from tests.application import the_settings
from tests.integration.sso.journeys import Door
from tests.provider import CLIENT_ID, CLIENT_SECRET, identity_provider


@pytest.fixture(scope="session")
def running_provider():
    """One for the whole run."""
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def idp(running_provider):
    """An honest one, as nobody has asked it yet."""
    metadata._kept.clear()
    keys._rings.clear()
    running_provider.be()
    running_provider.seen.clear()
    return running_provider


@pytest.fixture
def portal(app, idp):
    """Let the application know the provider, by these settings and no others: `portal(allowed_email_domains=...)`."""

    def set_up(**changes):
        """Set it up anew."""
        known = {
            "generic_client_id": CLIENT_ID,
            "generic_client_secret": CLIENT_SECRET,
            "selfserve_sso_issuer": idp.url,
        }
        settings = the_settings(**({"selfserve_sso_name": "Acme SSO"} | known | changes))
        patch.setitem(app.config, "SETTINGS", settings)
        patch.setitem(app.config, "PROVIDERS", load_providers(settings))
        switch_passwords(are_off=settings.selfserve_sso_only)
        return Door(app, idp)

    with pytest.MonkeyPatch.context() as patch:  # of its own: undone before the mail server's settings are
        yield set_up
    switch_passwords(are_off=False)


@pytest.fixture
def door(portal):
    """The portal with the provider as most set it up."""
    return portal()
