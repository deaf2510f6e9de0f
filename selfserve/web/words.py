"""How numbers, money and time are said on the pages: the Jinja filters."""

import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from selfserve.clock import now
from selfserve.devices import device, is_handheld
from selfserve.money import to_dollars

_WINDOWS = {"1d": "a day", "24h": "a day", "7d": "a week", "1w": "a week", "30d": "a month", "1mo": "a month"}
_BRIEF = {"day": "d", "hour": "h", "minute": "min"}
_DEEDS = {
    "default": "call models, and also manage keys",
    "llm_api": "call models",
    "management": "manage keys, not call models",
    "read_only": "look, and change nothing",
}
_TONES = ("", "s2", "s3", "s4")


def money(nanos: int) -> str:
    """Say nano-dollars as `$1,234.50`; below one cent with four decimals."""
    dollars = to_dollars(nanos)
    if 0 < dollars < Decimal("0.0001"):
        return "<$0.0001"
    places = Decimal("0.0001") if 0 < dollars < Decimal("0.01") else Decimal("0.01")
    return f"${dollars.quantize(places, ROUND_HALF_UP):,}"


def amount(nanos: int | None) -> str:
    """Write nano-dollars as a person types them into a field: `50.00`."""
    return "" if nanos is None else f"{to_dollars(nanos).normalize():f}"


def per_million(price: Decimal | str) -> str:
    """Say dollars per token as what a million tokens cost: `$2.50`, `$0.0375`; never as nothing what is not."""
    exact = Decimal(price).scaleb(6)
    dollars = round(exact, 6)
    if exact and not dollars:
        return "<$0.000001"
    whole, _, places = f"{dollars.normalize():,f}".partition(".")
    return f"${whole}.{places:0<2}"


def amount_per_million(price: Decimal) -> str:
    """Write dollars per token as a person types what a million tokens cost: `2.5`."""
    return f"{price.scaleb(6).normalize():f}"


def per_window(duration: str | None) -> str:
    """Say how often a budget starts again: `a month`, `every 12h`, `in total`."""
    if not duration:
        return "in total"
    return _WINDOWS.get(duration, f"every {duration}")


def percent(part: int, whole: int) -> int:
    """Tell how much of the whole a part is, in whole percent from 0 to 100; above nothing is at least 1."""
    if whole <= 0:
        return 100
    return min(100, max(part * 100 // whole, 1 if part else 0))


def number(value: int) -> str:
    """Write a whole number with commas: `7,204`."""
    return f"{value:,}"


def compact(value: int) -> str:
    """Write a large number short: `12.4M`; up to 9,999 in full."""
    for size, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= size and value >= 10_000:
            return f"{value / size:.1f}".removesuffix(".0") + letter
    return number(value)


def plural(count: int, one: str, many: str = "", *, is_capped: bool = False) -> str:
    """Count things: `1 key`, `6 keys`, `10,000+ keys`."""
    return f"{number(count)}{'+' if is_capped else ''} {one if count == 1 else many or one + 's'}"


def day(moment: datetime) -> str:
    """Say a day: `21 Feb 2027`."""
    return f"{moment.day} {moment:%b %Y}"


def short_day(moment: datetime) -> str:
    """Say a day of this year without the year: `21 Feb`."""
    return f"{moment.day} {moment:%b}" if moment.year == now().year else day(moment)


def exact(moment: datetime) -> str:
    """Say day and time: `21 Feb 2027, 09:00 UTC`."""
    return f"{day(moment)}, {moment.astimezone(UTC):%H:%M} UTC"


def stamp(moment: datetime) -> str:
    """Say a moment to the second, in UTC: `21 Feb 09:00:07`."""
    return f"{short_day(moment)} {moment.astimezone(UTC):%H:%M:%S}"


def iso(moment: datetime) -> str:
    """Write a moment for machines, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def ago(moment: datetime) -> str:
    """Say how long ago: `Just now`, `4 minutes ago`, `Yesterday`, `3 days ago`, then the day."""
    past = now() - moment
    if past < timedelta(minutes=1):
        return "Just now"
    if past < timedelta(hours=1):
        return f"{plural(past.seconds // 60, 'minute')} ago"
    if past < timedelta(days=1):
        return f"{plural(past.seconds // 3600, 'hour')} ago"
    if past < timedelta(days=2):
        return "Yesterday"
    return f"{plural(past.days, 'day')} ago" if past < timedelta(days=7) else short_day(moment)


def left(moment: datetime) -> str:
    """Say how much time is left until a moment: `6 days`, `1 hour`, `1 minute`."""
    ahead = max(moment - now(), timedelta(0))
    if ahead >= timedelta(days=1):
        return plural(round(ahead / timedelta(days=1)), "day")
    if ahead >= timedelta(minutes=59, seconds=30):
        return plural(round(ahead / timedelta(hours=1)), "hour")
    return plural(max(1, round(ahead / timedelta(minutes=1))), "minute")


def span(end: datetime, start: datetime) -> str:
    """Say how long something lasts: `24 hours`, `7 days`, `30 minutes`."""
    lasts = end - start
    if lasts >= timedelta(days=2):
        return plural(round(lasts / timedelta(days=1)), "day")
    if lasts >= timedelta(minutes=59, seconds=30):
        return plural(round(lasts / timedelta(hours=1)), "hour")
    return plural(max(1, round(lasts / timedelta(minutes=1))), "minute")


def brief(moment: datetime) -> str:
    """Say shortly how much time is left until a moment: `6 d`, `23 h`, `59 min`."""
    count, unit = left(moment).split()
    return f"{count} {_BRIEF[unit.removesuffix('s')]}"


def share_left(end: datetime, start: datetime) -> int:
    """Tell how much of a span is still ahead, in whole percent from 0 to 100."""
    whole = max((end - start) / timedelta(minutes=1), 1)
    return min(100, max(0, round((end - now()) / timedelta(minutes=1) / whole * 100)))


def may(key_type: str) -> str:
    """Say what a key is for, in words."""
    return _DEEDS.get(key_type, key_type)


def wait(seconds: int) -> str:
    """Say how long to wait: `40 seconds`, `5 minutes`."""
    return plural(seconds, "second") if seconds < 60 else plural(-(-seconds // 60), "minute")


def is_past(moment: datetime) -> bool:
    """Tell whether a moment is over."""
    return moment <= now()


def initials(name: str) -> str:
    """Give two letters for an avatar."""
    words = re.findall(r"[^\W_]+", name.split("@")[0]) or ["?"]
    return (words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]).upper()


def tone(identifier: str) -> str:
    """Pick the avatar's colour, the same for the same person."""
    return _TONES[zlib.crc32(identifier.encode()) % len(_TONES)]


_SAID = (
    money,
    amount,
    per_million,
    per_window,
    percent,
    number,
    compact,
    plural,
    day,
    short_day,
    exact,
    stamp,
    iso,
    ago,
    left,
    span,
    brief,
    share_left,
    may,
    wait,
    is_past,
    initials,
    tone,
    device,
    is_handheld,
)
FILTERS: dict[str, Callable[..., object]] = {function.__name__: function for function in _SAID}
