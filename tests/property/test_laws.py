"""Laws of the policy that hold for any two people."""

from hypothesis import given
from hypothesis import strategies as st

from selfserve.permissions import Actor, Permission, Reach, Role, allows, reach

ACTORS = st.builds(
    lambda row_id, role: Actor(id=row_id, user_id=f"user {row_id}", role=role),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(list(Role)),
)
PERMISSIONS = st.sampled_from(list(Permission))
OWNERS = st.sampled_from(["a", "b", "c"])


@given(ACTORS, PERMISSIONS, OWNERS)
def test_who_may_do_it_to_another_may_do_it_to_themselves(actor, permission, owner):
    assert not allows(actor, permission, owner) or allows(actor, permission, actor.id)


@given(ACTORS, PERMISSIONS, OWNERS)
def test_whose_thing_it_is_never_helps_a_role_that_lacks_the_permission(actor, permission, owner):
    assert allows(actor, permission) or not allows(actor, permission, owner)


@given(ACTORS, PERMISSIONS, OWNERS)
def test_with_own_reach_only_the_owner_may(actor, permission, owner):
    if reach(actor.role, permission) is Reach.OWN:
        assert allows(actor, permission, owner) == (owner == actor.id)


@given(PERMISSIONS, OWNERS)
def test_an_admin_may_all_that_anybody_may_to_others(permission, owner):
    admin = Actor(id="admin", user_id="admin", role=Role.PROXY_ADMIN)
    for role in Role:
        someone = Actor(id="x", user_id="x", role=role)
        assert not allows(someone, permission, owner) or allows(admin, permission, owner)
