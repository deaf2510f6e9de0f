"""The directory of the house: every blueprint and the prefix it stands under."""

from selfserve.blueprints.account.pages import pages as account_pages
from selfserve.blueprints.audit.api import api as audit_api
from selfserve.blueprints.audit.pages import pages as audit_pages
from selfserve.blueprints.auth.api import api as auth_api
from selfserve.blueprints.auth.pages import pages as auth_pages
from selfserve.blueprints.command_line.api import api as command_line_api
from selfserve.blueprints.command_line.pages import pages as command_line_pages
from selfserve.blueprints.confirm.pages import pages as confirm_pages
from selfserve.blueprints.docs.api import api as docs_api
from selfserve.blueprints.gateway.api import api as gateway_api
from selfserve.blueprints.health.api import api as health_api
from selfserve.blueprints.keys.api import api as keys_api
from selfserve.blueprints.keys.pages import pages as keys_pages
from selfserve.blueprints.models.api import api as models_api
from selfserve.blueprints.models.pages import pages as models_pages
from selfserve.blueprints.onboarding.api import api as onboarding_api
from selfserve.blueprints.onboarding.pages import pages as onboarding_pages
from selfserve.blueprints.passwords.pages import pages as passwords_pages
from selfserve.blueprints.prices.api import api as prices_api
from selfserve.blueprints.settings.pages import pages as settings_pages
from selfserve.blueprints.spend.api import api as spend_api
from selfserve.blueprints.spend.pages import pages as spend_pages
from selfserve.blueprints.sso.api import api as sso_api
from selfserve.blueprints.sso.pages import pages as sso_pages
from selfserve.blueprints.users.api import api as users_api
from selfserve.blueprints.users.pages import pages as users_pages

DIRECTORY = (
    (auth_pages, "/ui"),
    (sso_pages, None),
    (command_line_pages, "/ui"),
    (onboarding_pages, "/ui"),
    (passwords_pages, "/ui"),
    (confirm_pages, "/ui"),
    (keys_pages, "/ui"),
    (spend_pages, "/ui"),
    (models_pages, "/ui"),
    (account_pages, "/ui"),
    (users_pages, "/ui"),
    (audit_pages, "/ui"),
    (settings_pages, "/ui"),
    (auth_api, None),
    (sso_api, None),
    (command_line_api, None),
    (onboarding_api, None),
    (users_api, None),
    (keys_api, None),
    (spend_api, None),
    (audit_api, None),
    (prices_api, None),
    (gateway_api, None),
    (models_api, None),
    (health_api, None),
    (docs_api, None),
)
