"""A terminal asks `/key/info` with `Accept: text/plain` and gets a table."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from selfserve.clock import now
from tests.factories import make_key

PLAIN = {"Accept": "text/plain"}
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def facts(answer):
    """Read a table back: the words of each line by its name."""
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    return {line[:10].rstrip(): line[12:] for line in answer.text.splitlines()}


def test_a_key_looks_at_itself_in_a_terminal(curl, mia):
    with time_machine.travel(NOON, tick=False):
        key = make_key(
            mia,
            "laptop",
            models=["gpt-5-mini", "claude-sonnet-4-5"],
            max_budget=25_000_000_000,
            budget_duration="1mo",
            window_spend=3_200_000_000,
            budget_reset_at=datetime(2026, 12, 1, tzinfo=UTC),
            expires_at=NOON + timedelta(days=30),
            rpm_limit=1000,
        )
        told = facts(curl(key.secret).get("/key/info", headers=PLAIN))
    assert told == {
        "name": "laptop",
        "key": f"sk-...{key.secret[-4:]}",
        "status": "active",
        "owner": "mia",
        "models": "gpt-5-mini, claude-sonnet-4-5",
        "spend": "$3.20 of $25.00 a month",
        "resets": "1 Dec 2026, 00:00 UTC, in 6 days",
        "limits": "1,000 requests a minute",
        "expires": "24 Dec 2026, 12:00 UTC, in 30 days",
        "last used": "24 Nov 2026, 12:00 UTC, just now",
        "created": "24 Nov 2026, 12:00 UTC",
        "id": key.row.id,
    }


def test_a_bare_key_says_what_it_has_not(curl, master, mia):
    told = facts(master.get("/key/info", key=make_key(mia, "bare").row.id, headers=PLAIN))
    assert (told["models"], told["expires"], told["last used"]) == ("all models", "never", "never")
    assert "resets" not in told
    assert "limits" not in told


def test_a_rotated_key_says_until_when_its_old_secret_works(master, mia):
    row = make_key(mia, rotated_at=now(), grace_ends_at=now() + timedelta(hours=1)).row
    assert facts(master.get("/key/info", key=row.id, headers=PLAIN))["old secret"].startswith("works until ")


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "text/html,*/*;q=0.8",
        "application/json, text/plain, */*",
        "text/plain;q=0",
        "x",
    ],
)
def test_everybody_else_gets_json(curl, mia, accept):
    answer = curl(mia).get("/key/info", headers={"Accept": accept} if accept else {})
    assert answer.json["info"]["user_id"] == "mia"
    assert "Accept" in answer.headers["vary"]


def test_what_goes_wrong_is_json_for_a_terminal_too(curl, mia):
    for door, query, status in ((curl(), {}, 401), (curl(mia), {"key": "nobody"}, 404), (curl(mia), {"key": ""}, 422)):
        answer = door.get("/key/info", headers=PLAIN, **query)
        assert (answer.status, answer.error["code"]) == (status, str(status))


def test_a_terminal_is_shown_no_more_than_json(curl, mia, otto):
    """S-14: not the secret, not the hash, and nobody else's key."""
    key, other = make_key(mia, "laptop"), make_key(otto)
    text = curl(key.secret).get("/key/info", headers=PLAIN).text
    assert key.secret not in text
    assert key.row.token not in text
    assert curl(key.secret).get("/key/info", key=other.row.id, headers=PLAIN).status == 404
