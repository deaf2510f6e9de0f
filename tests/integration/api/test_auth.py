"""The door of the sessions, by curl: /login, /v2/login, /session/logout."""

from urllib.parse import urlencode

import pytest

from selfserve.models import ApiKey, Session
from tests.application import BASE_URL, MASTER_KEY
from tests.clients import Browser
from tests.factories import PASSWORD, change, hash_of, make_user, rows

WRONG = "Email or password is wrong."


def log_in(door, email, password=PASSWORD, **headers):
    return door.post("/v2/login", {"username": email, "password": password}, headers=headers)


def form_log_in(door, email, password=PASSWORD, **headers):
    body = urlencode({"username": email, "password": password}).encode()
    return door.send("POST", "/login", body, headers={"Content-Type": "application/x-www-form-urlencoded", **headers})


def pages_of(door):
    """The pages, with the cookies that this door was given."""
    return Browser(door.transport)


# -- in --------------------------------------------------------------------------------------------------------


def test_v2_answers_the_documented_body_and_sets_the_session_cookie(curl, mia):
    door = curl()
    answer = log_in(door, "mia@example.com")
    assert answer.status == 200
    assert set(answer.json) == {"redirect_url"}
    assert answer.json["redirect_url"].endswith("/ui/keys")
    assert pages_of(door).get("/ui/account").status == 200


def test_the_form_answers_303_to_the_keys(curl, mia):
    door = curl()
    answer = form_log_in(door, "mia@example.com")
    assert answer.status == 303
    assert answer.location in ("/ui/keys", f"{BASE_URL}/ui/keys")
    assert pages_of(door).get("/ui/keys").status == 200


def test_the_cookie_is_opaque_and_kept_from_scripts(curl, mia):
    cookies = [cookie for cookie in log_in(curl(), "mia@example.com").cookies if "session" in cookie.lower()]
    assert cookies
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "mia" not in cookie


def test_the_address_may_be_written_in_any_case(curl, mia):
    assert log_in(curl(), " MIA@Example.com ").status == 200


def test_a_login_makes_no_key_and_shows_no_token(curl, mia):
    answer = log_in(curl(), "mia@example.com")
    assert rows(ApiKey) == []
    assert "token" not in answer.text


def test_the_session_id_is_not_in_the_table(curl, mia):
    door = curl()
    answer = log_in(door, "mia@example.com")
    (session,) = rows(Session)
    assert session.id_hash not in str(answer.cookies)


# -- refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("mia@example.com", "wrong"),
        ("mia@example.com", ""),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("mia", PASSWORD),
        ("mia@example.com\x00", PASSWORD),
        ("admin", MASTER_KEY),
        ("default_user_id", MASTER_KEY),
        ("ina@example.com", ""),
        ("ina@example.com", PASSWORD),
        ("rex@example.com", PASSWORD),
    ],
)
def test_every_refusal_is_the_same(curl, mia, ina, rex, username, password):
    for answer in (log_in(curl(), username, password), form_log_in(curl(), username, password)):
        assert (answer.status, answer.error["message"], answer.error["type"]) == (401, WRONG, "auth_error")
        assert not any(
            "session" in cookie.lower() and "expires=Thu, 01 Jan 1970" not in cookie for cookie in answer.cookies
        )
    assert rows(Session) == []


def test_the_stored_hash_is_no_password(curl, mia):
    assert log_in(curl(), "mia@example.com", hash_of(PASSWORD)).status == 401


def test_the_deleted_do_not_sign_in(curl, mia):
    from selfserve.clock import now

    change(mia, deleted_at=now())
    assert log_in(curl(), "mia@example.com").status == 401


@pytest.mark.parametrize(
    "body", [{}, {"username": None}, {"username": ["mia@example.com"], "password": {"a": 1}}, {"username": "x" * 400}]
)
def test_a_wrong_shape_is_a_refusal_like_any_other(curl, body):
    assert curl().post("/v2/login", body).status in (401, 422)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
@pytest.mark.parametrize("way", [log_in, form_log_in])
def test_a_foreign_page_signs_nobody_in(curl, mia, headers, way):
    door = curl()
    assert way(door, "mia@example.com", **headers).status == 403
    assert rows(Session) == []


# -- throttled -------------------------------------------------------------------------------------------------


def test_the_eleventh_failure_pauses_the_pair_also_for_the_right_password(curl, mia, otto):
    door = curl()
    assert [log_in(door, "mia@example.com", "wrong").status for _ in range(11)] == [401] * 10 + [429]
    answer = log_in(door, "mia@example.com")
    assert (answer.status, answer.error["type"]) == (429, "throttling_error")
    assert 0 < int(answer.headers["retry-after"]) <= 301
    assert log_in(curl(), "otto@example.com").status == 200


def test_forged_forwarding_headers_do_not_lift_the_pause(curl, mia):
    door = curl()
    for number in range(10):
        log_in(door, "mia@example.com", "wrong", **{"X-Forwarded-For": f"10.0.0.{number}"})
    assert log_in(door, "mia@example.com", **{"X-Forwarded-For": "10.9.9.9"}).status == 429


def test_the_victim_is_not_locked_out_elsewhere(curl, mia):
    attacker, victim = curl(), curl()
    attacker.transport.client.environ_base["REMOTE_ADDR"] = "203.0.113.66"
    for _ in range(30):
        log_in(attacker, "mia@example.com", "wrong")
    assert log_in(attacker, "mia@example.com").status == 429
    assert log_in(victim, "mia@example.com").status == 200


def test_a_pair_that_does_not_exist_is_paused_alike(curl):
    door = curl()
    assert [log_in(door, "nobody@example.com", "wrong").status for _ in range(11)] == [401] * 10 + [429]


# -- out -------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session(curl, mia):
    door = curl()
    log_in(door, "mia@example.com")
    answer = door.post("/session/logout")
    assert (answer.status, answer.json) == (200, {"message": "Session revoked."})
    assert rows(Session) == []


def test_without_a_session_it_says_so(curl):
    assert curl().post("/session/logout").json == {"message": "Session already revoked."}


def test_a_foreign_page_signs_nobody_out(curl, mia):
    door = curl()
    log_in(door, "mia@example.com")
    assert door.post("/session/logout", headers={"Origin": "https://evil.example"}).status == 403
    assert len(rows(Session)) == 1


def test_a_second_login_is_a_session_of_its_own(curl, mia):
    one, other = curl(), curl()
    log_in(one, "mia@example.com")
    log_in(other, "mia@example.com")
    one.post("/session/logout")
    assert pages_of(other).get("/ui/keys").status == 200


def test_viewers_sign_in_too(curl):
    for role in ("proxy_admin_viewer", "internal_user_viewer"):
        someone = make_user(role=role)
        assert log_in(curl(), someone.email).status == 200
