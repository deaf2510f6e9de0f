"""Requests that nobody thought of, made up from /openapi.json: what the document says is what happens."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.application import the_app, the_database
from tests.factories import key_of, make_invitation, make_user

API = schemathesis.openapi.from_wsgi("/openapi.json", the_app())

steadily = settings(max_examples=10, suppress_health_check=list(HealthCheck))


@pytest.fixture(params=["internal_user", "proxy_admin"])
def dana(request):
    """Somebody in a house where there is something to find."""
    the_database().reset()
    make_invitation(make_user("Ina", password=None))
    return make_user("Dana", role=request.param)


@API.parametrize()
@steadily
def test_what_the_document_says_is_what_happens(case, dana):
    """Each time with a new key: a call may rotate, block or delete the one it comes with."""
    case.call_and_validate(headers={"Authorization": f"Bearer {key_of(dana)}"})
