"""An invitation's link: looked at by anybody who has it, used once, dead in time (S-19, S-20)."""

import uuid
from datetime import timedelta

import pytest
from time_machine import travel

from selfserve.clock import now
from selfserve.minting import fingerprint, mint_invitation
from selfserve.models import Invitation
from tests.clients import Browser, Curl
from tests.factories import PASSWORD, change, make_invitation, make_user, reload, rows
from tests.integration.security.actions import token_of
from tests.integration.security.replays import Thief
from tests.integration.security.snapshots import dump, unchanged

NEW_PASSWORD = "seven quiet foxes at noon"


def claim_on_the_page(page, secret, password=NEW_PASSWORD):
    """Open a link and set the password, as far as it goes."""
    opened = page.follow(page.get(f"/ui/onboarding?id={secret}"))
    return page.submit("/ui/onboarding", password=password) if opened.status == 200 else opened


def claim_by_curl(app, secret, password=NEW_PASSWORD):
    opened = Curl(Thief(app)).get("/onboarding/get_token", invite_link=secret)
    if opened.status != 200:
        return opened
    body = {"invitation_link": secret, "password": password}
    return Curl(Thief(app), opened.json["token"]).post("/onboarding/claim_token", body)


def can_sign_in(app, user, password):
    return Curl(Thief(app)).post("/v2/login", {"username": user.email, "password": password}).status == 200


def test_a_link_is_random_and_only_its_hash_is_kept(master, ina):
    """S-19: the documented uuid4, 122 random bits, found by SHA-256."""
    made = [master.post("/invitation/new", {"user_id": "ina"}).json["id"] for _ in range(3)]
    assert {uuid.UUID(secret).version for secret in made} == {4}
    assert len(set(made)) == 3
    stored = rows(Invitation)
    assert {row.secret_hash for row in stored} == {fingerprint(secret) for secret in made}
    assert not [secret for secret in made if secret in str(dump())]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("address", ["/ui/onboarding?id={}", "/ui/onboarding?invitation_id={}",
                                     "/onboarding/get_token?invite_link={}"])  # fmt: skip
def test_looking_changes_nothing(app, ina, method, address):
    """S-20: mail scanners and previews look; not one column of the database changes."""
    secret = make_invitation(ina).secret
    with unchanged():
        for _ in range(3):
            answer = Thief(app).send(method, address.format(secret), {}, None)
            assert answer.status in (200, 303)
    assert claim_by_curl(app, secret).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_the_form_changes_nothing(app, browser, ina, method):
    """S-20: nor does the page itself, behind its cookie."""
    page = browser()
    page.get(f"/ui/onboarding?id={make_invitation(ina).secret}")
    with unchanged():
        assert page.transport.send(method, "/ui/onboarding", {}, None).status == 200


def test_the_links_id_leaves_the_address_bar_and_is_told_to_nobody(app, browser, ina):
    """S-20: the redirect says no-referrer, and neither its address nor the page repeats the id."""
    secret, page = make_invitation(ina).secret, browser()
    answer = page.get(f"/ui/onboarding?id={secret}")
    assert (answer.headers["referrer-policy"], answer.location) == ("no-referrer", "/ui/onboarding")
    assert secret not in str(answer.headers) + answer.text + str(answer.cookies)
    assert secret not in page.follow(answer).text
    (cookie,) = [each for each in answer.cookies if each.startswith("selfserve_onboarding")]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/ui/onboarding", "Max-Age=900"):
        assert part in cookie


def dead(ina, cause):
    """Make a link that ended in one of the ways in which links end."""
    invitation = make_invitation(ina)
    match cause:
        case "unknown":
            return mint_invitation()
        case "expired":
            change(invitation.row, expires_at=now())
        case "used":
            change(invitation.row, accepted_at=now())
        case "replaced":
            change(invitation.row, ended_at=now())
        case "user blocked":
            change(ina, is_blocked=True)
        case "user deleted":
            change(ina, deleted_at=now())
        case "row id":
            return invitation.row.id
        case "hash":
            return invitation.row.secret_hash
    return invitation.secret


CAUSES = ["unknown", "expired", "used", "replaced", "user blocked", "user deleted", "row id", "hash"]


@pytest.mark.parametrize("cause", CAUSES)
def test_every_dead_link_is_the_same_page_and_names_nobody(app, browser, ina, cause):
    """S-20: no address, no role, no cause."""
    reference = Browser(Thief(app)).get("/ui/onboarding?id=made-up")
    answer = Browser(Thief(app)).get(f"/ui/onboarding?id={dead(ina, cause)}")
    assert (answer.status, answer.cookies) == (410, [])
    assert answer.html.words().rpartition("Request")[0] == reference.html.words().rpartition("Request")[0]
    assert "ina" not in answer.html.words().lower().split()
    assert "ina@" not in answer.text


@pytest.mark.parametrize("cause", CAUSES[1:6])
def test_a_link_that_ends_while_the_form_is_open_sets_no_password(app, browser, ina, cause):
    """S-19: the form is asked again when it is sent."""
    invitation, page = make_invitation(ina), browser()
    page.follow(page.get(f"/ui/onboarding?id={invitation.secret}"))
    match cause:
        case "expired":
            change(invitation.row, expires_at=now())
        case "used":
            change(invitation.row, accepted_at=now())
        case "replaced":
            change(invitation.row, ended_at=now())
        case "user blocked":
            change(ina, is_blocked=True)
        case "user deleted":
            change(ina, deleted_at=now())
    assert page.submit("/ui/onboarding", password=NEW_PASSWORD).status == 410
    assert reload(ina).password_hash is None


def test_a_link_lasts_seven_days_to_the_second(app, ina):
    """S-19: no longer, and not less."""
    start = now()
    with travel(start, tick=False):
        first, second = make_invitation(ina), make_invitation(make_user("Ira", password=None))
    with travel(start + timedelta(days=7) - timedelta(seconds=1), tick=False):
        assert claim_by_curl(app, first.secret).status == 200
    with travel(start + timedelta(days=7), tick=False):
        assert claim_by_curl(app, second.secret).status == 410


@pytest.mark.parametrize("way", ["page", "curl"])
def test_a_used_link_never_resets_the_password(app, browser, ina, way):
    """S-19, S-20: also with the token that was fetched before, also in the browser that has its cookie."""
    secret, before = make_invitation(ina).secret, browser()
    before.follow(before.get(f"/ui/onboarding?id={secret}"))
    token = Curl(Thief(app)).get("/onboarding/get_token", invite_link=secret).json["token"]
    assert claim_on_the_page(browser(), secret).status == 303
    with unchanged():
        if way == "page":
            assert before.submit("/ui/onboarding", password="another night by the sea").status == 410
        else:
            body = {"invitation_link": secret, "password": "another night by the sea"}
            assert Curl(Thief(app), token).post("/onboarding/claim_token", body).status == 410
    assert can_sign_in(app, ina, NEW_PASSWORD)


@pytest.mark.parametrize("way", ["page", "curl"])
def test_a_newer_link_ends_the_older_however_it_was_made(app, browser, master, ada, ina, way):
    """S-20: of several links in a mailbox the last one is the one."""
    older, page = make_invitation(ina).secret, browser(ada)
    if way == "page":
        assert page.post(f"/ui/users/{ina.id}/invitation", token_of(page)).status == 201
    else:
        master.post("/invitation/new", {"user_id": "ina"})
    assert claim_by_curl(app, older).status == 410
    assert claim_on_the_page(browser(), older).status == 410
    assert len([row for row in rows(Invitation) if not row.ended_at]) == 1


ENDS = {
    "blocked": {"blocked": True},
    "another role": {"user_role": "internal_user_viewer"},
    "promoted": {"user_role": "proxy_admin"},
}


@pytest.mark.parametrize("has_password", [False, True], ids=["invited", "reset"])
@pytest.mark.parametrize("end", [*ENDS, "deleted", "revoked", "password changed"])
def test_an_open_link_ends_with_what_it_was_made_for(app, browser, master, ada, end, has_password):
    """S-20: block, delete, a new role, a new password; unblocking does not bring it back."""
    user = make_user("Nora", password=PASSWORD if has_password else None)
    invitation = make_invitation(user)
    if end == "deleted":
        master.post("/user/delete", {"user_ids": [user.user_id]})
    elif end == "revoked":
        page = browser(ada)
        page.post(f"/ui/users/{user.id}/invitation/revoke", token_of(page))
    elif end == "password changed":
        assert claim_by_curl(app, invitation.secret).status == 200
    else:
        assert master.post("/user/update", {"user_id": user.user_id, **ENDS[end]}).status == 200
    master.post("/user/update", {"user_id": user.user_id, "blocked": False})
    before = reload(user).password_hash
    assert claim_by_curl(app, invitation.secret, "another night by the sea").status == 410
    assert claim_on_the_page(browser(), invitation.secret, "another night by the sea").status == 410
    assert reload(user).password_hash == before


def test_a_link_says_nothing_before_it_is_opened_and_only_its_own_after(app, browser, ina):
    """S-20: without the cookie the page knows nobody."""
    make_invitation(ina)
    answer = browser().get("/ui/onboarding")
    assert (answer.status, "ina" in answer.html.words().lower().split()) == (410, False)
