"""What each mail says. Whatever people wrote is one line of plain text here; the templates escape it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from selfserve.config import Settings
from selfserve.mail_kinds import MailKind
from selfserve.money import to_dollars
from selfserve.services.deliveries import Claimed

LONGEST = 120
_WINDOWS = {"1mo": "a month", "30d": "a month", "1w": "a week", "7d": "a week", "1d": "a day", "24h": "a day"}
_IGNORE = "If you did not expect it, ignore this message: nothing happens until you use the link."


@dataclass(frozen=True)
class Letter:
    """A mail before it is dressed."""

    subject: str
    heading: str
    paragraphs: list[str]
    button: str = ""
    link: str = ""
    rows: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_letter(settings: Settings, claimed: Claimed) -> Letter:
    """Write what a message says; its subject is the one that is set for its kind, else its heading."""
    letter = _WRITERS[MailKind(claimed.kind)](settings, claimed)
    chosen = getattr(settings, f"email_subject_{claimed.kind}")
    return Letter(**vars(letter) | {"subject": chosen or letter.subject})


def write_test(settings: Settings) -> Letter:
    """Write the mail by which an admin sees that mail arrives."""
    return _letter(
        f"Mail from {settings.portal_name} works",
        "An admin sent this test from the settings. Invitations, reset links and warnings arrive the same way.",
        button="Open settings",
        link=f"{settings.address}/ui/settings#mail",
    )


def line(text: Any) -> str:
    """Make one line of printable text of whatever somebody wrote, and not a long one (S-36)."""
    printable = "".join(character if character.isprintable() else " " for character in str(text or ""))
    words = " ".join(printable.split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def _letter(heading: str, *paragraphs: str, **more: Any) -> Letter:
    """Write a letter whose subject is its heading."""
    return Letter(heading, heading, list(paragraphs), **more)


def _invitation(settings: Settings, claimed: Claimed) -> Letter:
    """Invite somebody."""
    facts = claimed.facts
    by = line(facts.get("by"))
    if facts.get("is_reset"):
        return _reset(settings, claimed, "onboarding")
    heading = f"{by} invited you to {settings.portal_name}" if by else f"You are invited to {settings.portal_name}"
    first = "Sign in with the account you have anyway" if settings.selfserve_sso_only else "Choose a password"
    is_viewer = facts.get("role", "").endswith("viewer")
    what = f"{first}, then {'look around' if is_viewer else 'create keys for your own code and tools'}."
    return _letter(
        heading,
        " ".join([what, *([f"Your budget is {budget}."] if (budget := _budget_of(facts)) else [])]),
        button="Accept invitation",
        link=f"{settings.address}/ui/onboarding?id={claimed.secret}",
        notes=[_about_link(claimed)],
    )


def _password_reset(settings: Settings, claimed: Claimed) -> Letter:
    """Send the link that sets a new password."""
    return _reset(settings, claimed, "reset")


def _reset(settings: Settings, claimed: Claimed, page: str) -> Letter:
    """Write the letter with a link to a page that sets a new password."""
    facts = claimed.facts
    sent = f"{line(facts.get('by')) or 'An admin'} sent you this link."
    asked = (
        f"Somebody asked for this from {line(facts.get('address')) or 'an unknown address'}."
        if facts.get("is_asked")
        else sent
    )
    return _letter(
        f"Set a new password for {settings.portal_name}",
        f"{asked} Your keys and what you spent stay as they are; using it signs you out everywhere.",
        button="Set a new password",
        link=f"{settings.address}/ui/{page}?id={claimed.secret}",
        notes=[_about_link(claimed)],
    )


def _password_changed(settings: Settings, claimed: Claimed) -> Letter:
    """Tell somebody that their password is another one now."""
    return _letter(
        f"Your password for {settings.portal_name} was changed",
        "Every other session was signed out. Your keys work as before.",
        button="Open your account",
        link=f"{settings.address}/ui/account",
        rows=_circumstances(claimed),
        notes=[_not_you(settings, claimed.facts)],
    )


def _new_sign_in(settings: Settings, claimed: Claimed) -> Letter:
    """Tell somebody that they signed in from a device that was never seen before."""
    return _letter(
        f"New sign-in to {settings.portal_name}",
        "Somebody signed in to your account from a device that we have not seen before.",
        button="See where you are signed in",
        link=f"{settings.address}/ui/account",
        rows=_circumstances(claimed),
        notes=[f"If that was you, there is nothing to do. {_not_you(settings, claimed.facts)}"],
    )


def _not_you(settings: Settings, facts: dict[str, Any]) -> str:
    """Say what to do about a stranger: a page that opens also without the password that they may have changed."""
    if facts.get("has_password", True):
        there = f"{settings.address}/ui/password/forgot"
        return f"If that was not you, set a new password at once at {there} and tell your admin."
    provider = line(facts.get("provider")) or "where you sign in"
    return f"If that was not you, sign that device out, change your password at {provider} and tell your admin."


def _sign_in_changed(settings: Settings, claimed: Claimed) -> Letter:
    """Tell somebody that they sign in another way now."""
    heading, text = _changes(settings, claimed.facts)[claimed.facts["what"]]
    return _letter(
        heading,
        f"{text} Your keys work as before.",
        button="Open your account",
        link=f"{settings.address}/ui/account",
        rows=_circumstances(claimed),
        notes=["If you do not know of this, tell your admin at once."],
    )


def _changes(settings: Settings, facts: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Say what changed about the way in, as a heading and a sentence."""
    here, provider = settings.portal_name, line(facts.get("provider"))
    moved = f"Your address for {here} was changed"
    over = " The password you had opens nothing any more." if facts.get("had_password") else ""
    left = "with your password" if facts.get("can_sign_in") else "again when an admin sends you a new link"
    return {
        "linked": (f"You sign in to {here} with {provider}", f"Your account was linked to yours there.{over}"),
        "parted": (f"Your account for {here} was parted from single sign-on", f"From now on you sign in {left}."),
        "address": (moved, "This is the address of your account from now on."),
        "former_address": (
            f"Your address for {here} was changed",
            "This address is not that of your account any more.",
        ),
    }


def _key_created(settings: Settings, claimed: Claimed) -> Letter:
    """Tell somebody that a key was made for them."""
    facts = claimed.facts
    by = line(facts.get("by")) or "An admin"
    return _letter(
        f"{by} created a key for you: {line(facts.get('key'))}",
        "The key itself is in no mail: who created it has it and hands it to you, or you rotate it to get a new one.",
        button="See the key",
        link=key_link(settings, facts),
        rows=_key_rows(facts),
    )


def _key_rotated(settings: Settings, claimed: Claimed) -> Letter:
    """Tell somebody that their key has a new secret."""
    facts = claimed.facts
    by = line(facts.get("by"))
    grace = facts.get("grace_ends_at")
    old = f"The old secret works until {_moment(grace)}." if grace else "The old secret does not work any more."
    return _letter(
        f"Your key {line(facts.get('key'))} was rotated",
        f"{f'{by} gave it' if by else 'It has'} a new secret. {old} Name, limits, spend and history stay.",
        button="See the key",
        link=key_link(settings, facts),
        rows=_key_rows(facts),
        notes=["If you did not expect it, block the key and tell your admin."],
    )


def _key_expiring(settings: Settings, claimed: Claimed) -> Letter:
    """Warn somebody that a key ends soon."""
    facts = claimed.facts
    return _letter(
        f"Key {line(facts.get('key'))} expires {soon(facts)}",
        f"It stops on {_moment(facts['expires_at'])}. Whatever uses it fails from then on: "
        "make a new key before, or extend this one.",
        button="See the key",
        link=key_link(settings, facts),
        rows=_key_rows(facts),
    )


def _budget(settings: Settings, claimed: Claimed) -> Letter:
    """Warn somebody that a budget is being used up."""
    facts = claimed.facts
    share, key = int(facts["share"]), line(facts.get("key"))
    heading = f"Key {key}: budget {used(facts)}" if key else f"Your budget {used(facts)}"
    resets = facts.get("resets_at")
    again = f"It starts again on {_moment(resets)}." if resets else "It does not start again by itself."
    stops = "Calls are refused until then." if resets else "Calls are refused until an admin raises it."
    return _letter(
        heading,
        f"{again} {stops}" if share >= 100 else f"{again} At 100 % calls are refused.",
        button="See the spend",
        link=key_link(settings, facts) if key else f"{settings.address}/ui/spend",
        rows=[("Spent", dollars(facts["spend"])), ("Budget", _budget_of(facts))],
    )


_WRITERS: dict[MailKind, Callable[[Settings, Claimed], Letter]] = {
    MailKind.INVITATION: _invitation,
    MailKind.PASSWORD_RESET: _password_reset,
    MailKind.PASSWORD_CHANGED: _password_changed,
    MailKind.NEW_SIGN_IN: _new_sign_in,
    MailKind.SIGN_IN_CHANGED: _sign_in_changed,
    MailKind.KEY_CREATED: _key_created,
    MailKind.KEY_ROTATED: _key_rotated,
    MailKind.KEY_EXPIRING: _key_expiring,
    MailKind.BUDGET: _budget,
}


def dollars(nanos: int) -> str:
    """Write an amount: `$50.00`; what is less than a cent with as many places as it takes."""
    amount = to_dollars(nanos)
    return f"${amount:,.2f}" if amount >= Decimal("0.01") or not amount else f"${amount:,.6f}".rstrip("0")


def _budget_of(facts: dict[str, Any]) -> str:
    """Write a budget with its window, nothing where there is none."""
    if facts.get("max_budget") is None:
        return ""
    duration = facts.get("budget_duration")
    window = _WINDOWS.get(duration, f"every {duration}") if duration else "in total"
    return f"{dollars(facts['max_budget'])} {window}"


def key_link(settings: Settings, facts: dict[str, Any]) -> str:
    """Give the address of a key's page."""
    return f"{settings.address}/ui/keys/{facts['key_id']}"


def _key_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Say which key is meant, by what may be shown of it, and what it may do."""
    rows = [("Key", f"{line(facts.get('key'))}, {facts.get('masked')}"), ("Budget", _budget_of(facts))]
    if expires := facts.get("expires_at"):
        rows.append(("Expires", _moment(expires)))
    return [(label, value) for label, value in rows if value]


def soon(facts: dict[str, Any]) -> str:
    """Say within how many days a key ends."""
    return "within a day" if facts["days"] == 1 else f"within {facts['days']} days"


def used(facts: dict[str, Any]) -> str:
    """Say how much of a budget is used."""
    return "is used up" if facts["share"] >= 100 else f"is {facts['share']} % used"


def _circumstances(claimed: Claimed) -> list[tuple[str, str]]:
    """Say when and from where something was done."""
    facts = claimed.facts
    rows = [("When", _moment(claimed.created_at.isoformat()))]
    rows += [(word.capitalize(), line(facts.get(word))) for word in ("by", "device", "address")]
    return [(label, value) for label, value in rows if value]


def _about_link(claimed: Claimed) -> str:
    """Say whom a link is for and how long it opens anything."""
    until = _moment(claimed.facts["expires_at"])
    return f"The link is for {claimed.recipient} only, works once and expires on {until}. {_IGNORE}"


def _moment(text: str) -> str:
    """Write a point in time: `30 November 2026 at 09:00 UTC`."""
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%B %Y at %H:%M} UTC"
