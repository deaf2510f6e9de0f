"""Rules that hold when everybody does it at once, through both doors (S-19, S-41, S-43, S-47)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from selfserve.models import ApiKey, AuditEvent, Invitation, Session, User
from selfserve.services import bootstrap
from tests.application import MASTER_KEY
from tests.clients import Curl, InProcess
from tests.factories import PASSWORD, make_invitation, make_key, make_user, rows
from tests.integration.security.actions import token_of
from tests.integration.security.replays import Thief, replay, steal

AT_ONCE = 50
THREADS = 16


def all_at_once(deeds):
    """Do everything at the same moment, as far as the threads go."""
    gate = Barrier(min(THREADS, len(deeds)))

    def run(numbered):
        number, deed = numbered
        if number < gate.parties:
            gate.wait(30)
        return deed()

    with ThreadPoolExecutor(gate.parties) as threads:
        return list(threads.map(run, enumerate(deeds)))


def people():
    return [user for user in rows(User) if not user.is_reserved and not user.deleted_at]


def admins():
    return [user for user in people() if user.role == "proxy_admin" and not user.is_blocked]


# -- one winner ------------------------------------------------------------------------------------------------


def test_of_fifty_claims_through_both_doors_one_wins(app, browser, ina):
    """S-19: half by the page, half by curl, each with a password of its own; one of them is the password."""
    secret = make_invitation(ina).secret
    token = Curl(Thief(app)).get("/onboarding/get_token", invite_link=secret).json["token"]

    def by_curl(word):
        body = {"invitation_link": secret, "password": word}
        return lambda: Curl(InProcess(app), token).post("/onboarding/claim_token", body).status == 200

    def by_page(word):
        page = browser()
        page.follow(page.get(f"/ui/onboarding?id={secret}"))
        return lambda: page.submit("/ui/onboarding", password=word).status == 303

    words = [f"a quiet night by the sea number {number}" for number in range(AT_ONCE)]
    results = all_at_once([(by_page if number % 2 else by_curl)(word) for number, word in enumerate(words)])
    assert results.count(True) == 1
    works = [Curl(Thief(app)).post("/v2/login", {"username": ina.email, "password": words[results.index(True)]}).status]
    assert works == [200]
    assert [event.action for event in rows(AuditEvent)].count("invitation.accepted") == 1


def test_of_fifty_users_with_one_address_through_both_doors_one_is_made(app, browser, ada):
    """S-47, S-48: however the address is written."""
    page = browser(ada)
    token, loot = token_of(page), steal(app, page)
    spellings = [
        "dana@example.com",
        "DANA@EXAMPLE.COM",
        "Dana@Example.com",
        "ｄａｎａ@example.com",
        "dana@example.com.",
    ]

    def by_curl(email):
        body = {"user_email": email, "auto_create_key": False}
        return lambda: Curl(InProcess(app), MASTER_KEY).post("/user/new", body).status == 200

    def by_page(email):
        fields = {"emails": email, "role": "internal_user"} | token
        return lambda: replay(app, loot.header).post("/ui/users", fields).status == 201

    deeds = [(by_page if number % 2 else by_curl)(spellings[number % 4]) for number in range(AT_ONCE)]
    assert all_at_once(deeds).count(True) == 1
    assert len([user for user in people() if user.user_id != "ada"]) == 1


def test_of_fifty_keys_with_one_name_through_both_doors_one_is_made(app, browser, mia):
    """S-47: an alias is unique within its owner, by the database."""
    page, secret = browser(mia), make_key(mia).secret
    token, loot = token_of(page), steal(app, page)

    def by_curl():
        return Curl(InProcess(app), secret).post("/key/generate", {"key_alias": "laptop"}, reveals=True).status == 200

    def by_page():
        return replay(app, loot.header).post("/ui/keys", {"key_alias": "laptop"} | token, reveals=True).status == 201

    assert all_at_once([by_page if number % 2 else by_curl for number in range(AT_ONCE)]).count(True) == 1
    assert [key.alias for key in rows(ApiKey)].count("laptop") == 1


def test_a_form_sent_twice_makes_one_key_and_shows_its_secret_once(app, browser, mia):
    """S-14, S-47: the double click; the second answer has no secret."""
    page = browser(mia)
    page.get("/ui/keys/new")
    fields = page.form("/ui/keys").fields | {"key_alias": ""}
    loot = steal(app, page)

    def send(number):
        sent = fields | {"key_alias": f"laptop {number}"}
        return lambda: replay(app, loot.header).post("/ui/keys", sent, reveals=True)

    answers = all_at_once([send(number) for number in range(10)])
    assert [answer.status for answer in answers].count(201) == 1
    assert len(rows(ApiKey)) == 1


def test_of_many_links_made_at_once_one_is_open(app, ina):
    """S-20: the newest ends the others also when there is no newest."""

    def invite():
        return Curl(InProcess(app), MASTER_KEY).post("/invitation/new", {"user_id": "ina"})

    secrets = [answer.json["id"] for answer in all_at_once([invite] * 12) if answer.status == 200]
    opened = [Curl(Thief(app)).get("/onboarding/get_token", invite_link=secret).status for secret in secrets]
    assert opened.count(200) == 1
    assert len([row for row in rows(Invitation) if row.ended_at is None]) == 1


# -- the first admin -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", [None, "dana@example.com"])
def test_of_many_first_starts_at_once_one_makes_an_admin(app, email):
    """S-41: two machines may set up one database; nobody becomes admin by being quick."""

    def start():
        with app.app_context():
            return bootstrap.invite_first_admin(email)

    secrets = [secret for secret in all_at_once([start] * 8) if secret]
    assert len(secrets) == 1
    assert len(admins()) == 1


def test_no_login_and_no_claim_makes_an_admin_by_itself(app, browser, ina):
    """S-41: on a house without admins the first person in is who they were invited as."""
    page = browser()
    page.follow(page.get(f"/ui/onboarding?id={make_invitation(ina).secret}"))
    assert page.submit("/ui/onboarding", password="seven quiet foxes at noon").status == 303
    assert admins() == []


# -- the last admin --------------------------------------------------------------------------------------------

FALLS = {"role": {"role": "internal_user"}, "block": {}, "delete": {}}


@pytest.mark.parametrize("deed", FALLS)
def test_the_last_admin_does_not_fall_on_the_page_not_even_by_their_own_hand(browser, ada, deed):
    """S-43: demote, block, delete."""
    page = browser(ada)
    token = token_of(page)
    for htmx in (False, True):
        assert page.post(f"/ui/users/{ada.id}/{deed}", FALLS[deed] | token, htmx=htmx).status == 409
    assert [user.user_id for user in admins()] == ["ada"]
    assert page.get("/ui/users").status == 200


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("deed", FALLS)
@pytest.mark.parametrize("whom", ["each other", "themselves"])
def test_of_four_admins_who_all_fall_at_once_one_stays(app, browser, ada, deed, whom, number):
    """S-43: a ring in which each removes the next, and everybody resigning at the same moment."""
    circle = [ada, *(make_user(name, role="proxy_admin") for name in ("Bea", "Cleo", "Dora"))]
    doors = []
    for person, other in zip(circle, circle[1:] + circle[:1], strict=True):
        page = browser(person)
        fields, target = FALLS[deed] | token_of(page), other if whom == "each other" else person
        doors.append((steal(app, page).header, f"/ui/users/{target.id}/{deed}", fields))
    statuses = all_at_once([lambda door=door: replay(app, door[0]).post(door[1], door[2]).status for door in doors])
    assert set(statuses) <= {303, 403, 409}
    assert len(admins()) >= 1
    assert len(admins()) == 4 - sum(
        user.role != "proxy_admin" or user.is_blocked or bool(user.deleted_at) for user in rows(User) if user.email
    )


def test_an_admin_who_cannot_sign_in_yet_does_not_stand_in_for_the_last(browser, master, ada):
    """S-43: invited is not there."""
    make_user("Bea", role="proxy_admin", password=None)
    make_user("Rex", role="proxy_admin", is_blocked=True)
    page = browser(ada)
    assert page.post(f"/ui/users/{ada.id}/role", {"role": "internal_user"} | token_of(page)).status == 409
    assert master.post("/user/delete", {"user_ids": ["ada"]}).status == 409


# -- ends against begins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["block", "delete"])
def test_nobody_gets_a_session_while_they_are_being_removed(app, browser, ada, end):
    """S-10, S-37: logins, claims and new keys race with the block; afterwards nothing is open."""
    user = make_user("Nora")
    secret, key, page = make_invitation(user).secret, make_key(user).secret, browser(ada)
    token, loot = token_of(page), steal(app, page)

    def remove():
        return replay(app, loot.header).post(f"/ui/users/{user.id}/{end}", token).status

    def log_in():
        return Curl(InProcess(app)).post("/v2/login", {"username": user.email, "password": PASSWORD}).status

    def claim():
        opened = Curl(InProcess(app)).get("/onboarding/get_token", invite_link=secret)
        if opened.status != 200:
            return opened.status
        body = {"invitation_link": secret, "password": "seven quiet foxes at noon"}
        return Curl(InProcess(app), opened.json["token"]).post("/onboarding/claim_token", body).status

    def make():
        return Curl(InProcess(app), key).post("/key/generate", {}, reveals=True).status

    statuses = all_at_once([log_in, claim, make, remove, log_in, claim, make, log_in])
    assert statuses[3] == 303
    assert set(statuses) <= {200, 303, 401, 403, 404, 409, 410, 429}
    assert [row for row in rows(Session) if row.user_pk == user.id] == []
    assert [row for row in rows(Invitation) if row.accepted_at is None and row.ended_at is None] == []
    living = [each for each in rows(ApiKey) if each.owner_id == user.id and not each.deleted_at]
    assert end == "block" or living == []
    assert Curl(Thief(app), key).get("/key/info").status == 401


def test_overlapping_invitations_end_in_one_winner_for_each_address(app, browser, ada):
    """S-47: the same people in another order, sent at once, are one form accepted and the others told who exists."""
    page = browser(ada)
    token, loot = token_of(page), steal(app, page)
    names = [f"person{number}@example.com" for number in range(6)]

    def send(number):
        emails = names[number % 6 :] + names[: number % 6]
        fields = {"emails": "\n".join(emails), "role": "internal_user"} | token
        return lambda: replay(app, loot.header).post("/ui/users", fields).status

    statuses = all_at_once([send(number) for number in range(12)])
    assert (statuses.count(201), statuses.count(422)) == (1, 11)
    assert sorted(user.email for user in people() if user.email != ada.email) == names
