"""What alerts say, in one line of text; nobody's name can ping, link or break out of it, whatever reads it."""

from selfserve.config import Settings
from selfserve.mail_kinds import AlertKind, MailKind, Trouble
from selfserve.post.letters import key_link, line, soon, used
from selfserve.services.deliveries import Claimed

_WHAT = {
    MailKind.INVITATION: "An invitation",
    MailKind.PASSWORD_RESET: "A password reset link",
    MailKind.PASSWORD_CHANGED: "The news of a changed password",
    MailKind.NEW_SIGN_IN: "The news of a new sign-in",
    MailKind.SIGN_IN_CHANGED: "The news of a changed sign-in",
    MailKind.KEY_CREATED: "The news of a new key",
    MailKind.KEY_ROTATED: "The news of a rotated key",
    MailKind.KEY_EXPIRING: "The warning of a key that expires",
    MailKind.BUDGET: "The warning of a budget",
}
_WHY = {
    Trouble.ADDRESS: "the mail server does not take the address",
    Trouble.MAIL: "the mail server does not take the mail",
    Trouble.SERVER: "the mail server could not be used until the last try",
    Trouble.OURS: "it could not be written or its link could not be read any more",
}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b", "`": "'"}


def alert_text(settings: Settings, claimed: Claimed) -> str:
    """Write the one line of an alert."""
    facts, person, key = claimed.facts, quoted(claimed.person), quoted(claimed.facts.get("key"))
    their_page = f"{settings.address}/ui/users/{claimed.subject_id}"
    if claimed.kind is AlertKind.STUCK:
        return f"No mail has gone for an hour, and {facts['waiting']} wait. {settings.address}/ui/settings#mail"
    if claimed.kind is AlertKind.GIVEN_UP:
        return f"{_WHAT[facts['what']]} for {person} is given up: {_WHY[facts['why']]}. {their_page}"
    if claimed.kind is MailKind.KEY_EXPIRING:
        return f"Key {key} of {person} expires {soon(facts)}. {key_link(settings, facts)}"
    if facts.get("key"):
        return f"Key {key} of {person}: budget {used(facts)}. {key_link(settings, facts)}"
    return f"Budget of {person} {used(facts)}. {their_page}"


def sample_text(settings: Settings) -> str:
    """Write the alert by which an admin sees that alerts arrive."""
    return f"A sample from {quoted(settings.portal_name)}: alerts arrive here. {settings.address}/ui/settings"


def quoted(name: object) -> str:
    """Write a name as code, in which no mention, link or mark-up of Slack, Mattermost or Discord works.

    What still could is taken apart: https://docs.slack.dev/messaging/formatting-message-text#escaping.
    """
    return f"`{''.join(_ESCAPES.get(letter, letter) for letter in line(name))}`"
