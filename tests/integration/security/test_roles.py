"""A hidden button is no protection: every deed is sent raw by everybody who may not do it (S-3, S-4, S-7b, S-7e)."""

import pytest

from selfserve.models import ApiKey, User
from selfserve.permissions import Role, reach
from tests.factories import make_key, make_user, reload, rows
from tests.integration.security.actions import CURL_DEEDS, PAGE_DEEDS, scene_of, token_of
from tests.integration.security.snapshots import unchanged

pytestmark = pytest.mark.any_database

LESSER = [role for role in Role if role is not Role.PROXY_ADMIN]
VIEWERS = [Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER]


def refused(deeds):
    """Pair each deed with the roles that do not hold its permission."""
    return [
        pytest.param(deed, role, id=f"{deed.endpoint}-{role}")
        for deed in deeds
        for role in LESSER
        if reach(role, deed.permission) is None
    ]


def named(deeds):
    return {"argvalues": deeds, "ids": [deed.endpoint for deed in deeds]}


@pytest.fixture
def scene(mia, otto):
    """Mia's key, and an open link of Otto's."""
    return scene_of(mia, otto)


@pytest.mark.parametrize("deed", **named(PAGE_DEEDS))
def test_ada_can_do_it_on_the_page_so_the_refusals_below_refuse_the_deed(browser, ada, scene, deed):
    page = browser(ada)
    page.get("/ui/account")
    assert page.post(deed.path(scene), deed.fields(scene), reveals=True).status in (201, 303)


@pytest.mark.parametrize("deed", **named(CURL_DEEDS))
def test_ada_can_do_it_by_curl_so_the_refusals_below_refuse_the_deed(curl, ada, scene, deed):
    assert curl(ada).post(deed.path(scene), deed.fields(scene), reveals=True).status == 200


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
@pytest.mark.parametrize(("deed", "role"), refused(PAGE_DEEDS))
def test_a_lesser_role_replays_the_form_and_nothing_happens(browser, scene, deed, role, htmx):
    """S-4: with the token of their own session, on their own things and on those of others."""
    someone = make_user("Someone", role=role)
    page, own = browser(someone), scene_of(someone, someone)
    token = token_of(page)
    with unchanged():
        for there in (scene, own):
            assert page.post(deed.path(there), deed.fields(there) | token, htmx=htmx).status == 403


@pytest.mark.parametrize(("deed", "role"), refused(CURL_DEEDS))
def test_a_lesser_role_sends_the_call_and_nothing_happens(curl, scene, deed, role):
    """S-4: on their own things and on those of others."""
    someone = make_user("Someone", role=role)
    door, own = curl(someone), scene_of(someone, someone)
    with unchanged():
        for there in (scene, own):
            assert door.post(deed.path(there), deed.fields(there)).status == 403


@pytest.mark.parametrize("role", LESSER)
def test_nobody_raises_themselves_or_others_above_their_own_role(browser, curl, role):
    """S-7b: neither by making, nor by inviting, nor by changing."""
    someone = make_user("Someone", role=role)
    page, door = browser(someone), curl(someone)
    token = token_of(page)
    with unchanged():
        for wanted in Role:
            assert page.post("/ui/users", {"emails": "x@example.com", "role": wanted} | token).status == 403
            assert page.post(f"/ui/users/{someone.id}/role", {"role": wanted} | token).status == 403
            assert door.post("/user/new", {"user_email": "x@example.com", "user_role": wanted}).status == 403
            assert door.post("/user/update", {"user_id": someone.user_id, "user_role": wanted}).status == 403
    assert reload(someone).role == role


@pytest.mark.parametrize("role", VIEWERS)
def test_vera_and_ivo_change_nothing_but_what_is_about_themselves(browser, curl, scene, role):
    """S-7e: their password, their sessions and how the pages look, tested with the account page; nothing of others."""
    viewer = make_user("Viewer", role=role)
    page, door = browser(viewer), curl(viewer)
    token = token_of(page)
    with unchanged():
        for deed in PAGE_DEEDS:
            is_also_theirs = reach(role, deed.permission) is not None
            assert page.post(deed.path(scene), deed.fields(scene) | token).status == (404 if is_also_theirs else 403)
        for deed in CURL_DEEDS:
            assert door.post(deed.path(scene), deed.fields(scene)).status == 403
        named_keys = {"keys": [scene.key.row.id], "key_aliases": [scene.key.row.alias]}
        assert door.post("/v2/key/info", named_keys).status == 200  # read-shaped, as documented
        assert door.post("/key/health", {}).status == 200
        assert page.post("/ui/refused", {"pasted": "token_not_found_in_db"} | token).status == 200
    assert len(rows(ApiKey)) == 3  # Mia's two, and the one at the viewer's door
    assert {user.role for user in rows(User) if user.user_id == "viewer"} == {role}


@pytest.mark.parametrize("role", VIEWERS)
def test_vera_and_ivo_see_no_control_that_writes(browser, scene, role):
    """Every form of every page they can open is about their own account, a filter, or a test of their own key."""
    viewer = make_user("Viewer", role=role)
    page, keys = browser(viewer), (scene.key.row.id, make_key(viewer).row.id)
    pages_of_keys = [f"/ui/keys/{key_id}" for key_id in keys]
    for path in ("/ui/keys", "/ui/all-keys", "/ui/users", "/ui/spend", "/ui/account", *pages_of_keys):
        answer = page.get(path)
        if answer.status == 200:
            writes = {form.action for form in answer.html.forms if form.method == "post"}
            own = {"/ui/logout", "/ui/account/password", "/ui/account/appearance", f"/ui/keys/{keys[1]}/test"}
            assert {action for action in writes - own if not action.startswith("/ui/account/sessions/")} == set()
