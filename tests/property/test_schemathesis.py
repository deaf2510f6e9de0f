"""Requests that nobody thought of, made up from /openapi.json: what the document says is what happens.

schemathesis.toml says which of its checks do not apply, and why. To an admin every corner of every field is tried; to a
user, who may do less, a few of each.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from selfserve.minting import fingerprint
from selfserve.schemas.examples import EXAMPLES
from tests.application import the_app, the_database
from tests.factories import key_of, make_invitation, make_key, make_user

pytestmark = pytest.mark.any_database

EVERYTHING = schemathesis.openapi.from_wsgi("/openapi.json", the_app())
AT_RANDOM = schemathesis.openapi.from_wsgi("/openapi.json", the_app())
AT_RANDOM.config.phases.coverage.enabled = False

steadily = settings(max_examples=10, suppress_health_check=list(HealthCheck))


@pytest.fixture
def house():
    """A house in which the names of the examples are somebody's."""
    the_database().reset()
    ina = make_user("Ina", password=None)
    make_invitation(ina, secret_hash=fingerprint(EXAMPLES["InvitationName"]["invitation_id"]))


def call(case, dana):
    """Call with a new key: a call may rotate, block or delete the one it comes with."""
    case.call_and_validate(headers={"Authorization": f"Bearer {key_of(dana)}"})


@pytest.fixture
def admin(house):
    """Dana, who runs the place, and the key of the examples."""
    return owner("proxy_admin")


@pytest.fixture
def user(house):
    """Dana, who has a key."""
    return owner("internal_user")


def owner(role):
    """Make Dana and her key."""
    dana = make_user("Dana", role=role)
    make_key(dana, "examined", id=EXAMPLES["KeyName"]["key"])
    return dana


@EVERYTHING.parametrize()
@steadily
def test_what_the_document_says_is_what_happens_to_an_admin(case, admin):
    call(case, admin)


@AT_RANDOM.parametrize()
@steadily
def test_what_the_document_says_is_what_happens_to_a_user(case, user):
    call(case, user)
