"""The audit is only ever added to, also by a mistake of ours: the database refuses the rest (S-45)."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.models import AuditEvent
from selfserve.services import audit_retention
from selfserve.services.audit_retention import purge_events
from tests.factories import rows, save_all


def events(*days_ago, **columns):
    """Write one event for each age."""
    said = {"source": "web", "action": "logout", "object_type": "user"} | columns
    save_all([AuditEvent(at=now() - timedelta(days=days), **said) for days in days_ago])


def kept():
    """The ages in days of what is there, and how often a purge was written down."""
    found = rows(AuditEvent)
    ages = sorted((now() - event.at).days for event in found if event.action == "logout")
    return ages, len([event for event in found if event.action == "audit.purged"])


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET action = 'nothing'", "DELETE FROM audit_events"])
def test_nobody_rewrites_what_ada_did(app, curl, ada, statement):
    curl(ada).post("/user/new", {"user_id": "new", "auto_create_key": False})
    with app.app_context(), pytest.raises(DBAPIError, match="only ever added"):
        db.session.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET at = '2026-01-01'", "DELETE FROM audit_events"])
def test_what_is_29_days_old_stays_whoever_asks(app, statement):
    """S-45: nor is it made older than it is."""
    events(29)
    with app.app_context(), pytest.raises(DBAPIError, match="only ever added"):
        db.session.execute(text(statement))
    assert kept() == ([29], 0)


def test_what_is_older_than_it_is_kept_goes_by_whole_days_and_that_is_written_down(app):
    events(0, 31, 399, 402, 500)
    with app.app_context():
        assert purge_events(timedelta(days=400)) == 2
        assert purge_events(timedelta(days=400)) == 0
    assert kept() == ([0, 31, 399], 1)
    (event,) = [event for event in rows(AuditEvent) if event.action == "audit.purged"]
    assert (event.source, event.actor_user_id, event.after["events"]) == ("system", None, 2)


def test_no_setting_shortens_the_thirty_days(app):
    """S-45: even a mistake in the setting's own check removes nothing that is younger, nor what is older beside it."""
    events(10, 29, 31)
    with app.app_context(), pytest.raises(DBAPIError, match="stay for 30 days"):
        purge_events(timedelta(days=5))
    assert kept() == ([10, 29, 31], 0)


def test_for_ever_is_for_ever(app):
    events(4_000)
    with app.app_context():
        assert purge_events(None) == 0
    assert kept() == ([4_000], 0)


def test_a_purge_goes_in_steps_and_stops_after_some(app, monkeypatch):
    """However much there is, no transaction is long and no run is."""
    monkeypatch.setattr(audit_retention, "AT_ONCE", 3)
    monkeypatch.setattr(audit_retention, "MOST_STEPS", 2)
    events(*range(100, 110))
    with app.app_context():
        assert [purge_events(timedelta(days=30)) for _run in range(3)] == [6, 4, 0]
    assert kept() == ([], 2)
    told = [event.after["events"] for event in rows(AuditEvent) if event.action == "audit.purged"]
    assert sorted(told) == [4, 6]
