"""How often each read asks the database: as often for five hundred rows as for fifty, and seldom (performance.md)."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from selfserve.clock import now
from selfserve.database import transaction
from selfserve.extensions import db
from selfserve.minting import fingerprint
from selfserve.models import ApiKey, DailySpend, Invitation, User
from selfserve.web.guards import PUBLIC, access_of, is_pages_face
from tests.application import the_app
from tests.factories import make_invitation, make_key, make_user, reload
from tests.integration.security.actions import CURL_DEEDS, PAGE_DEEDS, Deed, scene_of, token_of

SIZES = (50, 500)
MOST = 4
"""Queries of a read, with finding out who asks."""
MOST_OF = {
    "/ui/keys/<uuid:key_id>": 6,
    "/ui/users/<uuid:user_id>": 8,
    "/ui/users/<uuid:user_id>/edit": 9,
    "/ui/settings": 5,
    "/ui/audit.csv": 5,
    "/ui/audit.jsonl": 5,
}
"""Pages that gather what others spread: a key with its former secrets, its activity and its spend; a person with their
keys, sessions, links of both kinds, activity and spend, each one query, and once more for the form; the settings with
how upstreams and mail do and with the prices. And the files of the log, which leave a row."""
MOST_OF_A_WRITE = 13
"""Six are wished for: a key by curl takes five; deleting a person with keys and links takes thirteen."""
READS = sorted(
    rule.rule
    for rule in the_app().url_map.iter_rules()
    if "GET" in rule.methods and access_of(the_app(), rule.endpoint) != PUBLIC and rule.rule != "/ui/confirm/sso"
)
"""The way out to a provider shows nothing."""
OPEN_READS = ["/ui/login", "/ui/logout", "/ui/", "/health/readiness", "/health/liveness"]


def fill(owner, count):
    """Add people with links, keys of theirs and of the owner's, and days of spend, in few statements."""
    today, moment = datetime.now(UTC).date(), now()
    users, links, keys, spend = [], [], [], []
    for number in range(count):
        name, row_id, at = f"filler-{count}-{number}", f"{count:04}{number:032}", moment - timedelta(seconds=number)
        email = f"{name}@example.com"
        person = {"id": row_id, "user_id": name, "email": email, "email_key": email}
        users.append(person | {"role": "internal_user", "created_at": at})
        links.append({"id": f"i{row_id[1:]}", "secret_hash": fingerprint(row_id), "user_pk": row_id})
        for mark, owner_id in (("m", owner.id), ("t", row_id)):
            named = {"id": mark + row_id[1:], "token": fingerprint(mark + row_id), "alias": name, "alias_key": name}
            keys.append(named | {"owner_id": owner_id, "created_at": at, "prefix": "sk-ss_", "tail": "abcd"})
        day = today - timedelta(days=number % 30)
        spend.append(
            {"user_pk": owner.id, "day": day, "key_id": f"m{row_id[1:]}", "model": f"m{number % 7}", "spend": 5}
        )
    made = {"created_by": "ada", "updated_by": "ada", "expires_at": moment + timedelta(days=7)}
    with the_app().app_context(), transaction():
        db.session.execute(insert(User), users)
        db.session.execute(insert(Invitation), [link | made for link in links])
        db.session.execute(insert(ApiKey), keys)
        db.session.execute(insert(DailySpend), spend)


@pytest.fixture
def counted(queries):
    """Count the statements of one request, after the once-a-minute notes were written by another."""

    def count(ask):
        ask()
        with queries() as sent:
            answer = ask()
        assert answer.status == 200, answer.text[:300]
        return sent

    return count


SEARCHES = {
    "/ui/spend": "?scope=everyone",
    "/ui/spend.csv": "?scope=everyone",
    "/spend/logs": "?start_date=2026-11-01&end_date=2026-11-30",
    "/ui/keys": "?q=filler",
    "/ui/all-keys": "?q=filler",
    "/ui/users": "?q=filler",
    "/user/list": "?search=filler",
    "/key/list": "?return_full_object=true&size=100&search=filler",
}


def addresses(rule, scene):
    """Write the addresses under which a read is measured."""
    address = Deed(rule, "", "").path(scene)
    names = {"key": scene.key.row.id, "invitation": scene.invitation.row.id, "user": scene.user.user_id}
    names["person"] = scene.user.id
    today = now().date()
    month = f"?start_date={today - timedelta(days=29)}&end_date={today}"
    wanted = {
        "/user/daily/activity": month,
        "/user/daily/activity/aggregated": month,
        "/key/info": "?key={key}",
        "/invitation/info": "?invitation_id={invitation}",
        "/user/info": "?user_id={user}",
        "/ui/keys/bulk/delete": "?key_id={key}",
        "/ui/keys/live": "?key_id={key}",
        "/ui/spend/live": "?user={person}",
    }
    plain = address + wanted.get(rule.removeprefix("/v2"), "").format(**names)
    return [plain, *([address + SEARCHES[rule]] if rule in SEARCHES else [])]


@pytest.mark.any_database
@pytest.mark.parametrize("role", ["proxy_admin", "internal_user"])
def test_every_read_asks_as_often_for_five_hundred_rows_as_for_fifty(browser, curl, counted, role):
    """One query for a list, whatever is in it; never one for each row."""
    someone = make_user("Someone", role=role)
    page, door = browser(someone), curl(someone)
    own, seen = scene_of(someone, someone), {}
    for size in SIZES:
        fill(someone, size)
        for rule in READS:
            for address in addresses(rule, own):
                asks = {"": lambda at=address: (page if is_pages_face(at) else door).get(at)}
                if is_pages_face(rule):
                    asks["htmx "] = lambda at=address: page.get(at, htmx=True)
                plain = asks[""]().status
                if plain == 403:
                    continue
                if plain == 303:  # what only a page asks for by itself
                    del asks[""]
                for way, ask in asks.items():
                    seen.setdefault((way + address, rule), []).append(len(counted(ask)))
    assert len(seen) > 15
    for (address, rule), counts in seen.items():
        assert counts[0] == counts[1] <= MOST_OF.get(rule, MOST), address


@pytest.mark.parametrize("path", ["/ui/keys?sort=used&dir=desc", "/ui/all-keys?sort=expires&dir=asc"])
def test_an_order_with_empty_values_asks_once_more_for_those(browser, counted, ada, path):
    """Two walks along an index, whatever is there, instead of one sort of everything."""
    page, counts = browser(ada), []
    for size in SIZES:
        fill(ada, size)
        counts.append(len(counted(lambda: page.get(path))))
    assert counts[0] == counts[1] <= MOST + 1


@pytest.mark.parametrize("path", OPEN_READS)
def test_what_is_open_to_everybody_asks_next_to_nothing(browser, curl, queries, mia, path):
    """A login page without a session asks the database nothing at all."""
    door = browser() if is_pages_face(path) else curl()
    with queries() as sent:
        door.get(path)
    assert len(sent) <= (1 if "readiness" in path else 0)


@pytest.mark.parametrize("face", ["page", "curl"])
def test_every_write_asks_as_often_in_a_full_house_as_in_an_empty_one(browser, curl, queries, ada, face):
    """Writes do not grow with what is there, the list that answers them included."""
    page, door, seen = browser(ada), curl(ada), {}
    token = token_of(page)
    door.get("/user/available_roles")  # notes that the key was used
    for size in SIZES:
        fill(ada, size)
        for deed in PAGE_DEEDS if face == "page" else CURL_DEEDS:
            someone = make_user()
            scene = scene_of(someone, someone)
            email = f"{deed.endpoint}{size}@example.com"
            fresh = {"key_alias": f"new {size} {deed.endpoint}", "emails": email, "user_email": email}
            fields = deed.fields(scene) | {name: value for name, value in fresh.items() if name in deed.body}
            with queries() as sent:
                if face == "page":
                    answer = page.post(deed.path(scene), fields | token, reveals=True)
                else:
                    answer = door.post(deed.path(scene), fields, reveals=True)
            assert answer.status in (200, 201, 303), answer.text[:300]
            seen.setdefault(deed.endpoint, []).append(len(sent))
    for endpoint, counts in seen.items():
        assert counts[0] == counts[1] <= MOST_OF_A_WRITE, endpoint


def test_the_count_sees_a_query_for_each_row(app, queries):
    """The instrument itself: five rows read one by one are five queries and more."""
    keys = [make_key(make_user()) for _ in range(5)]
    with queries() as sent:
        for key in keys:
            reload(key.row)
    assert len(sent) == 5
    assert make_invitation(make_user()).secret
