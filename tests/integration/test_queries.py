"""No page and no answer asks the database more often because there is more in it; and none asks often."""

from datetime import timedelta

import pytest
from flask import url_for

from selfserve.clock import now
from selfserve.models import Call, DailySpend
from selfserve.web.guards import is_pages_face
from tests.application import the_app
from tests.factories import make_company, make_invitation, make_key, make_keys, save_all

MOST_READS, MOST_WRITES = 4, 6
MORE_READS = {"/ui/users": 6, "/ui/users/new": 6}  # its tabs, and per row the keys and the open link
ROUTES = sorted(
    (rule.rule, rule.endpoint)
    for rule in the_app().url_map.iter_rules()
    if "GET" in rule.methods and not rule.rule.startswith("/ui/static")
)
QUERIES = {"/key/list": "?return_full_object=true&size=100", "/user/list": "?page_size=100"}


def address_of(rule, endpoint, known):
    """Fill in the placeholders of a rule with things that exist."""
    with the_app().test_request_context():
        values = {name: known[name] for name in the_app().url_map._rules_by_endpoint[endpoint][0].arguments}
        return url_for(endpoint, **values) if values else rule


def spend_on(key, days):
    """Let a key be used on many days."""
    today = now().date()
    rows = [
        DailySpend(
            user_pk=key.owner_id, day=today - timedelta(days=day), key_id=key.id, model=f"model-{day % 7}", spend=1
        )
        for day in range(days)
    ]
    calls = [
        Call(request_id=f"r{day}", user_pk=key.owner_id, key_id=key.id, model="m", started_at=now(), cost=1)
        for day in range(days)
    ]
    save_all(rows + calls)


@pytest.mark.parametrize(("rule", "endpoint"), ROUTES, ids=[rule for rule, _endpoint in ROUTES])
def test_a_read_asks_as_often_at_500_rows_as_at_50_and_at_most_four_times(
    app, browser, curl, queries, ada, ina, rule, endpoint
):
    key = make_key(ada, "laptop")
    known = {"key_id": key.row.id, "user_id": ina.id}
    path = address_of(rule, endpoint, known)
    page, door = browser(ada), curl(ada)
    names = {"/key/info": f"?key={key.row.id}", "/user/info": "?user_id=ada", "/v2/user/info": "?user_id=ada"}
    link = make_invitation(ina).secret
    names |= {"/invitation/info": f"?invitation_id={link}", "/onboarding/get_token": f"?invite_link={link}"}
    names |= {"/ui/onboarding": f"?id={link}"}
    path += names.get(rule, QUERIES.get(rule, ""))
    ask = page.get if is_pages_face(rule) else door.get
    counts = []
    for rows in (50, 450):
        make_company(rows)
        make_keys(ada, rows)
        if rows == 50:
            spend_on(key.row, 60)
        ask(path)
        with queries() as sent:
            answer = ask(path)
        assert answer.status in (200, 303), answer.text
        counts.append(len(sent))
    assert counts[0] == counts[1], "\n".join(sent)
    assert counts[1] <= MORE_READS.get(rule, MOST_READS), "\n\n".join(sent)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/key/generate", {}),
        ("/key/update", {"key": "KEY", "key_alias": "new"}),
        ("/key/block", {"key": "KEY"}),
        ("/key/delete", {"keys": ["KEY"]}),
        ("/user/new", {"auto_create_key": False}),
        ("/user/update", {"user_id": "ina", "max_budget": 5}),
        ("/invitation/new", {"user_id": "ina"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_write_asks_at_most_six_times(curl, queries, ada, ina, path, body):
    door, key = curl(ada), make_key(ada).row.id
    door.get("/key/info")
    filled = {name: key if value == "KEY" else [key] if value == ["KEY"] else value for name, value in body.items()}
    with queries() as sent:
        answer = door.post(path, filled, reveals=True)
    assert answer.status == 200
    assert len(sent) <= MOST_WRITES, "\n\n".join(sent)
