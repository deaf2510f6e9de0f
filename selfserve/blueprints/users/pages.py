"""Internal users, for admins, in the browser."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.users.forms import EditForm, InviteForm, change_asked_for
from selfserve.blueprints.users.places import (
    back_to_list,
    back_to_place,
    list_context,
    origin_of,
    show_panel,
    show_person,
    whereabouts,
)
from selfserve.errors import Conflict, Invalid, Stale
from selfserve.permissions import Permission, Role
from selfserve.schemas.users import RoleChange
from selfserve.services import invitations, resets, sessions, sso, user_changes, user_deletes, user_details, users
from selfserve.services.invitations import InvitationCreated
from selfserve.services.resets import ResetCreated
from selfserve.services.user_export import HEADER, export_users
from selfserve.web.guards import polled, requires, sign_out
from selfserve.web.links import invitation_link, reset_link
from selfserve.web.render import flash_toast, render, render_if_new, see_other, validated, wants_fragment
from selfserve.web.sheets import sheet
from selfserve.web.words import plural

pages = Blueprint("users", __name__)


@pages.get("/users")
@requires(Permission.USER_LIST)
def index() -> Response:
    """Show the users, or only their list under a clean address while somebody types into the filter."""
    context = list_context()
    response = render("users/index.html", "users/_refresh.html", panel=None, **context)
    if wants_fragment():
        response.headers["HX-Push-Url"] = url_for("users.index", **context["place"])
    return response


@pages.get("/users.csv")
@requires(Permission.USER_LIST)
def export() -> Response:
    """Give the users that pass the filters as a file."""
    return sheet("users.csv", HEADER, export_users(g.actor, whereabouts()["filter"]))


@pages.get("/users/new")
@requires(Permission.USER_CREATE)
def new() -> Response:
    """Open the form that makes users."""
    return show_panel("users/_new.html", form=InviteForm())


@pages.post("/users")
@requires(Permission.USER_CREATE)
def create() -> Response:
    """Make users and show their links, once."""
    form = InviteForm()
    try:
        if command := form.command():
            made = invitations.invite_people(g.actor, command)
            return show_links(made, f"{plural(len(made), 'user')} created")
    except (Conflict, Invalid) as error:
        form.put_error(error)
    return show_panel("users/_new.html", status=422, form=form)


@pages.get("/users/<uuid:user_id>")
@requires(Permission.USER_LIST)
def detail(user_id: UUID) -> Response:
    """Show one person: budget, keys, spend, sessions, links and what happened lately."""
    return show_person(str(user_id))


@pages.get("/users/<uuid:user_id>/edit")
@requires(Permission.USER_UPDATE)
def edit(user_id: UUID) -> Response:
    """Open the form that changes a person."""
    return show_edit(str(user_id))


@pages.post("/users/<uuid:user_id>/edit")
@requires(Permission.USER_UPDATE)
def save(user_id: UUID) -> AnyResponse:
    """Change a person as the form says."""
    form = EditForm()
    try:
        if command := form.command():
            user = user_changes.edit_user(g.actor, str(user_id), change_asked_for(command), command.shown)
            flash_toast(f"{user.name} is saved.")
            if wants_fragment():
                return show_person(user.id, "users/_edited.html")
            return see_other("users.detail", user_id=user.id)
    except Stale as error:
        return show_edit(str(user_id), form, error.status, stale=error)
    except (Conflict, Invalid) as error:
        form.put_error(error)
        return show_edit(str(user_id), form, error.status)
    return show_edit(str(user_id), form, 422)


@pages.post("/users/<uuid:user_id>/invitation")
@requires(Permission.INVITATION_CREATE)
def invite(user_id: UUID) -> Response:
    """Make a new link for a user and show it, once; the older one ends."""
    made = invitations.create_invitation_for(g.actor, str(user_id), by_mail="send_email" in request.form)
    return show_links([made], f"New invitation link for {made.user.name}")


@pages.post("/users/<uuid:user_id>/reset")
@requires(Permission.USER_RESET)
def reset(user_id: UUID) -> Response:
    """Make a password reset link for a user and show it, once; the older one ends."""
    by_mail = "send_email" in request.form
    made = resets.create_reset_for(g.actor, str(user_id), by_mail=by_mail)
    return show_links([made], f"Password reset link for {made.user.name}")


@pages.get("/users/links/live")
@requires(Permission.INVITATION_READ)
@polled
def live_mails() -> AnyResponse:
    """Tell what became of the mails of links that were just made; once all are known, nobody asks again."""
    mails = user_details.find_mails(g.actor, request.args.getlist("link"))
    if not wants_fragment():
        return see_other("users.index")
    if any(mail.is_untried for mail in mails):
        live = url_for("users.live_mails", link=[mail.subject_id for mail in mails])
        return render_if_new("users/_mailed.html", mails=mails, live=live, every="3s")
    return render("users/index.html", "users/_mailed.html", mails=mails)


@pages.post("/users/<uuid:user_id>/invitation/revoke")
@requires(Permission.INVITATION_UPDATE)
def revoke(user_id: UUID) -> AnyResponse:
    """End the open link of a user."""
    user = invitations.revoke_invitation(g.actor, str(user_id))
    flash_toast(f"The link of {user.name} opens nothing any more.")
    return back_to_place(user.id)


@pages.post("/users/<uuid:user_id>/reset/<uuid:link_id>/revoke")
@requires(Permission.USER_RESET)
def revoke_reset(user_id: UUID, link_id: UUID) -> AnyResponse:
    """End a reset link of a user."""
    user = resets.revoke(g.actor, str(user_id), str(link_id))
    flash_toast(f"The reset link of {user.name} opens nothing any more.")
    return back_to_place(user.id)


@pages.post("/users/<uuid:user_id>/role")
@requires(Permission.USER_UPDATE)
def change_role(user_id: UUID) -> AnyResponse:
    """Give a user another role; when that is refused the select shows the true one again."""
    role = validated(RoleChange, {"role": request.form.get("role", "")}).role
    try:
        user = user_changes.change_role(g.actor, str(user_id), role)
    except Conflict as error:
        if not wants_fragment():
            raise
        flash_toast(error.message, "bad")
        return back_to_place(str(user_id), error.status)
    flash_toast(f"{user.name} is now {Role(user.role).label.lower()}.")
    return back_to_place(user.id)


@pages.post("/users/<uuid:user_id>/block")
@requires(Permission.USER_UPDATE)
def block(user_id: UUID) -> AnyResponse:
    """Block a user: their sessions end and their keys stop."""
    user = user_changes.block_user(g.actor, str(user_id))
    flash_toast(f"{user.name} is blocked. Their keys stopped and they are signed out.")
    return back_to_place(user.id)


@pages.post("/users/<uuid:user_id>/unblock")
@requires(Permission.USER_UPDATE)
def unblock(user_id: UUID) -> AnyResponse:
    """Unblock a user: the same keys work again."""
    user = user_changes.unblock_user(g.actor, str(user_id))
    flash_toast(f"{user.name} is unblocked. Their keys work again.")
    return back_to_place(user.id)


@pages.post("/users/<uuid:user_id>/sessions/end")
@requires(Permission.SESSION_END)
def end_sessions(user_id: UUID) -> AnyResponse:
    """Sign a user out everywhere; their keys keep working. Who signs themselves out goes to the sign-in page."""
    user = sessions.end_sessions_of(g.actor, str(user_id))
    if user.id == g.actor.id:
        sign_out()
        return see_other("auth.login", bye=1)
    flash_toast(f"{user.name} is signed out everywhere. Their keys keep working.")
    return back_to_place(user.id)


@pages.post("/users/<uuid:user_id>/sso/unlink")
@requires(Permission.USER_UPDATE)
def unlink(user_id: UUID) -> AnyResponse:
    """Part a user from their account at a provider: they are signed out, and another one may be linked."""
    user = sso.part_from_provider(g.actor, str(user_id))
    flash_toast(f"{user.name} is parted from single sign-on and signed out.")
    return back_to_place(user.id)


@pages.get("/users/<uuid:user_id>/delete")
@requires(Permission.USER_DELETE)
def confirm_delete(user_id: UUID) -> Response:
    """Ask before a user is deleted, and say how many keys will stop."""
    user = users.get_user(g.actor, str(user_id), Permission.USER_DELETE)
    active_keys = user_deletes.count_keys_of(g.actor, str(user_id))
    context = whereabouts() | {"cancel": origin_of(user.id), "user": user, "active_keys": active_keys}
    return render("users/delete.html", "users/_delete.html", **context)


@pages.post("/users/<uuid:user_id>/delete")
@requires(Permission.USER_DELETE)
def delete(user_id: UUID) -> AnyResponse:
    """Delete a user with their keys."""
    user = user_deletes.delete_user(g.actor, str(user_id))
    flash_toast(f"{user.name} is deleted. Their keys stopped.")
    return back_to_list()


def show_edit(user_id: str, form: EditForm | None = None, status: int = 200, *, stale: Stale | None = None) -> Response:
    """Answer with the form that changes a person, as they are or as it was filled in, or with both if that is stale."""
    user = users.get_user(g.actor, user_id, Permission.USER_UPDATE)
    if form is None or stale:
        fresh = EditForm.of(user)
        form = fresh.recall(form, stale) if form and stale else fresh
    return show_panel("users/_edit.html", status=status, user_id=user_id, user=user, form=form)


def show_links(made: Sequence[InvitationCreated | ResetCreated], heading: str) -> Response:
    """Show links that were just made, once, where they were asked for."""
    links = [{"made": one, "url": address_of(one)} for one in made]
    mailed = [one.link_id for one in made if one.is_mailed]
    live = url_for("users.live_mails", link=mailed) if mailed else ""
    context: dict[str, Any] = {"links": links, "links_heading": heading, "cancel": url_for("users.index")}
    context |= {"live": live, "every": "3s"}
    if whereabouts()["is_person"]:
        user_id = made[0].user.id
        context["cancel"] = url_for("users.detail", user_id=user_id)
        return show_panel("users/_links.html", "users/_made_person.html", 201, user_id, **context)
    fresh_id = made[0].user.id if len(made) == 1 else None
    return show_panel("users/_links.html", "users/_made.html", 201, fresh_id=fresh_id, **context)


def address_of(made: InvitationCreated | ResetCreated) -> str:
    """Give the address of a link that was just made."""
    return reset_link(made.secret) if isinstance(made, ResetCreated) else invitation_link(made.secret)
