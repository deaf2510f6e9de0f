"""Nobody gets more than their own: by their own forms, by a narrow key, past what an admin did (S-5, S-7, S-7f)."""

from datetime import timedelta

import pytest

from selfserve.clock import now
from selfserve.models import ApiKey
from selfserve.permissions import Role
from tests.factories import PASSWORD, change, make_invitation, make_key, make_user, reload, rows
from tests.integration.security.actions import token_of
from tests.integration.security.snapshots import unchanged

pytestmark = pytest.mark.any_database

EXTRAS = {
    "user_role": "proxy_admin", "role": "proxy_admin", "is_admin": True, "spend": 0, "total_spend": 0,
    "window_spend": -5, "max_budget": 1_000_000, "password": "x" * 20, "password_hash": "x", "teams": ["t"],
    "token": "f" * 64, "token_id": "f" * 64, "id": "00000000-0000-4000-8000-000000000000", "owner_id": "x",
    "created_by": "ada", "updated_by": "ada", "parent_id": None, "admin_limits": {}, "is_blocked_by_admin": False,
    "expires": None, "expires_at": None, "is_reserved": True, "deleted_at": None, "tail": "AAAA", "prefix": "x",
    "budget_reset_at": "2999-01-01", "last_used_at": "2999-01-01", "organization_id": "o", "permissions": {},
}  # fmt: skip
USE = {"last_used_at", "secret_used_at", "last_address", "last_agent"}
"""What every call with a key notes on it."""


def columns_of(row, but=frozenset()):
    """Read a row's columns again."""
    kept = {name: value for name, value in vars(reload(row)).items() if not name.startswith("_") and name != "owner"}
    return {name: value for name, value in kept.items() if name not in but}


def key_called(alias):
    """Find a key by its name."""
    return next(key for key in rows(ApiKey) if key.alias == alias)


def test_changing_the_own_password_changes_nothing_else(browser, mia, otto):
    """S-5: not the role, not the budget, not somebody else's password."""
    others, page = columns_of(otto), browser(mia)
    page.get("/ui/account")
    changed = {"password_hash", "password_changed_at", "last_login_at", "updated_at"}
    before = columns_of(mia, changed)
    fields = {"current_password": PASSWORD, "new_password": "seven quiet foxes at noon"}
    more = EXTRAS | {"user_id": "otto", "username": "otto@example.com", "email": "otto@example.com"}
    assert page.submit("/ui/account/password", **fields, **more).status == 303
    assert columns_of(mia, changed) == before
    assert columns_of(otto) == others


@pytest.mark.parametrize("face", ["page", "curl"])
def test_ina_sets_her_password_and_no_more(browser, curl, ina, otto, face):
    """S-5: a claim carries no role, no budget and no other person."""
    others, secret = columns_of(otto), make_invitation(ina).secret
    changed = {"password_hash", "password_changed_at", "last_login_at", "updated_at"}
    before = columns_of(ina, changed)
    more = {name: value for name, value in EXTRAS.items() if name != "password"}
    if face == "page":
        page = browser()
        page.follow(page.get(f"/ui/onboarding?id={secret}"))
        page.submit("/ui/onboarding", password="seven quiet foxes at noon", user_id="otto", **more)
    else:
        token = curl().get("/onboarding/get_token", invite_link=secret).json["token"]
        body = {"invitation_link": secret, "password": "seven quiet foxes at noon", **more}
        curl(token).post("/onboarding/claim_token", body | {"user_id": "otto"})
        assert columns_of(ina) == {**before, **{name: columns_of(ina)[name] for name in changed}}
        assert curl(token).post("/onboarding/claim_token", body).status == 200
    assert columns_of(ina, changed) == before
    assert reload(ina).password_hash
    assert columns_of(otto) == others


# -- never more than one's own ---------------------------------------------------------------------------------


LIMITS = [
    ({"models": ["a", "b"]}, {"models": "a, c"}),
    ({"max_budget": 5_000_000_000}, {"max_budget": "6"}),
    ({"tpm_limit": 10}, {"tpm_limit": "11"}),
    ({"rpm_limit": 10}, {"rpm_limit": "11"}),
]


@pytest.mark.parametrize(("limits", "more"), LIMITS, ids=lambda value: next(iter(value)))
def test_on_the_page_too_a_key_never_exceeds_its_owner(browser, mia, limits, more):
    """S-7: the form is refused on the field, and nothing is made."""
    change(mia, **limits)
    page = browser(mia)
    token = token_of(page)
    with unchanged():
        assert page.post("/ui/keys", {"key_alias": "more", **more} | token).status == 422


def test_a_key_that_only_calls_models_manages_nothing(browser, curl, mia):
    """S-7: what the page makes by default opens no management route, not even with the owner's rights."""
    page = browser(mia)
    page.get("/ui/keys/new")
    shown = page.submit("/ui/keys", key_alias="laptop", reveals=True)
    secret = next(word for element in shown.html.all("output") for word in element.itertext())
    door = curl(secret)
    assert door.get("/key/info").json["info"]["key_alias"] == "laptop"
    for path in ("/key/generate", "/key/update", "/key/delete", "/key/block", "/user/new", "/user/delete"):
        assert door.post(path, {"key": secret, "keys": [secret]}).status == 403
    for path in ("/key/list", "/user/info", "/user/list"):
        assert door.get(path).status == 403


@pytest.mark.parametrize("kind", ["llm_api", "read_only"])
def test_no_narrow_key_of_ada_makes_a_wider_one(curl, ada, kind):
    """S-7: her role would allow it, her key does not."""
    routes = {"llm_api": ["llm_api_routes"], "read_only": ["info_routes"]}[kind]
    door = curl(make_key(ada, key_type=kind, allowed_routes=routes).secret)
    with unchanged():
        for path, body in {"/key/generate": {"key_type": "default"}, "/user/new": {"user_email": "x@x.org"}}.items():
            assert door.post(path, body).status == 403


@pytest.mark.parametrize(
    "more", [{"max_budget": 6}, {"max_budget": None}, {"models": ["b"]}, {"models": []}, {"duration": "-1"}]
)
@pytest.mark.parametrize("target", ["itself", "another"])
def test_a_limited_key_lifts_neither_its_own_limits_nor_those_of_a_sister(curl, mia, more, target):
    """S-7: a leaked key cannot be made stronger with itself."""
    limits = {"max_budget": 5_000_000_000, "models": ["a"], "expires_at": now() + timedelta(days=1)}
    key, sister = make_key(mia, **limits), make_key(mia, **limits)
    asked = (key if target == "itself" else sister).row
    before = columns_of(asked, USE)
    answer = curl(key.secret).post("/key/update", {"key": asked.id, **more})
    assert answer.status in (403, 422)
    assert columns_of(asked, USE) == before


WIDER = {
    "budget": {"max_budget": None},
    "rates": {"rpm_limit": 100},
    "models": {"models": []},
    "expiry": {"expires_at": None},
    "routes": {"allowed_routes": []},
}


@pytest.mark.parametrize("wider", WIDER.values(), ids=WIDER)
def test_a_limited_key_gets_no_new_secret_of_a_wider_one(curl, mia, wider):
    """S-7: checked at the rotation, too: who finds the small key does not turn it into the large one."""
    limits = {"max_budget": 5_000_000_000, "models": ["a"], "rpm_limit": 5, "expires_at": now() + timedelta(days=1)}
    limits["allowed_routes"] = ["management_routes"]
    small, same, large = make_key(mia, **limits), make_key(mia, **limits), make_key(mia, **(limits | wider))
    with unchanged():
        for path, body in ((f"/key/{large.row.id}/regenerate", {}), ("/key/regenerate", {"key": large.row.token})):
            assert curl(small.secret).post(path, body).status in (403, 422)
    assert curl(small.secret).post("/key/regenerate", {"key": same.row.id}, reveals=True).status == 200
    assert curl(small.secret).post("/key/regenerate", {}, reveals=True).status == 200


@pytest.mark.parametrize("window", ["1s", "1d", "7d"])
def test_a_key_does_not_let_its_budget_start_again_more_often(curl, mia, window):
    """S-7: ten dollars a month are not ten dollars a second, for itself, for a child, or for a sister's new secret."""
    month = {"max_budget": 10_000_000_000, "budget_duration": "1mo", "budget_reset_at": now() + timedelta(days=9)}
    key, sister = make_key(mia, **month), make_key(mia, **(month | {"budget_duration": window}))
    door = curl(key.secret)
    for path, body in (
        ("/key/update", {"key": key.row.id, "budget_duration": window}),
        ("/key/generate", {"budget_duration": window}),
        ("/key/generate", {"max_budget": 1, "budget_duration": window}),
        ("/key/regenerate", {"key": sister.row.id}),
    ):
        refused = door.post(path, body)
        assert (refused.status, refused.error["param"]) == (422, "budget_duration"), path
    made = door.post("/key/generate", {}, reveals=True).json
    assert (made["max_budget"], made["budget_duration"]) == (10, "1mo")
    assert door.post("/key/generate", {"max_budget": 1}, reveals=True).json["budget_duration"] is None


# -- what an admin did -----------------------------------------------------------------------------------------


def test_mia_does_not_unblock_on_the_page_what_ada_blocked(browser, curl, ada, mia):
    """S-7f: the button is gone, and so is the deed behind it."""
    key = make_key(mia)
    assert curl(ada).post("/key/block", {"key": key.row.id}).status == 200
    page = browser(mia)
    assert f"/ui/keys/{key.row.id}/unblock" not in page.get("/ui/keys").text
    token = token_of(page)
    with unchanged():
        assert page.post(f"/ui/keys/{key.row.id}/unblock", token).status == 403


def test_blocking_it_again_does_not_make_adas_block_mias_own(browser, curl, ada, mia):
    """S-7f: block, then unblock, is no way round."""
    key = make_key(mia)
    curl(ada).post("/key/block", {"key": key.row.id})
    page = browser(mia)
    token = token_of(page)
    page.post(f"/ui/keys/{key.row.id}/block", token)
    assert page.post(f"/ui/keys/{key.row.id}/unblock", token).status == 403
    assert reload(key.row).is_blocked


@pytest.mark.parametrize("more", [{"duration": "30d"}, {"duration": "-1"}, {"models": ["b"]}, {"models": []},
                                  {"tpm_limit": None}, {"budget_duration": "1d"}])  # fmt: skip
def test_what_ada_limited_on_mias_key_mia_does_not_lift(curl, ada, mia, more):
    """S-7f: expiry, models, rates and the window of the budget."""
    limits = {"duration": "7d", "models": ["a"], "tpm_limit": 5, "max_budget": 5, "budget_duration": "30d"}
    made = curl(ada).post("/key/generate", {"user_id": "mia", **limits}, reveals=True).json
    before = columns_of(key_called(None))
    assert curl(mia).post("/key/update", {"key": made["token"], **more}).status in (403, 422)
    assert columns_of(key_called(None)) == before


@pytest.mark.parametrize("role", list(Role))
def test_unblocking_and_renaming_reset_no_spend(curl, ada, role):
    """S-38, as far as it can happen yet: what was spent stays spent."""
    someone = make_user("Someone", role=role)
    key = make_key(someone, window_spend=5, total_spend=9, max_budget=5)
    door = curl(ada)
    for deed in ("block", "unblock"):
        door.post(f"/key/{deed}", {"key": key.row.id})
    door.post("/key/update", {"key": key.row.id, "key_alias": "new"})
    stored = reload(key.row)
    assert (stored.window_spend, stored.total_spend) == (5, 9)
