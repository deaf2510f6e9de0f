"""Signing in through an identity provider: the link there, the way back, the way out."""

from typing import Any

from flask import Blueprint, after_this_request, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from selfserve.blueprints.sso.browser import browser_word, keep_browser, without_referrer
from selfserve.errors import NotFound, ProviderAway, SignInLost, SignInRefused, Unauthenticated
from selfserve.identities import Began, Identity
from selfserve.minting import fingerprint
from selfserve.permissions import Permission
from selfserve.services import proofs, sso, sso_links
from selfserve.sso import flow
from selfserve.sso.providers import Provider
from selfserve.web.guards import go_on_as, public, requires, sign_in, signed_in_actor
from selfserve.web.links import local_path, providers, settings
from selfserve.web.logs import write_line
from selfserve.web.render import flash_toast, render, see_other

pages = Blueprint("sso", __name__)


@pages.get("/sso/key/generate", endpoint="entrance")
@pages.get("/ui/sso")
@public
def start() -> Response:
    """Send somebody to a provider, or else to the sign-in page. It is a link, because a form must not lead out.

    LiteLLM's command line opens it with the name of its own sign-in: that leads to the page that confirms it.
    """
    if request.args.get("source") == "litellm-cli":
        return see_other("command_line.ask", login=request.args.get("key"), user_code=request.args.get("user_code"))
    target = local_path(request.args.get("next"))
    if signed_in_actor():
        return redirect(target, 303)
    if not providers():
        return see_other("auth.login", next=request.args.get("next"))
    return send_to(chosen(), target, is_again="again" in request.args)


@pages.post("/ui/account/link")
@requires(Permission.ACCOUNT_PASSWORD)
def link() -> Response:
    """Begin to link my account to a provider. The page leads there by itself, because a form must not lead out."""
    provider = chosen()
    began = sso_links.begin_link(g.actor, g.session_id, provider.name, keep_browser(), url_for("account.index"))
    address = way_there(provider, began)
    response = render("sso/leaving.html", provider=provider, address=address)
    response.headers["Refresh"] = f"0; url={address}"
    return response


@pages.get("/sso/callback")
@public
def callback() -> Response:
    """Take somebody back: check what the provider says, begin a session, go on to where they were going."""
    after_this_request(without_referrer)
    began = None
    try:
        began = sso.take(request.args.get("state", ""), browser_word(), g.client)
        if began.user_pk:
            link_account(began)
        elif began.session_hash:
            return prove(began, told_by(began))
        elif not signed_in_actor():  # or else by another tab, meanwhile
            sign_in(sso.sign_in(told_by(began), settings().sso_rules, g.client).session_id)
    except (SignInRefused, ProviderAway) as refusal:
        return show_refusal(refusal, began)
    return redirect(local_path(began.next_path), 303)


@pages.get("/ui/sso/logout")
@public
def leave() -> Response:
    """Go on to sign out at the provider too; what was open here has ended before."""
    address = flow.logout_url(chosen(), f"{settings().address}/ui/login?bye=1")
    if address is None:
        raise NotFound("It has no address to sign out at. Open it and sign out there.")
    return redirect(address, 303)


def chosen() -> Provider:
    """Give the provider that a link names, the first where it names none. Raises NotFound."""
    name = request.args.get("provider") or next(iter(providers()), "")
    if name not in providers():
        raise NotFound("There is no such way to sign in.")
    return providers()[name]


def redirect_uri() -> str:
    """Say where providers send people back to, as it is registered there: from the settings only (S-2)."""
    return f"{settings().address}/sso/callback"


def send_to(
    provider: Provider, target: str | None, *, is_again: bool = False, session_id: str | None = None
) -> Response:
    """Send somebody to a provider to sign in, or to prove who they are if it is about their session."""
    began = sso.begin(provider.name, keep_browser(), target, g.client, session_id=session_id)
    return redirect(way_there(provider, began, is_again=is_again, is_proof=session_id is not None), 303)


def way_there(provider: Provider, began: Began, *, is_again: bool = False, is_proof: bool = False) -> str:
    """Say where the provider begins what was begun here. Raises ProviderAway."""
    words = {"state": began.state, "nonce": began.nonce, "verifier": began.verifier, "redirect_uri": redirect_uri()}
    return flow.authorization_url(provider, **words, is_again=is_again, is_proof=is_proof)


def prove(began: Began, identity: Identity) -> Response:
    """Note that who is signed in proved who they are, and send them back to what they were about to do."""
    actor = signed_in_actor()
    if actor is None:
        raise Unauthenticated("Please sign in.")
    go_on_as(proofs.prove_by_provider(actor, current_user.get_id(), began, identity))
    return see_other("confirm.done")


def link_account(began: Began) -> None:
    """Link the account of who began it, if they are signed in as they were. Raises SignInRefused, ProviderAway."""
    actor = signed_in_actor()
    if actor is None or (actor.id, fingerprint(current_user.get_id())) != (began.user_pk, began.session_hash):
        raise SignInLost("Whoever began this is not signed in here any more. Sign in and begin again.", reason="state")
    identity = told_by(began)
    sso_links.link(actor, identity, settings().sso_rules)
    flash_toast(f"Linked. From now on you can sign in with {identity.label} too.")


def told_by(began: Began) -> Identity:
    """Find out who came back from what was begun in this browser. Raises SignInRefused, ProviderAway."""
    provider = providers().get(began.provider)
    if provider is None:
        raise NotFound("That way to sign in is not set up any more.")
    answer = {name: request.args[name] for name in ("code", "error", "iss") if name in request.args}
    words = {"nonce": began.nonce, "verifier": began.verifier, "redirect_uri": redirect_uri()}
    return flow.identify(provider, answer, **words)


def show_refusal(refusal: SignInRefused | ProviderAway, began: Began | None) -> Response:
    """Say why somebody is not let in, and write it down."""
    is_link = began is not None and began.user_pk is not None
    is_proof = began is not None and began.session_hash is not None and not is_link
    reason = refusal.reason if isinstance(refusal, SignInRefused) else "away"
    write_line("warning", "sign-in refused", reason=reason, why=getattr(refusal, "why", None))
    sso.record_refusal(refusal, g.client)
    provider = next((one for one in providers().values() if one.label == refusal.label), None)
    account = getattr(refusal, "account", None)
    told: dict[str, Any] = {"refusal": refusal, "provider": provider, "account": account, "visitor": signed_in_actor()}
    return render("sso/refused.html", status=refusal.status, **told, is_link=is_link, is_proof=is_proof)
