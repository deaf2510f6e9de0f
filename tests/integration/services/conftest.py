"""The services themselves, without a door: what a view would do between its guard and its template."""

import pytest

from selfserve.models import User
from selfserve.permissions import Actor, Client
from selfserve.services import actors


@pytest.fixture(autouse=True)
def in_the_house(app):
    """Services ask Flask for nothing but the database, which lives in an application context."""
    with app.app_context():
        yield


@pytest.fixture
def as_actor():
    """Act as somebody: `as_actor(mia)`."""

    def act(user: User) -> Actor:
        return actors.actor_of(user, Client(source="web", address="10.0.0.1", request_id="a-request"))

    return act
