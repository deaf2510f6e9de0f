"""Mail and alerts, in the browser: whether they are set up, how they do, and a try of each."""

from flask import g
from werkzeug.wrappers import Response as AnyResponse

from selfserve.blueprints.settings.pages import mail_context, pages
from selfserve.permissions import Permission
from selfserve.post.checks import Tried, try_alert, try_mail
from selfserve.services.audit import note_try
from selfserve.web.guards import requires
from selfserve.web.links import settings
from selfserve.web.render import flash_toast, render, see_other, wants_fragment


@pages.post("/settings/mail/test")
@requires(Permission.SETTINGS_UPDATE)
def test_mail() -> AnyResponse:
    """Send a mail to the one who asks and say what came of it."""
    return show_try("mail", try_mail(g.actor, settings()))


@pages.post("/settings/alerts/test")
@requires(Permission.SETTINGS_UPDATE)
def test_alert() -> AnyResponse:
    """Send a sample to the webhook and say what came of it."""
    return show_try("alerts", try_alert(g.actor, settings()))


def show_try(section: str, tried: Tried) -> AnyResponse:
    """Write a try down and say what came of it, in its section."""
    note_try(g.actor, section, is_ok=tried.is_ok)
    if wants_fragment():
        return render(
            "settings/index.html", f"settings/_{section}.html", **mail_context() | {f"{section}_tried": tried}
        )
    flash_toast(tried.sentence, "ok" if tried.is_ok else "bad")
    return see_other("settings.index", _anchor=section)
