"""Lists of everyone's are read in the order of an index: nothing may be sorted for a page out of a million."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from selfserve.errors import NotFound
from selfserve.extensions import db
from selfserve.models import AuditEvent
from selfserve.schemas.audit import AuditFilter, AuditQuery
from selfserve.schemas.keys import KeyAliasQuery, KeyFilter, KeyListQuery
from selfserve.schemas.spend import CallFilter
from selfserve.schemas.users import UserFilter
from selfserve.services import (
    audit_log,
    audit_records,
    call_lists,
    key_lists,
    model_prices,
    upstream_health,
    user_lists,
)
from selfserve.services.paging import write_cursor
from selfserve.upstreams import Upstreams
from tests.factories import make_key, make_user, save

KEYS = [{}, {"status": "blocked"}, {"status": "over_budget"}]
KEYS += [{"sort": sort, "dir": way} for sort in ("created", "used", "expires") for way in ("asc", "desc")]
USERS = [{}, {"status": "blocked"}, {"status": "invited"}]
AT = write_cursor(datetime(2026, 11, 24, 9, tzinfo=UTC), 7)
EVENTS = [
    {},
    {"actor": "mia"},
    {"about": "user:mia"},
    {"action": "key.deleted"},
    {"action": "roles"},
]
EVENTS += [{"result": "refused"}, {"result": "done"}, {"door": "cli"}, {"from": "2026-11-01", "to": "2026-11-30"}]
EVENTS += [{"older": AT}, {"newer": AT}, {"actor": "mia", "older": AT}, {"action": "roles", "from": "2026-11-01"}]
RECORDS = [{}, {"changed_by": "mia"}, {"table_name": "LiteLLM_UserTable"}, {"sort_order": "asc", "page": 3}]
LISTS = {
    **{f"all keys {asked}": lambda actor, a=asked: key_lists.list_all_keys(actor, KeyFilter(**a)) for asked in KEYS},
    **{f"users {asked}": lambda actor, a=asked: user_lists.list_user_page(actor, UserFilter(**a)) for asked in USERS},
    **{f"events {asked}": lambda actor, a=asked: audit_log.list_log(actor, AuditFilter(**a)) for asked in EVENTS},
    **{
        f"records {asked}": lambda actor, a=asked: audit_records.list_records(actor, AuditQuery(**a))
        for asked in RECORDS
    },
    "key/list": lambda actor: key_lists.list_keys(actor, KeyListQuery()),
    "key/aliases": lambda actor: key_lists.list_aliases(actor, KeyAliasQuery()),
}
SEARCHES = {
    "sign-ins": lambda actor: audit_log.list_log(actor, AuditFilter(action="sign-ins")),
    "the page": lambda actor: audit_log.list_log(actor, AuditFilter(q="mi", older=AT)),
    "the API": lambda actor: audit_records.list_records(actor, AuditQuery(search="mi", action="updated")),
    "a file": lambda actor: list(audit_log.export_log(actor, AuditFilter(q="mi"), "csv")),
}
FORBIDDEN = ("Sort", "TEMP B-TREE", "Seq Scan")


def plans_of(ask):
    """Run something and explain every ordered statement it sent, with what is cheap for few rows forbidden."""
    sent = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        if "ORDER BY" in statement:
            sent.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    db.session.remove()
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            for way in ("seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
        return [
            "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
            for statement, parameters in sent
        ]


@pytest.mark.parametrize("ask", LISTS.values(), ids=LISTS)
def test_a_list_is_read_in_the_order_of_an_index(as_actor, ada, ask):
    make_key(make_user(), "laptop")
    plans = plans_of(lambda: ask(as_actor(ada)))
    assert plans
    for plan in plans:
        assert not [word for word in FORBIDDEN if word in plan], plan


@pytest.mark.parametrize("ask", SEARCHES.values(), ids=SEARCHES)
def test_a_search_of_the_log_walks_along_an_index_for_each_way_to_be_meant(as_actor, ada, mia, ask):
    """Only the few rows that the walks bring home are sorted: each walk is by an index, and in its order."""
    make_key(mia, "mi")
    save(AuditEvent(action="key.updated", source="web", object_type="user", actor_user_id="mia"))
    plans = [plan for plan in plans_of(lambda: ask(as_actor(ada))) if "audit_events" in plan]
    assert plans
    for plan in plans:
        assert "Seq Scan" not in plan
        walks = [line for line in plan.splitlines() if "ix_audit_events" in line]
        assert len(walks) >= 2, plan
        if "TEMP B-TREE" in plan:  # of SQLite: once for the union and once for its order, however many walks
            assert plan.count("USE TEMP B-TREE FOR ORDER BY") <= 1, plan
        assert [
            line for line in plan.splitlines() if "SCAN" in line and "audit_events" in line and "INDEX" not in line
        ] == []


def test_the_look_sees_a_list_that_is_sorted(as_actor, ada):
    plans = plans_of(lambda: key_lists.list_keys(as_actor(ada), KeyListQuery(sort_by="updated_at")))
    assert [word for word in FORBIDDEN if word in plans[0]]


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda actor: model_prices.give_overview(actor, None, Upstreams()), "ix_daily_spend_unpriced"),
        (lambda actor: upstream_health.list_upstreams(actor, Upstreams()), "ix_calls_started"),
    ],
    ids=["unpriced", "health"],
)
def test_the_settings_page_walks_along_an_index_that_holds_little(as_actor, ada, ask, index):
    """Neither a month of sums nor all calls: those of unknown cost, and the newest."""
    assert [plan for plan in plans_of(lambda: ask(as_actor(ada))) if index in plan]


@pytest.mark.parametrize("after", [None, "20260617T120000000000Z.5"])
@pytest.mark.parametrize(
    ("show", "index"), [(None, "ix_calls_key"), ("failed", "ix_calls_odd"), ("unpriced", "ix_calls_odd")]
)
def test_the_calls_of_a_busy_key_are_read_from_their_end(as_actor, mia, show, index, after):
    """The few that failed are not looked for among millions."""
    key, wanted = make_key(mia).row, CallFilter(show=show, after=after)
    plans = plans_of(lambda: call_lists.list_calls_of(as_actor(mia), key, wanted))
    assert [plan for plan in plans if index in plan], plans


def test_they_are_only_told_to_whom_the_spend_of_the_key_is_told(as_actor, mia, otto):
    """S-6: also where the key itself was found."""
    with pytest.raises(NotFound):
        call_lists.list_calls_of(as_actor(otto), make_key(mia).row, CallFilter())
