"""The whole law, written a second time by hand: whoever changes `POLICY` changes this table too, and means it."""

from dataclasses import replace

import pytest

from selfserve.permissions import POLICY, Actor, Permission, Reach, Role, allows, covers, reach

TABLE = """
                     proxy_admin  proxy_admin_viewer  internal_user  internal_user_viewer
account:read         own          own                 own            own
account:password     own          own                 own            own
account:appearance   own          own                 own            own
session:read         anyones      anyones             own            own
session:end          anyones      own                 own            own
activity:read        anyones      anyones             own            own
key:create           anyones      -                   own            -
key:read             anyones      anyones             own            own
key:update           anyones      -                   own            -
key:rotate           anyones      -                   own            -
key:block            anyones      -                   own            -
key:delete           anyones      -                   own            -
key:oversee          anyones      anyones             -              -
spend:read           anyones      anyones             own            own
model:call           own          own                 own            own
model:list           own          own                 own            own
user:read            anyones      anyones             own            own
user:list            anyones      anyones             -              -
user:create          anyones      -                   -              -
user:update          anyones      -                   -              -
user:delete          anyones      -                   -              -
user:reset           anyones      -                   -              -
invitation:read      anyones      anyones             -              -
invitation:create    anyones      -                   -              -
invitation:update    anyones      -                   -              -
invitation:delete    anyones      -                   -              -
role:list            anyones      anyones             anyones        anyones
settings:read        anyones      anyones             -              -
settings:update      anyones      -                   -              -
audit:read           anyones      anyones             -              -
"""

HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [(permission, role, cell) for permission, *cells in ROWS for role, cell in zip(HEAD, cells, strict=True)]

MIA = Actor(id="row-of-mia", user_id="mia", role=Role.INTERNAL_USER)


@pytest.mark.parametrize(("permission", "role", "cell"), CELLS)
def test_the_policy_is_this_table(permission, role, cell):
    expected = None if cell == "-" else Reach(cell)
    assert reach(Role(role), Permission(permission)) is expected


@pytest.mark.parametrize(("permission", "role", "cell"), CELLS)
def test_allows_follows_the_reach(permission, role, cell):
    actor = replace(MIA, role=Role(role))
    asked_for = {"the role": None, "own": actor.id, "another's": "row-of-otto"}
    answers = {thing: allows(actor, Permission(permission), owner) for thing, owner in asked_for.items()}
    assert answers == {"the role": cell != "-", "own": cell != "-", "another's": cell == "anyones"}


def test_the_table_names_every_role_and_every_permission_once():
    assert sorted(HEAD) == sorted(Role)
    assert sorted(row[0] for row in ROWS) == sorted(Permission)
    assert set(POLICY) == set(Role)


def test_viewers_hold_nothing_that_writes_but_what_is_about_themselves():
    own = {Permission.ACCOUNT_PASSWORD, Permission.ACCOUNT_APPEARANCE, Permission.SESSION_END, Permission.MODEL_CALL}
    for role in (Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER):
        verbs = {permission.rpartition(":")[2] for permission in set(POLICY[role]) - own}
        assert verbs <= {"read", "list", "oversee"}
        assert {POLICY[role][permission] for permission in own} == {Reach.OWN}


def test_the_admin_viewer_reads_all_that_the_admin_reads():
    reads = {p for p in POLICY[Role.PROXY_ADMIN] if p.rpartition(":")[2] in ("read", "list", "oversee")}
    assert all(reach(Role.PROXY_ADMIN_VIEWER, p) is reach(Role.PROXY_ADMIN, p) for p in reads)


def test_the_wire_words_of_the_roles_are_the_documented_ones():
    assert [str(role) for role in Role] == [
        "proxy_admin",
        "proxy_admin_viewer",
        "internal_user",
        "internal_user_viewer",
    ]


@pytest.mark.parametrize(
    ("spelling", "role"),
    [
        ("internal_user_view_only", Role.INTERNAL_USER_VIEWER),
        ("proxy_admin_view_only", Role.PROXY_ADMIN_VIEWER),
    ],
)
def test_the_second_spelling_of_the_viewers_is_understood(spelling, role):
    assert Role(spelling) is role


@pytest.mark.parametrize(
    "spelling",
    ["", "admin", "PROXY_ADMIN", "_view_only", "proxy_admin_view_only_view_only", "proxy_admin ", None, 1],
)
def test_anything_else_is_no_role(spelling):
    with pytest.raises(ValueError, match="is not a valid Role"):
        Role(spelling)


def test_roles_and_permissions_have_words_for_people():
    assert all(role.label and role.summary.endswith(".") for role in Role)
    assert all(permission.sentence for permission in Permission)
    assert len({permission.sentence for permission in Permission}) == len(Permission)


def test_an_actor_shows_nothing_of_its_key():
    assert "key" not in repr(MIA)


@pytest.mark.parametrize(
    ("models", "model", "is_covered"),
    [
        ([], "gpt-5", True),
        (["gpt-5"], "gpt-5", True),
        (["gpt-5"], "gpt-5-mini", False),
        (["gpt-5*"], "gpt-5-mini", True),
        (["openai/*"], "anthropic/claude", False),
        (["*"], "anything", True),
        (["all-proxy-models"], "anything", True),
        (["gpt-5"], "*", False),
        (["gpt-5"], "", False),
    ],
)
def test_a_list_of_models_covers_what_it_names(models, model, is_covered):
    assert covers(models, model) is is_covered
