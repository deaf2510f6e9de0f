"""Every verifier accepts its own values and none of any other's, signed with the same installation's secret (S-11)."""

from http.cookies import SimpleCookie

import pytest

from selfserve.minting import fingerprint
from selfserve.web.tokens import derive, sign_onboarding
from tests.application import MASTER_KEY, SECRET_KEY
from tests.clients import Browser, Curl
from tests.factories import PASSWORD, hash_of, make_invitation, make_key
from tests.integration.security.actions import token_of
from tests.integration.security.replays import COOKIE, Thief, replay, steal

NEW_PASSWORD = "seven quiet foxes at noon"


@pytest.fixture
def values(app, browser, ada, ina):
    """One value of every kind that opens something, and some that must open nothing."""
    page = browser(ada)
    csrf, loot = token_of(page)["csrf_token"], steal(app, page)
    key, invitation = make_key(ada), make_invitation(ina)
    with app.app_context():
        onboarding = sign_onboarding(invitation.row.id)
    return {
        "session cookie": SimpleCookie(loot.header)[COOKIE].value,
        "session id": loot.session_id,
        "session hash": fingerprint(loot.session_id),
        "csrf token": csrf,
        "raw csrf": loot.csrf,
        "onboarding token": onboarding,
        "invitation": invitation.secret,
        "invitation row": invitation.row.id,
        "invitation hash": invitation.row.secret_hash,
        "key": key.secret,
        "key hash": key.row.token,
        "key id": key.row.id,
        "master key": MASTER_KEY,
        "master hash": fingerprint(MASTER_KEY),
        "secret key": SECRET_KEY,
        "password": PASSWORD,
        "password hash": hash_of(PASSWORD),
        "nothing": "",
    }


def as_session(app, value, **_):
    return replay(app, f"{COOKIE}={value}").get("/ui/account").status == 200


def as_bearer(app, value, **_):
    headers = {"Authorization": f"Bearer {value}"}
    return Thief(app).send("GET", "/user/available_roles", headers, None).status != 401


def as_csrf(app, value, loot, **_):
    return replay(app, loot.header).post("/ui/keys", {"key_alias": "", "csrf_token": value}).status != 400


def as_onboarding_cookie(app, value, **_):
    return Browser(Thief(app, f"selfserve_onboarding={value}")).get("/ui/onboarding").status == 200


def as_claim(app, value, values, **_):
    body = {"invitation_link": values["invitation"], "password": "short"}
    return Curl(Thief(app), value).post("/onboarding/claim_token", body).status == 422


def as_link(app, value, **_):
    return Browser(Thief(app)).get(f"/ui/onboarding?id={value}").status == 303


def as_password(app, value, user, **_):
    door = Curl(Thief(app))
    door.transport.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{len(value)}"  # else the throttle answers
    return door.post("/v2/login", {"username": user.email, "password": value}).status == 200


VERIFIERS = {
    as_session: {"session cookie"},
    as_bearer: {"key", "master key"},
    as_csrf: {"csrf token"},
    as_onboarding_cookie: {"onboarding token"},
    as_claim: {"onboarding token"},
    as_link: {"invitation"},
    as_password: {"password"},
}


@pytest.mark.parametrize("verifier", VERIFIERS, ids=lambda verifier: verifier.__name__)
def test_what_one_verifier_accepts_no_other_does(app, browser, ada, values, verifier):
    """S-11: the whole product of values and verifiers; CVE-2026-114612 was one cell of it."""
    page = browser(ada)
    loot = steal(app, page)
    if verifier is as_csrf:
        values["csrf token"] = token_of(page)["csrf_token"]
        loot = steal(app, page)
    asked = [name for name in values if not (verifier is as_csrf and name == "nothing")]
    accepted = {name for name in asked if verifier(app, values[name], values=values, user=ada, loot=loot)}
    assert accepted == VERIFIERS[verifier]


def test_every_purpose_signs_with_a_key_of_its_own(app):
    """S-11: none is the installation's secret itself, none is the master key's."""
    keys = [app.config[name] for name in ("SECRET_KEY", "WTF_CSRF_SECRET_KEY", "ONBOARDING_KEY")]
    assert len(set(keys)) == 3
    assert not {SECRET_KEY.encode(), MASTER_KEY.encode()} & set(keys)
    assert all(len(key) == 32 for key in keys)
    assert len({derive(SECRET_KEY, label) for label in ("cookies", "csrf", "onboarding", "")}) == 4


def test_the_token_of_another_session_is_no_token_of_this_one(app, browser, ada, mia):
    """S-11: a CSRF token is bound to the session that it was printed for."""
    hers, his = token_of(browser(mia))["csrf_token"], browser(ada)
    his.get("/ui/account")
    assert his.post("/ui/keys", {"key_alias": "", "csrf_token": hers}).status == 400


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + "A", lambda text: text.upper(),
                                    lambda text: text.replace(".", ".A", 1), lambda text: "." + text])  # fmt: skip
def test_a_value_that_was_touched_is_none(app, values, change):
    """S-11: a signature covers all of it."""
    assert not as_session(app, change(values["session cookie"]))
    assert not as_onboarding_cookie(app, change(values["onboarding token"]))
