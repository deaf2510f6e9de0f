"""Users by curl: LiteLLM's documented user management."""

from typing import Any

from flask import Blueprint

from selfserve.errors import Conflict, NotFound
from selfserve.permissions import Permission, Role
from selfserve.schemas.keys import KeyAnswer, KeyListQuery, Revealed
from selfserve.schemas.users import (
    ListedUser,
    ResetMade,
    Roles,
    RoleWords,
    UserAnswer,
    UserCreate,
    UserDelete,
    UserInfo,
    UserList,
    UserListQuery,
    UserNew,
    UserQuery,
    UserReset,
    UsersDeleted,
    UserUpdate,
    UserUpdated,
)
from selfserve.services import invitations, key_lists, resets, user_changes, user_deletes, user_lists, users
from selfserve.web.guards import current_actor, requires
from selfserve.web.links import reset_link, settings
from selfserve.web.render import accepts, raises, returns

api = Blueprint("users_api", __name__)

MOST_KEYS_SHOWN = 100


@api.post("/user/new")
@requires(Permission.USER_CREATE)
@accepts(UserCreate)
@returns(UserNew)
@raises(Conflict)
def new(command: UserCreate) -> UserNew:
    """Make a user and, unless `auto_create_key` says no, a first key: its secret is shown here and never again.

    With `send_invite_email` the user gets an invitation by mail.
    """
    wants_key = settings().selfserve_auto_create_key if command.auto_create_key is None else command.auto_create_key
    create = invitations.invite_new_user if command.send_invite_email else users.create_user
    created = create(current_actor(), command, with_key=wants_key)
    answer = UserNew.model_validate(
        {**UserAnswer.model_validate(created.user).model_dump(), "duration": command.duration}
    )
    if created.key is None:
        return answer
    key = KeyAnswer.model_validate(created.key.key).model_dump(include=set(Revealed.model_fields))
    return answer.model_copy(update={**key, "key": created.key.secret, "token_id": created.key.key.token})


@api.get("/user/info")
@requires(Permission.USER_READ)
@accepts(UserQuery)
@returns(UserInfo)
@raises(NotFound)
def info(query: UserQuery) -> UserInfo:
    """Show a user and their keys, a hundred at most; without `user_id` the caller's own row."""
    user = users.get_user_by_user_id(current_actor(), query.user_id)
    keys = key_lists.list_keys(current_actor(), KeyListQuery(user_id=user.user_id, size=MOST_KEYS_SHOWN)).keys
    return UserInfo.model_validate({"user_id": user.user_id, "user_info": user, "keys": keys})


@api.get("/v2/user/info")
@requires(Permission.USER_READ)
@accepts(UserQuery)
@returns(UserAnswer)
@raises(NotFound)
def info_v2(query: UserQuery) -> Any:
    """Show a user without their keys."""
    return users.get_user_by_user_id(current_actor(), query.user_id)


@api.get("/user/list")
@requires(Permission.USER_LIST)
@accepts(UserListQuery)
@returns(UserList)
def list_all(query: UserListQuery) -> UserList:
    """List users by numbered pages."""
    page = user_lists.list_users(current_actor(), query)
    listed = [ListedUser.model_validate(user).model_copy(update={"key_count": count}) for user, count in page.rows]
    return UserList(
        users=listed, total=page.total, page=query.page, page_size=query.page_size, total_pages=page.total_pages
    )


@api.get("/user/available_roles")
@requires(Permission.ROLE_LIST)
@returns(Roles)
def available_roles() -> Any:
    """List the four roles in words."""
    return {role: RoleWords(description=role.summary, ui_label=role.label) for role in Role}


@api.post("/user/update")
@requires(Permission.USER_UPDATE)
@accepts(UserUpdate)
@returns(UserUpdated)
@raises(NotFound, Conflict)
def update(command: UserUpdate) -> Any:
    """Change a user; what is not named stays, an explicit null clears."""
    user = user_changes.update_user(current_actor(), command)
    return {"user_id": user.user_id, "data": user}


@api.post("/user/reset_password")
@requires(Permission.USER_RESET)
@accepts(UserReset)
@returns(ResetMade)
@raises(NotFound, Conflict)
def reset_password(command: UserReset) -> ResetMade:
    """Make a link that lets a user set a new password; it is shown here and never again. Keys and spend stay."""
    made = resets.create_reset(current_actor(), command.user_id)
    link = reset_link(made.secret)
    return ResetMade(user_id=made.user.user_id, user_email=made.user.email, reset_link=link, expires_at=made.expires_at)


@api.post("/user/delete")
@requires(Permission.USER_DELETE)
@accepts(UserDelete)
@returns(UsersDeleted)
@raises(NotFound, Conflict)
def delete(command: UserDelete) -> int:
    """Delete users, all or none; their keys stop at once. The answer is how many."""
    return len(user_deletes.delete_users(current_actor(), command.user_ids))
