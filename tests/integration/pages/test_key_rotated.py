"""A key gets a new secret that is shown once; what used the old one has time, or none."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import FormerSecret
from tests.factories import make_key, make_rotating_key, reload, rows
from tests.html import SECRET
from tests.integration.pages.parts import errors, found, fragment, link, toast, words, writes

both_ways = pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])


@pytest.fixture
def page(browser, mia):
    """Mia, signed in."""
    return browser(mia)


def rotate(page, key, grace="24h", *, htmx=False, place="", reveals=True):
    """Open the question, choose and send it."""
    page.get(f"/ui/keys/{key.row.id}/rotate{place}")
    form = page.form(f"/ui/keys/{key.row.id}/rotate")
    return page.post(form.action, form.fields | {"grace": grace}, htmx=htmx, reveals=reveals)


def choices(answer):
    """The choices with what stands below each."""
    radios = [label for label in answer.html.all("label") if "choice" in (label.get("class") or "")]
    return {next(label.iter("input")).get("value"): words(label) for label in radios}


@both_ways
def test_the_question_has_five_answers_and_says_until_when(page, mia, htmx):
    key = make_key(mia, "laptop", expires_at=now() + timedelta(days=3))
    answer = page.get(f"/ui/keys/{key.row.id}/rotate?q=lap", htmx=htmx)
    assert answer.status == 200
    said = choices(answer)
    assert [*said] == ["24h", "use", "none", "1h", "7d"]
    assert "Until the key itself expires" in said["7d"]
    assert "itself" not in said["24h"]
    assert link(answer, "Cancel") == "/ui/keys?q=lap"
    assert not htmx or fragment(answer).id == "confirm"


@pytest.mark.parametrize(
    ("grace", "lasts"), [("1h", 1), ("24h", 24), ("7d", 168), ("use", 168), ("none", None)]
)  # fmt: skip
@both_ways
def test_the_new_secret_is_shown_once_and_the_old_one_has_the_time_that_was_chosen(page, curl, mia, grace, lasts, htmx):
    key = make_key(mia, "laptop", models=["o4"])
    answer = rotate(page, key, grace, htmx=htmx)
    (secret,) = SECRET.findall(answer.text)
    assert (answer.status, words(found(answer, "secret"))) == (201, secret)
    assert secret != key.secret
    (former,) = rows(FormerSecret)
    left = former.ends_at - now()
    assert (left <= timedelta(0)) if lasts is None else (abs(left - timedelta(hours=lasts)) < timedelta(minutes=1))
    assert curl(secret).get("/key/info").json["info"]["id"] == key.row.id
    assert curl(key.secret).get("/key/info").status == (200 if lasts else 401)
    if htmx:
        shown = fragment(answer)
        assert (shown.id, answer.headers["hx-retarget"], answer.headers["hx-reswap"]) == ("key", "#main", "innerHTML")
        assert answer.headers["hx-push-url"] == f"/ui/keys/{key.row.id}"
    assert secret not in page.get(f"/ui/keys/{key.row.id}").text


def test_the_panel_shows_both_secrets_and_the_grace(page, mia):
    used = {"last_used_at": now() - timedelta(minutes=3, seconds=5), "last_address": "10.0.3.9"}
    key = make_key(mia, "laptop", secret_used_at=used["last_used_at"], last_agent="node-fetch", **used)
    answer = rotate(page, key, "24h")
    said = words(found(answer, "secrets"))
    assert "Not used yet New" in said
    assert f"…{key.row.tail} Used 3 minutes ago by node-fetch from 10.0.3.9 24 h left" in said
    assert "Replace the old secret within 24 hours." in answer.html.words()
    assert link(answer, "I saved it, close") == f"/ui/keys/{key.row.id}"
    assert found(answer, "snippets") is not None


def test_without_a_grace_it_says_that_the_old_one_is_over(page, mia):
    answer = rotate(page, make_key(mia, "laptop"), "none")
    assert "The old secret does not work any more." in answer.html.words()
    assert found(answer, "secrets") is None


@both_ways
def test_a_second_rotation_is_refused_while_one_is_open_and_the_end_is_offered(page, mia, htmx):
    key = make_rotating_key(mia, "laptop")
    asked = page.get(f"/ui/keys/{key.row.id}/rotate?q=lap", htmx=htmx)
    assert "rotating already" in asked.html.words()
    assert choices(asked) == {}
    assert writes(asked) == [f"/ui/keys/{key.row.id}/grace/end?q=lap"]
    page.get(f"/ui/keys/{key.row.id}/rotate?q=lap")
    answer = page.post(writes(asked)[0], {"then": "rotate"}, htmx=htmx)
    if not htmx:
        assert (answer.status, answer.location) == (303, f"/ui/keys/{key.row.id}/rotate?q=lap")
        answer = page.follow(answer)
    assert len(choices(answer)) == 5
    assert reload(key.row).grace_ends_at is None


@both_ways
def test_a_form_that_was_open_while_another_rotated_is_told(page, mia, htmx):
    key = make_rotating_key(mia, "laptop")
    page.get("/ui/keys")
    answer = page.post(f"/ui/keys/{key.row.id}/rotate", {"grace": "24h"}, htmx=htmx)
    assert answer.status == 422
    assert "rotating already" in answer.html.words()


def test_an_expired_key_is_told_to_need_a_new_expiry_first(page, mia):
    key = make_key(mia, "laptop", expires_at=now() - timedelta(days=1))
    answer = rotate(page, key, reveals=False)
    assert (answer.status, "give it a new expiry first" in answer.html.words()) == (422, True)
    assert reload(key.row).token == key.row.token


def test_nonsense_for_a_grace_is_told(page, mia):
    answer = rotate(page, make_key(mia), "forever", reveals=False)
    assert (answer.status, [*errors(answer)]) == (422, ["grace"])


@both_ways
def test_ended_from_the_list_it_leads_back_there(page, curl, mia, htmx):
    key = make_rotating_key(mia, "laptop")
    page.get("/ui/keys")
    answer = page.post(f"/ui/keys/{key.row.id}/grace/end?q=lap", {}, htmx=htmx)
    answer = answer if htmx else page.follow(answer)
    assert "The old secret of “laptop” does not work any more." in toast(answer)
    assert curl(key.former).get("/key/info").status == 401


def test_earlier_secrets_stay_on_the_page(page, mia):
    key = make_key(mia, "laptop")
    for _ in range(3):
        rotate(page, key, "none")
    said = words(found(page.get(f"/ui/keys/{key.row.id}"), "secrets"))
    assert said.startswith("Secret …")
    assert said.count("Stopped Just now") == 3


@pytest.mark.parametrize("deed", ["rotate", "grace/end"])
@both_ways
def test_somebody_elses_is_404(page, otto, deed, htmx):
    key = make_rotating_key(otto, "not hers")
    page.get("/ui/keys")
    assert page.post(f"/ui/keys/{key.row.id}/{deed}", {"grace": "none"}, htmx=htmx).status == 404
    assert reload(key.row).token == key.row.token


def test_ada_rotates_mias_key_and_is_the_one_who_sees_it(browser, ada, mia):
    key = make_key(mia, "laptop")
    answer = rotate(browser(ada), key, place="?list=all")
    assert (answer.status, link(answer, "All keys")) == (201, "/ui/all-keys")
    assert "Ada rotated the secret" in browser(mia).get(f"/ui/keys/{key.row.id}").html.words()


@pytest.mark.parametrize("htmx", [False, True])
def test_a_form_that_is_sent_twice_rotates_once(page, mia, htmx):
    """A reload of the page with the new secret must not end the secret that was just copied."""
    key = make_key(mia, "laptop")
    rotate(page, key, "none")
    rotated = reload(key.row)
    again = page.post(f"/ui/keys/{key.row.id}/rotate", {"grace": "none", "tail": key.row.tail}, htmx=htmx)
    assert again.status == (204 if htmx else 303)
    assert reload(key.row).token == rotated.token
    assert "was rotated already" in page.get(f"/ui/keys/{key.row.id}").html.words()


def test_limits_that_changed_with_the_secret_are_told_beside_it(page, curl, ada, mia):
    key = make_key(mia, "laptop")
    curl(ada).post("/key/regenerate", {"key": key.row.id, "max_budget": 1000}, reveals=True)
    curl(ada).post("/key/update", {"key": key.row.id, "allowed_routes": ["/key/info"], "spend": 3})
    told = page.get(f"/ui/keys/{key.row.id}").html.words()
    assert "Ada rotated the secret and changed the budget from no limit to $1,000.00" in told
    assert "Ada changed the routes from all routes to /key/info, spend from $0.00 to $3.00" in told
