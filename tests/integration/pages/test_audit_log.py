"""The audit log: one sentence a row, found by person, key, day and door, paged both ways, in full and as files."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from selfserve.clock import now
from selfserve.models import AuditEvent
from selfserve.services import audit_log
from tests.clients import Browser, InProcess
from tests.factories import change, make_key, make_user, rows, save, save_all
from tests.integration.pages.parts import count, fragment, link, words

OLD = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(action="logout", by="mia", of="mia", **columns):
    """Write one event as a service would."""
    noun = action.partition(".")[0] if "." in action else "user"
    noun = "user" if noun == "login" else noun
    said = {"source": "web", "object_type": noun, "object_id": of, "owner_user_id": of, "actor_user_id": by}
    return AuditEvent(action=action, **said | {"before": {}, "after": {}} | columns)


@pytest.fixture
def log(browser, vera):
    """Vera's browser: she reads everything and changes nothing. Her own sign-in is the newest event."""
    return browser(vera)


def sentences(answer):
    """The rows of the log, as a person reads their first cells."""
    return [words(cell) for cell in answer.html.all("td") if cell.get("class") == "wrap"]


def numbers(answer):
    """The addresses of the events, numbered by who wrote them in `address`."""
    return [int(words(code)) for code in answer.html.all("code") if words(code).isdigit()]


def test_a_row_says_who_did_what_to_what_from_where_by_which_door(log, curl, ada, mia):
    key = make_key(mia, "laptop")
    curl(ada).post("/key/block", {"key": key.row.id})
    curl(ada).post("/user/update", {"user_id": "mia", "user_role": "internal_user_viewer"})
    curl().post("/v2/login", {"username": "mia@example.com", "password": "my dog's name"})
    answer = log.get("/ui/audit")
    assert [" ".join(one.replace(" ’", "’").split()[1:]) for one in sentences(answer)] == [
        "A sign-in as Mia was refused: wrong password or blocked Werkzeug",
        "Ada changed Mia’s role from Internal user to Internal viewer",
        "Ada blocked key laptop of Mia",
        "You signed in Werkzeug",
    ]
    assert "API 127.0.0.1" in answer.html.words()
    assert (count(answer), len(answer.html.all("time"))) == ("4 events", 4)


FOUND = {
    "": {1, 2, 3, 4, 5, 6},
    "?action=key.deleted": {2},
    "?action=roles": {3},
    "?action=sign-ins": {4},
    "?result=refused": {4},
    "?result=done&door=cli": {5},
    "?door=system": {6},
    "?actor=mia": {1, 2, 3},
    "?about=user:otto": {3, 4},
    "?from=2026-03-02&to=2026-03-03": {2, 3},
    "?from=2026-03-05": {5, 6},
    "?to=2026-03-01": {1},
    "?q=mi": {1, 2, 3, 5},
    "?q=otto@": {3, 4},
    "?q=LAP": {2},
    "?q=3": {3},
    "?q=request-5": {5},
    "?q=gpt-5": {6},
    "?q=top": set(),
    "?q=%25": set(),
    "?q=mi&action=roles": {3},
    "?q=gone@": {5},
    "?q=&action=&result=&door=&from=&to=": {1, 2, 3, 4, 5, 6},
}


@pytest.fixture
def six(vera, mia, otto):
    """Six events on six days, each with its number as its address."""
    make_user("Gone", deleted_at=now())
    key = make_key(mia, "laptop").row
    deeds = [
        event(),
        event("key.deleted", object_id=key.id),
        event("user.updated", of="otto", is_role_change=True, before={"role": "internal_user"}, after={}),
        event("login.failed", by=None, of="otto", is_refused=True),
        event("user.created", by="gone", source="cli", request_id="request-5"),
        event("price.updated", by=None, of=None, source="system", object_id="gpt-5",
              after={"model": "gpt-5", "prompt": "0.1", "completion": "0.1"}),
    ]  # fmt: skip
    for number, deed in enumerate(deeds, 1):
        deed.address, deed.at = str(number), OLD + timedelta(days=number - 1)
    save_all(deeds)
    return key


@pytest.mark.parametrize(("asked", "found"), FOUND.items(), ids=FOUND)
def test_what_is_looked_for_is_found_on_the_page_and_in_the_files(log, six, asked, found):
    """S-32 too: a wildcard is a letter, and letters in the middle find nothing."""
    page, part = log.get(f"/ui/audit{asked}"), log.get(f"/ui/audit{asked}", htmx=True)
    sheet, lines = log.get(f"/ui/audit.csv{asked}"), log.get(f"/ui/audit.jsonl{asked}")
    assert numbers(page) == numbers(part) == sorted(found, reverse=True)
    assert [int(row["address"]) for row in sheet.sheet if row["address"].isdigit()] == sorted(found, reverse=True)
    told = [json.loads(line) for line in lines.text.splitlines()]
    assert [int(one["address"]) for one in told if one["address"].isdigit()] == sorted(found, reverse=True)
    if not found:
        assert "No event matches" in page.html.words()


def test_the_presets_and_the_files_follow_the_filters(log, six):
    answer = log.get("/ui/audit?q=mi&door=web&older=", htmx=True)
    assert answer.headers["hx-push-url"] == "/ui/audit?q=mi&door=web"
    beside = fragment(answer).beside
    assert {"tabs", "export", "days", "count"} == set(beside)
    assert link(answer, "CSV") == "/ui/audit.csv?q=mi&door=web"
    assert link(answer, "JSONL") == "/ui/audit.jsonl?q=mi&door=web"
    assert link(answer, "Role changes") == "/ui/audit?q=mi&door=web&action=roles"


@pytest.mark.parametrize("asked", ["", "&q=mi"], ids=["all", "searched"])
def test_older_and_newer_walk_the_whole_log_both_ways_and_repeat_nothing(log, mia, asked):
    """Also where many happened at the same moment."""
    save_all([event(at=OLD + timedelta(seconds=number // 40), address=str(number)) for number in range(120)])
    path, pages = f"/ui/audit?actor=mia{asked}", []
    while path:
        answer = log.get(path)
        pages.append(numbers(answer))
        path, last = link(answer, "Older"), answer
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [number for page in pages for number in page] == [*range(119, -1, -1)]
    middle = log.get(link(last, "Newer"))
    assert numbers(middle) == pages[1]
    assert numbers(log.get(link(middle, "Newer"))) == pages[0]
    assert link(log.get(link(middle, "Newer")), "Newer") is None


def test_fewer_newer_ones_than_a_page_are_the_first_page(log, mia):
    save_all([event(at=OLD, address=str(number)) for number in range(60)])
    second = log.get(link(log.get("/ui/audit?actor=mia"), "Older"))
    newer = link(second, "Newer")
    first = numbers(log.get(newer))
    assert first == [*range(59, 9, -1)]
    save(event(at=OLD + timedelta(days=1), address="60"))
    assert numbers(log.get("/ui/audit?actor=mia"))[0] == 60


def test_an_event_in_full_says_what_was_before_and_after(log, curl, ada, mia):
    curl(ada).post("/user/update", {"user_id": "mia", "max_budget": 5, "user_role": "internal_user_viewer"})
    (deed,) = [one for one in rows(AuditEvent) if one.action == "user.updated"]
    page, part = log.get(f"/ui/audit/{deed.id}"), log.get(f"/ui/audit/{deed.id}", htmx=True)
    for answer in (page, part):
        told = {
            words(row.find("th")): [words(cell) for cell in row.findall("td")]
            for row in answer.html.all("tr")
            if row.find("th") is not None
        }
        assert told["Role"] == ["Internal user", "Internal viewer"]
        assert told["Budget"] == ["no limit", "$5.00"]
        assert told["Email address"] == ["“mia@example.com”", "Same"]
        assert [words(one) for one in answer.html.all("del", "ins")][:2] == ["Internal user", "Internal viewer"]
        assert deed.request_id in answer.html.words()
        assert link(answer, "All they did") == "/ui/audit?actor=ada"
        assert link(answer, "All that was done to them") == "/ui/audit?about=user:mia"
    assert fragment(part).id == f"event-{deed.id}"
    shut = log.get(f"/ui/audit/{deed.id}?shut", htmx=True)
    assert (fragment(shut).id, shut.html.all("del", "ins")) == (f"event-{deed.id}", [])


@pytest.mark.parametrize("asked", ["?action=key.melted", "?actor=nobody-here", "?about=ufo:1"])
def test_what_nobody_knows_finds_nothing_and_says_what_was_asked(log, six, asked):
    answer = log.get(f"/ui/audit{asked}")
    assert "No event matches" in answer.html.words()
    chosen = [words(one) for one in answer.html.all("option") if one.get("selected") is not None]
    assert ("key.melted" in chosen) is ("action" in asked)
    assert ("nobody-here" in answer.html.words()) is ("actor" in asked)


@pytest.mark.parametrize("name", ["0", "999999", "x", "1e3", "-1", "9" * 30, "١"])
def test_an_event_that_is_not_there_is_404(log, name):
    assert log.get(f"/ui/audit/{name}").status == 404


def test_many_of_one_beginning_say_so(log):
    for number in range(11):
        make_user(f"Twin {number}")
    answer = log.get("/ui/audit?q=twin")
    assert "More people or keys than ten begin with “twin”" in answer.html.words()


DAMAGED = ["?from=2026-03-02&to=2026-03-01", "?from=x", "?door=window", "?about=mia", "?q=a&q=b"]
TORN = ["?older=x", "?newer=x.y", "?older=20260301T000000000000Z.x"]
TORN += ["?older=20260301T000000000000Z.5&newer=20260301T000000000000Z.3"]


@pytest.mark.parametrize("asked", [*DAMAGED, *TORN])
def test_a_damaged_filter_is_refused_and_never_means_everything(log, six, asked):
    """S-7c."""
    for path in ("/ui/audit", "/ui/audit.csv", "/ui/audit.jsonl"):
        if ("older" not in asked and "newer" not in asked) or path == "/ui/audit":
            assert log.get(path + asked).status in (400, 422), path


def test_only_the_admins_read_it_and_the_others_see_their_own_activity(browser, ada, vera, mia, ivo):
    for user in (mia, ivo):
        page = browser(user)
        for path in ("/ui/audit", "/ui/audit/1", "/ui/audit.csv", "/ui/audit.jsonl"):
            assert page.get(path).status == 403
        assert link(page.get("/ui/account"), "Audit log") is None
        assert "You signed in" in page.get("/ui/account").html.words()
    for user in (ada, vera):
        page = browser(user).get("/ui/account")
        assert link(page, "All you did, in the audit log") == f"/ui/audit?actor={user.user_id}"
        assert link(page, "Audit log") == "/ui/audit"


def test_how_long_it_is_kept_is_said(log, app_with, vera):
    assert "Kept for ever." in log.get("/ui/audit").html.words()
    page = Browser(InProcess(app_with(selfserve_audit_retention="400d"))).sign_in(vera)
    assert "Kept for 400 days." in page.get("/ui/audit").html.words()


@pytest.mark.parametrize("formula", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "x;=1+1"])
def test_no_cell_is_a_formula(log, formula):
    """S-36: whatever somebody called themselves or their model."""
    save(event("price.updated", by=formula, of=formula, object_id=formula, address=formula,
               after={"model": formula, "prompt": "1", "completion": "1"}))  # fmt: skip
    row = next(row for row in log.get("/ui/audit.csv").sheet if row["event"] == "price.updated")
    for column in ("changed_by", "object_id", "owner_user_id", "address"):
        assert not row[column].startswith(tuple("=+-@")), column
        assert ";=" not in row[column]
    assert not row["updated_values"].startswith(tuple("=+-@"))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_who_took_the_log_along_is_written_down_with_what_was_asked_for(log, six, kind):
    """S-45: not in the file itself; words that were searched for may be a secret and stay out of the row."""
    hidden = "sk-ss_" + "a" * 39
    asked = {"?actor=mia&door=web&from=2026-03-02": 2, f"?q={hidden}": 0, f"?about=key:{hidden}": 0, "": 10}
    for query, found in asked.items():
        answer = log.get(f"/ui/audit.{kind}{query}")
        assert len(answer.sheet if kind == "csv" else answer.text.splitlines()) == found
    told = [(one.actor_user_id, one.after) for one in rows(AuditEvent) if one.action == "audit.downloaded"]
    assert told == [
        ("vera", {"file": kind, "events": 2, "actor": "mia", "door": "web", "from": "2026-03-02"}),
        ("vera", {"file": kind, "events": 0, "searched": True}),
        ("vera", {"file": kind, "events": 0, "about": "key:(hidden)"}),
        ("vera", {"file": kind, "events": 10}),
    ]
    assert "You downloaded 2 events of the audit log" in log.get("/ui/audit").html.words()


def test_a_file_is_read_in_batches_and_none_is_held_longer(log, queries, monkeypatch, mia):
    monkeypatch.setattr(audit_log, "AT_ONCE", 20)
    save_all([event(at=OLD, address=str(number)) for number in range(65)])
    log.get("/ui/audit")
    with queries() as sent:
        told = log.get("/ui/audit.jsonl?actor=mia").text.splitlines()
    assert [int(json.loads(line)["address"]) for line in told] == [*range(64, -1, -1)]
    assert len(sent) == 1 + 1 + 1 + 4 * 2


def test_more_than_a_file_holds_is_refused_before_it_begins(log, monkeypatch, mia):
    monkeypatch.setattr(audit_log, "MOST_EXPORTED", 5)
    save_all([event(at=OLD) for _ in range(6)])
    for kind in ("csv", "jsonl"):
        answer = log.get(f"/ui/audit.{kind}")
        assert (answer.status, "more than 5 events" in answer.html.words()) == (422, True)


def test_odd_names_stay_text(log, mia):
    """S-27."""
    change(mia, alias="<script>x</script>")
    key = make_key(mia, "<b>bold</b>").row
    save(event("key.blocked", object_id=key.id, before={"alias": "<i>"}, after={"alias": "<u>"}, request_id="<q>"))
    newest = max(rows(AuditEvent), key=lambda one: one.id).id
    for path in ("/ui/audit", f"/ui/audit/{newest}"):
        answer = log.get(path)
        assert "<b>bold</b>" in answer.html.words()
        assert answer.html.all("i", "u", "q") == []
