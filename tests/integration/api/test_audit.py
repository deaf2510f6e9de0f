"""`GET /audit` in LiteLLM's documented words, and ours beside them."""

import pytest

from selfserve.models import AuditEvent
from tests.factories import make_key, make_user, rows, save_all

DOCUMENTED = {"id", "updated_at", "changed_by", "changed_by_api_key", "action", "table_name", "object_id"}
DOCUMENTED |= {"before_value", "updated_values"}
NONSENSE = [{"page": 0}, {"sort_by": "object_id"}, {"start_date": "soon"}, {"end_date": "1999-01-01"}]
NONSENSE += [{"start_date": "2026-W01-1"}, {"end_date": "20261231"}, {"end_date": "2099-12-32T00:00:00Z"}]
NONSENSE += [{"end_date": "2026-01-01", "start_date": "2026-01-02"}, {"start_date": "10000-01-01"}]
NONSENSE += [{"start_date": "0001-01-01T00:00:00+14:00"}, {"end_date": "9999-12-31T23:59:59-14:00"}]


@pytest.fixture
def told(curl, ada, vera, mia):
    """What Vera is told, after Ada changed Mia's key and Mia: `told(action="updated")`."""
    key = make_key(mia, "laptop")
    door = curl(ada)
    door.post("/key/update", {"key": key.secret, "max_budget": 12.5})
    door.post("/key/block", {"key": key.secret})
    door.post("/user/update", {"user_id": "mia", "user_role": "internal_user_viewer"})
    reader = curl(vera)

    def ask(**query):
        answer = reader.get("/audit", **query)
        assert answer.status == 200, answer.text
        return answer.json

    ask.key, ask.door = key, door
    return ask


def events(answer):
    return [one["event"] for one in answer["audit_logs"]]


def test_an_event_has_the_documented_fields(told):
    answer = told()
    assert {name: answer[name] for name in ("total", "page", "page_size", "total_pages")} == {
        "total": 3, "page": 1, "page_size": 10, "total_pages": 1}  # fmt: skip
    newest, blocked, updated = answer["audit_logs"]
    assert set(newest) >= DOCUMENTED
    assert (newest["changed_by"], newest["action"], newest["table_name"]) == ("ada", "updated", "LiteLLM_UserTable")
    assert (newest["before_value"]["role"], newest["updated_values"]["role"]) == (
        "internal_user",
        "internal_user_viewer",
    )
    assert (blocked["action"], blocked["table_name"]) == ("blocked", "LiteLLM_VerificationToken")
    assert (updated["before_value"]["max_budget"], updated["updated_values"]["max_budget"]) == (None, 12.5)
    assert (updated["object_id"], updated["source"], updated["result"]) == (told.key.row.id, "api", "done")


def test_each_documented_filter_finds(told):
    key_events, all_of_them = ["key.blocked", "key.updated"], ["user.updated", "key.blocked", "key.updated"]
    door_key = told()["audit_logs"][0]["changed_by_api_key"]
    for query, found in (
        ({"changed_by": "ada"}, all_of_them),
        ({"changed_by": "mia"}, []),
        ({"changed_by_api_key": told.door.token}, all_of_them),
        ({"changed_by_api_key": door_key}, all_of_them),
        ({"changed_by_api_key": told.key.secret}, []),
        ({"action": "updated"}, ["user.updated", "key.updated"]),
        ({"action": "key.updated"}, ["key.updated"]),
        ({"table_name": "LiteLLM_VerificationToken"}, key_events),
        ({"table_name": "LiteLLM_TeamTable"}, []),
        ({"object_id": told.key.row.id}, key_events),
        ({"object_id": "mia", "table_name": "LiteLLM_UserTable"}, ["user.updated"]),
        ({"object_id": "mia", "table_name": "LiteLLM_VerificationToken"}, []),
        ({"object_key_hash": told.key.row.token}, key_events),
        ({"object_key_hash": told.key.secret, "action": "blocked"}, ["key.blocked"]),
        ({"object_key_hash": "nothing"}, []),
        ({"object_team_id": "a-team"}, []),
        ({"search": "lap"}, key_events),
        ({"search": "127.0.0.1"}, all_of_them),
        ({"start_date": "2026-01-01", "end_date": "2099-12-31"}, all_of_them),
        ({"end_date": "2026-01-01"}, []),
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2099-01-01T00:00:00+02:00"}, all_of_them),
        ({"start_date": "", "end_date": " "}, all_of_them),
        ({"sort_by": "updated_at", "sort_order": "asc"}, all_of_them[::-1]),
    ):  # fmt: skip
        answer = told(**query)
        assert (events(answer), answer["total"]) == (found, len(found)), query


def test_one_event_is_got_by_its_number(told, curl, vera):
    newest = told()["audit_logs"][0]
    assert curl(vera).get(f"/audit/{newest['id']}").json == newest
    for name in ("0", "x", "9" * 40, "999999", "-1", "1.0", "%00"):
        assert curl(vera).get(f"/audit/{name}").status == 404


def test_pages_follow_each_other_and_end_where_counting_ends(curl, vera, mia):
    save_all([AuditEvent(action="logout", source="web", object_type="user", address=str(n)) for n in range(25)])
    door = curl(vera)
    pages = [door.get("/audit", page=page, action="logout").json for page in (1, 2, 3, 4)]
    assert [len(page["audit_logs"]) for page in pages] == [10, 10, 5, 0]
    assert [one["address"] for page in pages for one in page["audit_logs"]] == [str(n) for n in range(24, -1, -1)]
    assert {(page["total"], page["total_pages"]) for page in pages} == {(25, 3)}
    refused = door.get("/audit", page=1001, page_size=10)
    assert (refused.status, refused.error["param"]) == (422, "page")
    assert door.get("/audit", page=100, page_size=1000).status == 200


@pytest.mark.parametrize("query", [*NONSENSE, {"changed_by": "\x00"}])
def test_nonsense_is_422(curl, vera, query):
    answer = curl(vera).get("/audit", **query)
    assert (answer.status, answer.error["param"]) == (422, next(iter(query)))


def test_only_the_admins_and_the_master_key_are_told(curl, master, ada, mia, ivo):
    assert master.get("/audit").status == curl(ada).get("/audit").status == 200
    for user in (mia, ivo):
        assert curl(user).get("/audit").status == curl(user).get("/audit/1").status == 403


def test_no_answer_holds_a_secret_or_a_hash(told, curl, vera):
    """S-12, S-14: neither of the key nor of the one that was used."""
    told.door.post("/key/regenerate", {"key": told.key.secret}, reveals=True)
    text = curl(vera).get("/audit", page_size=100).text
    for key in rows(type(told.key.row)):
        assert key.token not in text
    assert make_user().password_hash not in text
