"""A page of spend shows one moment: a call that lands while it is read is in all of its sums or in none."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from selfserve.clock import now
from selfserve.extensions import db
from selfserve.schemas.spend import ActivityFilter, CallRecord, SpendFilter
from selfserve.services import spend
from selfserve.services.spend_activity import list_days
from selfserve.services.spend_overview import give_overview
from selfserve.services.spend_sums import Sums, add_up
from tests.factories import make_key


def call(key, number):
    return CallRecord(request_id=f"call {number}", key_id=key.row.id, model="m", started_at=now(), cost=10)


@pytest.fixture
def meanwhile(app):
    """`with meanwhile(deed) as done:` does it once, elsewhere, right after the first look at the sums of the days."""

    @contextmanager
    def watch(deed):
        done = []

        def act():
            with app.app_context():
                deed()

        def after(_connection, _cursor, statement, *_rest):
            if "daily_spend" in statement and statement.startswith(("SELECT", "WITH")) and not done:
                done.append(statement)
                with ThreadPoolExecutor(1) as elsewhere:
                    elsewhere.submit(act).result(30)

        event.listen(db.engine, "after_cursor_execute", after)
        yield done
        event.remove(db.engine, "after_cursor_execute", after)

    return watch


def test_the_tables_of_the_page_agree_while_calls_come_in(as_actor, meanwhile, ada, mia):
    key, other = make_key(mia), make_key(mia)
    spend.record_calls([call(key, 1)])
    for number, wanted in enumerate((SpendFilter(), SpendFilter(scope="everyone")), 2):
        actor = as_actor(ada if wanted.scope else mia)
        with meanwhile(lambda n=number: spend.record_calls([call(other, n)])) as done:
            seen = give_overview(actor, wanted)
        assert done
        tables = filter(None, (seen.models, seen.keys, seen.people))
        sums = [add_up([*(row.sums for row in table.rows), table.rest]) for table in tables]
        assert set(sums) == {seen.total}
        assert [table.rest for table in (seen.models, seen.keys)] == [Sums(), Sums()]
        assert seen.total.spend == 10 * (number - 1)
        assert seen.owner is None or seen.owner.spend == seen.total.spend


def test_the_days_of_the_api_agree_with_their_parts_while_calls_come_in(as_actor, meanwhile, mia):
    key, other = make_key(mia), make_key(mia)
    spend.record_calls([call(key, 1)])
    today = now().date()
    with meanwhile(lambda: spend.record_calls([call(other, 2)])) as done:
        (day,) = list_days(as_actor(mia), ActivityFilter(start_date=today, end_date=today)).results
    assert done
    for parts in (day.breakdown.models, day.breakdown.api_keys, day.breakdown.entities):
        assert add_up(part.metrics for part in parts.values()) == day.metrics
    assert day.metrics.spend == 10
