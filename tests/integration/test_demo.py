"""The made-up company is believable: everybody's pages have something to show, in every state; the sums are true."""

from datetime import timedelta

import pytest

from selfserve import demo
from selfserve.clock import now
from selfserve.models import ApiKey, Call, DailySpend, KeyStatus, User, UserStatus
from selfserve.permissions import Role
from tests.application import the_app, the_database
from tests.clients import Browser, InProcess
from tests.factories import reload, rows


@pytest.fixture(scope="module")
def people():
    """Fill the empty house, once: it takes a while. Give who can sign in."""
    app = the_app()
    the_database().reset()
    with app.app_context():
        return dict(demo.fill())


@pytest.mark.parametrize("role", Role)
def test_somebody_of_every_role_signs_in_and_sees_pages_with_something_on_them(people, role):
    (email,) = [email for email, label in people.items() if label == role.label]
    user = next(user for user in rows(User) if user.email == email)
    page = Browser(InProcess(the_app())).sign_in(user, demo.PASSWORD)
    everyones = ["/ui/users", "/ui/all-keys"] if role in (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER) else []
    assert [page.get(path).status for path in ("/ui/keys", "/ui/spend", "/ui/account")] == [200] * 3
    assert [len(page.get(path).html.all("tr")) > 8 for path in everyones] == [True] * len(everyones)


def test_it_shows_every_status_of_a_person_and_every_state_of_a_key(people):
    assert {user.status for user in rows(User) if not user.is_reserved} == set(UserStatus)
    assert {reload(key).status for key in rows(ApiKey)} == set(KeyStatus)


def test_ninety_days_of_calls_add_up_to_what_the_days_say(people):
    calls, days = rows(Call), rows(DailySpend)
    assert len({day.day for day in days}) >= 90
    assert sum(call.cost for call in calls) == sum(day.spend for day in days) > 0
    assert len(calls) == sum(day.requests for day in days)
    assert sum(call.is_failed for call in calls) == sum(day.failed_requests for day in days) > 0
    assert all(now() - timedelta(days=92) < call.started_at <= now() for call in calls)
