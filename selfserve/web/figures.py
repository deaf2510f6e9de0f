"""How figures and ranges of days are said on the pages of spend: Jinja filters, and the labels of charts."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from selfserve.clock import Days
from selfserve.money import NANOS_PER_DOLLAR, to_dollars
from selfserve.services.spend_sums import Sums
from selfserve.web.words import compact, money, number

_PROVIDERS = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "vertex_ai": "Google",
    "gemini": "Google",
    "azure": "Azure",
    "bedrock": "Amazon Bedrock",
    "mistral": "Mistral",
    "deepseek": "DeepSeek",
    "xai": "xAI",
    "groq": "Groq",
    "cohere": "Cohere",
    "openrouter": "OpenRouter",
}


def tick(nanos: int, step: int) -> str:
    """Say nano-dollars at the axis of a chart, short: `$2`, `$0.50`, `$2.5k`; all of one axis with the same places."""
    if nanos and step % NANOS_PER_DOLLAR:
        return f"${to_dollars(nanos):.{2 if step % (NANOS_PER_DOLLAR // 100) == 0 else 4}f}"
    whole = nanos // NANOS_PER_DOLLAR
    return f"${(Decimal(whole) / 1000).normalize():f}k" if 1_000 <= whole < 10_000 else f"${compact(whole)}"


def rate(part: int, whole: int) -> str:
    """Say a part of a whole in percent: `0.2 %`, `under 0.1 %`."""
    tenths = (part * 2000 + whole) // (2 * whole) if whole else 0
    return f"{tenths / 10:g} %" if tenths else "under 0.1 %"


def against(total: Sums, before: Sums, before_name: str) -> str:
    """Compare the price of a request with an earlier one: `12 % below October`."""
    if not total.requests or not before.requests:
        return "No calls to compare with"
    here, there = total.spend * before.requests, before.spend * total.requests
    change = (abs(here - there) * 200 + there) // (2 * there) if there else 0
    if change:
        return f"{number(change)} % {'above' if here > there else 'below'} {before_name}"
    return f"Up from {money(0)}" if here and not there else f"Same as {before_name}"


def month(moment: date) -> str:
    """Name a month: `November`."""
    return f"{moment:%B}"


def day_and_month(moment: date) -> str:
    """Say a day without its year: `21 Feb`."""
    return f"{moment.day} {moment:%b}"


def all_days(days: Days) -> str:
    """Say a range of days: `1 to 23 November 2026`, `25 October to 23 November 2026`."""
    return _said(days, "%B", str(days.last.year))


def short_days(days: Days) -> str:
    """Say a range of days without its year: `10 to 23 Nov`."""
    return _said(days, "%b", "")


def provider(name: str) -> str:
    """Call the maker of a model as it calls itself: `OpenAI`."""
    return next((said for known, said in _PROVIDERS.items() if name.startswith(known)), name)


def lasted(milliseconds: int) -> str:
    """Say how long a call took: `840 ms`, `1.2 s`, `2 min 5 s`."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{number(int(seconds // 60))} min {int(seconds % 60)} s"


def _said(days: Days, form: str, year: str) -> str:
    """Say a range; what both ends have in common is said once."""
    first, last = days.first, days.last
    end = f"{last.day} {last:{form}} {year}".rstrip()
    if first == last:
        return end
    if first.year != last.year and year:
        return f"{first.day} {first:{form}} {first.year} to {end}"
    is_one_month = (first.year, first.month) == (last.year, last.month)
    return f"{first.day} to {end}" if is_one_month else f"{first.day} {first:{form}} to {end}"


_SAID = (rate, against, provider, month, day_and_month, all_days, short_days, lasted)
FIGURES: dict[str, Callable[..., object]] = {function.__name__: function for function in _SAID}
