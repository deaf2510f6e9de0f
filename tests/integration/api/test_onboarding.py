"""Invitations and onboarding by curl: one person, one link, one use, seven days."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.models import Invitation
from tests.application import BASE_URL
from tests.factories import PASSWORD, change, make_invitation, make_key, make_user, reload, rows
from tests.integration.api.shapes import INVITATION, UUID, assert_moments

GONE = "This link is no longer valid: it has expired, was used, or was replaced. Sign in, or ask for a new one."
NEW_PASSWORD = "seven quiet foxes at noon"


def token_of(door, link):
    """Open a link as a page would, without using it up."""
    answer = door.get("/onboarding/get_token", invite_link=link)
    assert answer.status == 200
    return answer.json["token"]


def claim(curl, link, password=NEW_PASSWORD, **more):
    """Open a link and set the password with it."""
    token = token_of(curl(), link)
    return curl(token).post("/onboarding/claim_token", {"invitation_link": link, "password": password, **more})


def can_sign_in(curl, user, password):
    return curl().post("/v2/login", {"username": user.email, "password": password}).status == 200


# -- making and reading invitations ----------------------------------------------------------------------------


def test_ada_invites_ina_and_gets_exactly_the_documented_fields(curl, ada, ina):
    answer = curl(ada).post("/invitation/new", {"user_id": ina.user_id})
    assert answer.status == 200
    invitation = answer.json
    assert set(invitation) == INVITATION
    assert_moments(invitation)
    assert UUID.fullmatch(invitation["id"])
    assert (invitation["user_id"], invitation["is_accepted"], invitation["accepted_at"]) == ("ina", False, None)
    assert invitation["created_by"] == invitation["updated_by"] == "ada"
    lasts = datetime.fromisoformat(invitation["expires_at"]) - datetime.fromisoformat(invitation["created_at"])
    assert lasts == timedelta(days=7)
    assert answer.location == f"{BASE_URL}/ui/onboarding?id={invitation['id']}"


def test_the_master_key_invites_as_default_user_id(master, ina):
    assert master.post("/invitation/new", {"user_id": "ina"}).json["created_by"] == "default_user_id"


def test_the_id_that_opens_the_link_is_not_stored(master, ina):
    secret = master.post("/invitation/new", {"user_id": "ina"}).json["id"]
    (row,) = rows(Invitation)
    assert secret not in str(vars(row))


def test_who_sent_it_may_look_at_it_by_its_full_id_and_others_see_the_rows_own(curl, ada, vera, ina):
    sender = curl(ada)
    secret = sender.post("/invitation/new", {"user_id": "ina"}).json["id"]
    row_id = rows(Invitation)[0].id
    assert sender.get("/invitation/info", invitation_id=secret).json["id"] == secret
    assert sender.get("/invitation/info", invitation_id=row_id).json["id"] == row_id
    looked_at = curl(vera).get("/invitation/info", invitation_id=row_id)
    assert looked_at.json["id"] == row_id
    assert set(looked_at.json) == INVITATION


@pytest.mark.parametrize(
    ("path", "field"), [("new", "user_id"), ("update", "invitation_id"), ("delete", "invitation_id")]
)
def test_who_or_what_is_unknown_is_404(master, path, field):
    answer = master.post(f"/invitation/{path}", {field: "nobody", "is_accepted": True})
    assert (answer.status, answer.error["type"]) == (404, "not_found_error")


def test_an_unknown_invitation_is_404_to_look_at(master):
    assert master.get("/invitation/info", invitation_id="nope").status == 404


def test_a_missing_field_is_named(master):
    answer = master.post("/invitation/new", {})
    assert (answer.status, answer.error["param"]) == (422, "user_id")


def test_the_blocked_are_not_invited(master, rex):
    assert master.post("/invitation/new", {"user_id": "rex"}).status == 409


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user", "internal_user_viewer"])
def test_only_admins_invite_change_and_delete(curl, ina, role):
    door = curl(make_user("Someone", role=role))
    invitation = make_invitation(ina)
    before = reload(invitation.row)
    for path, body in {
        "new": {"user_id": "ina"},
        "update": {"invitation_id": invitation.secret, "is_accepted": True},
        "delete": {"invitation_id": invitation.secret},
    }.items():
        assert door.post(f"/invitation/{path}", body).status == 403
        assert (
            door.post(f"/invitation/{path}", {"user_id": "nope", "invitation_id": "nope", "is_accepted": True}).status
            == 403
        )
    assert len(rows(Invitation)) == 1
    assert reload(before).ended_at is None


def test_users_may_not_look_at_invitations(curl, mia, ina):
    assert curl(mia).get("/invitation/info", invitation_id=make_invitation(ina).secret).status == 403


def test_a_newer_link_ends_the_older(curl, master, ina):
    older = master.post("/invitation/new", {"user_id": "ina"}).json["id"]
    newer = master.post("/invitation/new", {"user_id": "ina"}).json["id"]
    assert curl().get("/onboarding/get_token", invite_link=older).status == 410
    assert curl().get("/onboarding/get_token", invite_link=newer).status == 200


def test_update_with_true_ends_the_link_and_with_false_changes_nothing(curl, master, ina):
    link = master.post("/invitation/new", {"user_id": "ina"}).json["id"]
    assert master.post("/invitation/update", {"invitation_id": link, "is_accepted": False}).json["is_accepted"] is False
    assert curl().get("/onboarding/get_token", invite_link=link).status == 200
    answer = master.post("/invitation/update", {"invitation_id": link, "is_accepted": True})
    assert answer.status == 200
    assert set(answer.json) == INVITATION
    assert curl().get("/onboarding/get_token", invite_link=link).status == 410
    assert reload(ina).password_hash is None


def test_an_accepted_invitation_cannot_be_taken_back(curl, master, ina):
    link = make_invitation(ina).secret
    assert claim(curl, link).status == 200
    assert master.post("/invitation/update", {"invitation_id": link, "is_accepted": False}).status == 409


def test_delete_answers_the_row_and_ends_the_link(curl, master, ina):
    link = master.post("/invitation/new", {"user_id": "ina"}).json["id"]
    answer = master.post("/invitation/delete", {"invitation_id": link})
    assert answer.status == 200
    assert set(answer.json) == INVITATION
    assert curl().get("/onboarding/get_token", invite_link=link).status == 410
    assert master.post("/invitation/delete", {"invitation_id": link}).status == 404


# -- opening a link --------------------------------------------------------------------------------------------


def test_opening_a_link_changes_nothing_however_often(curl, ina):
    invitation = make_invitation(ina)
    before = vars(reload(invitation.row)).copy()
    for _ in range(3):
        answer = curl().get("/onboarding/get_token", invite_link=invitation.secret)
        assert set(answer.json) == {"login_url", "token", "user_email"}
        assert answer.json["user_email"] == "ina@example.com"
        assert answer.json["login_url"] == f"{BASE_URL}/ui/onboarding?id={invitation.secret}"
        assert curl().send("HEAD", f"/onboarding/get_token?invite_link={invitation.secret}").status in (200, 405)
    after = vars(reload(invitation.row))
    assert {name: after[name] for name in before if not name.startswith("_")} == {
        name: value for name, value in before.items() if not name.startswith("_")
    }


@pytest.mark.parametrize("cause", ["unknown", "expired", "used", "replaced", "deleted", "blocked", "user deleted"])
def test_every_dead_link_says_the_same(curl, ina, cause):
    invitation = make_invitation(ina)
    link = invitation.secret
    match cause:
        case "unknown":
            link = "00000000-0000-4000-8000-000000000000"
        case "expired":
            change(invitation.row, expires_at=now())
        case "used":
            claim(curl, link)
        case "replaced":
            change(invitation.row, ended_at=now())
        case "deleted":
            change(invitation.row, ended_at=now(), deleted_at=now())
        case "blocked":
            change(ina, is_blocked=True)
        case "user deleted":
            change(ina, deleted_at=now())
    token = curl().get("/onboarding/get_token", invite_link=link)
    assert (token.status, token.error["message"]) == (410, GONE)
    assert "ina" not in token.text


def test_a_missing_link_is_named(curl):
    answer = curl().get("/onboarding/get_token")
    assert (answer.status, answer.error["param"]) == (422, "invite_link")


# -- claiming --------------------------------------------------------------------------------------------------


def test_ina_sets_her_password_and_signs_in_with_it(curl, ina):
    answer = claim(curl, make_invitation(ina).secret, user_id="ina")
    assert answer.status == 200
    assert set(answer.json) == {"login_url", "user_email", "user"}
    assert answer.json["login_url"] == f"{BASE_URL}/ui/login"
    assert answer.json["user"]["user_id"] == "ina"
    assert answer.cookies == []
    assert can_sign_in(curl, ina, NEW_PASSWORD)


def test_a_link_works_once(curl, ina):
    link = make_invitation(ina).secret
    token = token_of(curl(), link)
    body = {"invitation_link": link, "password": NEW_PASSWORD}
    assert curl(token).post("/onboarding/claim_token", body).status == 200
    again = curl(token).post("/onboarding/claim_token", body | {"password": "another quiet night by the sea"})
    assert (again.status, again.error["message"]) == (410, GONE)
    assert can_sign_in(curl, ina, NEW_PASSWORD)


def test_a_claim_wants_the_token_of_this_very_link(curl, ina, otto):
    mine, other = make_invitation(ina).secret, make_invitation(otto).secret
    body = {"invitation_link": mine, "password": NEW_PASSWORD}
    for token in (None, "nonsense"):
        assert curl(token).post("/onboarding/claim_token", body).status == 401
    assert curl(token_of(curl(), other)).post("/onboarding/claim_token", body).status in (401, 410)
    assert reload(ina).password_hash is None


def test_the_token_ends_after_a_quarter_of_an_hour(curl, ina):
    link = make_invitation(ina).secret
    token = token_of(curl(), link)
    with travel(now() + timedelta(minutes=15, seconds=1)):
        answer = curl(token).post("/onboarding/claim_token", {"invitation_link": link, "password": NEW_PASSWORD})
    assert answer.status == 401


def test_the_token_opens_nothing_else_and_nothing_else_opens_a_claim(curl, ada, ina):
    link = make_invitation(ina).secret
    assert curl(token_of(curl(), link)).get("/user/info").status == 401
    body = {"invitation_link": link, "password": NEW_PASSWORD}
    assert curl(ada).post("/onboarding/claim_token", body).status == 401


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("tooshort", "12 characters"),
        ("passwordpassword", "easy to guess"),
        ("ina@example.com", "easy to guess"),
        ("x" * 129, "128"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_lives(curl, ina, password, words):
    link = make_invitation(ina).secret
    answer = claim(curl, link, password)
    assert (answer.status, answer.error["param"]) == (422, "password")
    assert words in answer.error["message"]
    assert password not in answer.text
    assert claim(curl, link).status == 200


def test_a_claim_for_somebody_else_says_nothing_of_whose_link_it_is(curl, ina, mia):
    answer = claim(curl, make_invitation(ina).secret, user_id="mia")
    assert answer.status in (401, 403, 410, 422)
    assert "ina" not in answer.text
    assert reload(ina).password_hash is None


def test_who_has_no_address_must_bring_one_that_is_free(curl, mia):
    nameless = make_user("Noe", email=None, password=None)
    link = make_invitation(nameless).secret
    assert claim(curl, link).error["param"] == "user_email"
    assert claim(curl, link, user_email="MIA@example.com").status == 409
    answer = claim(curl, link, user_email="Noe@example.com")
    assert (answer.status, answer.json["user_email"]) == (200, "Noe@example.com")


def test_for_who_has_a_password_the_link_resets_it_and_ends_the_sessions(curl, browser, mia):
    key, page = make_key(mia, "laptop", total_spend=5), browser(mia)
    assert page.get("/ui/account").status == 200
    assert claim(curl, make_invitation(mia).secret).status == 200
    assert page.get("/ui/account").status == 303
    assert not can_sign_in(curl, mia, PASSWORD)
    assert can_sign_in(curl, mia, NEW_PASSWORD)
    assert curl(key.secret).get("/key/info").json["info"]["total_spend"] == pytest.approx(5e-9)


def test_of_fifty_claims_at_once_one_wins(app, curl, ina):
    link = make_invitation(ina).secret
    token = token_of(curl(), link)
    passwords = [f"a quiet night by the sea number {number}" for number in range(50)]

    def try_it(password):
        return curl(token).post("/onboarding/claim_token", {"invitation_link": link, "password": password}).status

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(try_it, passwords))
    assert sorted(set(statuses)) in ([200, 410], [200, 410, 429])
    assert statuses.count(200) == 1
    assert can_sign_in(curl, ina, passwords[statuses.index(200)])
