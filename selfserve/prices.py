"""What models cost: a trimmed copy of a public price list, and the cost of one call, rounded once.

Prices per token are smaller than a nano-dollar, so they are Decimal; what a call costs is an integer of nano-dollars.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from selfserve.money import NANOS_PER_DOLLAR

FILE = Path(__file__).parent / "data" / "prices.json"
MOST_PER_TOKEN = Decimal("0.01")
"""A cent a token: more than any model costs, and less than a price of a million tokens that lost its unit."""
MODES = ("chat", "completion", "embedding", "responses")
_COLUMNS = {
    "prompt": "input_cost_per_token",
    "completion": "output_cost_per_token",
    "cached": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
}
_THOUGHT = "output_cost_per_reasoning_token"
_WRITE, _WRITE_1H = Decimal("1.25"), Decimal(2)
"""What a token that is written to a cache costs where nobody says, of the prompt's price; for an hour it is more."""


@dataclass(frozen=True)
class Usage:
    """The tokens of one call. The prompt's hold those that were read from a cache or written to one."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    """Of those written, the ones that stay for an hour."""


@dataclass(frozen=True)
class Rate:
    """Dollars per token."""

    prompt: Decimal
    completion: Decimal
    cached: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal


def rate_of(prompt: Decimal, completion: Decimal, cached: Decimal | None) -> Rate:
    """Make the rate of a price that says nothing of what is written to a cache: then that costs as at Anthropic."""
    return Rate(prompt, completion, prompt if cached is None else cached, prompt * _WRITE, prompt * _WRITE_1H)


@dataclass(frozen=True)
class Price:
    """What a model costs, also where prompts longer than a number of tokens cost more."""

    provider: str
    mode: str
    usual: Rate
    longer: tuple[tuple[int, Rate], ...] = ()
    most_prompt_tokens: int | None = None
    most_completion_tokens: int | None = None
    thinks: bool = False
    """Whether it may think before it speaks, which is paid and not always seen."""

    def rate(self, prompt_tokens: int) -> Rate:
        """Give the rate for a prompt of this length."""
        reached = [rate for threshold, rate in self.longer if prompt_tokens > threshold]
        return reached[-1] if reached else self.usual

    @property
    def dearest(self) -> Rate:
        """Give the most that each kind of token can cost, for the worst case of a call."""
        rates = [self.usual, *(rate for _, rate in self.longer)]
        return Rate(*(max(getattr(rate, name) for rate in rates) for name in _COLUMNS))

    @property
    def dearest_prompt(self) -> Decimal:
        """Give the most that a token of the prompt can cost, fresh, cached or written to a cache.

        One that is written for an hour costs no more than two of them.
        """
        rate = self.dearest
        return max(rate.prompt, rate.cached, rate.cache_write)


def cost_of(price: Price, usage: Usage) -> int:
    """Reckon what a call costs in nano-dollars, rounded half up, once."""
    rate = price.rate(usage.prompt_tokens)
    fresh = max(usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens, 0)
    dollars = (
        fresh * rate.prompt
        + usage.cached_tokens * rate.cached
        + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * rate.cache_write
        + usage.cache_write_1h_tokens * rate.cache_write_1h
        + usage.completion_tokens * rate.completion
    )
    return int((dollars * NANOS_PER_DOLLAR).quantize(Decimal(1), ROUND_HALF_UP))


def price_of(prompt: str, completion: str, cached: str | None) -> Price:
    """Make the price that an admin set, from its text."""
    each = None if cached is None else Decimal(cached)
    return Price("", "chat", rate_of(Decimal(prompt), Decimal(completion), each))


def with_sizes(price: Price | None, listed: Price | None) -> Price | None:
    """Give the price that an admin set, with the rest that the list knows; without one, what is listed."""
    if price is None or listed is None:
        return price or listed
    rest = ("provider", "mode", "most_prompt_tokens", "most_completion_tokens", "thinks")
    return replace(price, **{name: getattr(listed, name) for name in rest})


def worst_cost(price: Price, prompt_tokens: int, completion_tokens: int) -> int:
    """Reckon the most that so many tokens can cost in nano-dollars, rounded up."""
    dollars = prompt_tokens * price.dearest_prompt + completion_tokens * price.dearest.completion
    return int((dollars * NANOS_PER_DOLLAR).quantize(Decimal(1), ROUND_CEILING))


def affordable_tokens(price: Price, prompt_tokens: int, nanos: int) -> int | None:
    """Tell how many tokens can be answered for so much money after such a prompt; None where answers cost nothing.

    Below nothing when not even the prompt can be paid.
    """
    left = Decimal(nanos) / NANOS_PER_DOLLAR - prompt_tokens * price.dearest_prompt
    each = price.dearest.completion
    if not each and left >= 0:
        return None
    return int((left / each).to_integral_value(ROUND_FLOOR)) if each else -1


def find_price(model: str) -> Price | None:
    """Find a model in the list, None where it is not: then what it costs is unknown, never nothing.

    A price of nothing is one that nobody looked up, or only that of a way to other models: an admin may say that a
    model is free.
    """
    row = listed().get(model)
    is_said = row and Decimal(row["prompt"]) and (row["mode"] == "embedding" or Decimal(row.get("completion", 0)))
    return read_price(row) if row and is_said else None


def read_price(row: Mapping[str, Any]) -> Price:
    """Read one row of the list."""
    usual = _rate(row, None)
    longer = [(int(threshold), _rate(more, usual)) for threshold, more in row.get("longer", {}).items()]
    return Price(
        row["provider"],
        row["mode"],
        usual,
        tuple(sorted(longer, key=lambda tier: tier[0])),
        row.get("most_prompt_tokens"),
        row.get("most_completion_tokens"),
        row.get("thinks", False),
    )


def trim(public: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Keep of LiteLLM's `model_prices_and_context_window.json` what a call by tokens needs, prices as text."""
    kept = {}
    for model, row in sorted(public.items()):
        if row.get("mode") in MODES and row.get("input_cost_per_token") is not None:
            kept[model] = _trimmed(row)
    return kept


def write(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the list with a line for each model, so that a refresh shows what changed."""
    lines = (f"{json.dumps(model)}: {json.dumps(row)}" for model, row in rows.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _trimmed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Trim one row."""
    kept: dict[str, Any] = {"provider": row.get("litellm_provider", ""), "mode": row["mode"]}
    kept |= _prices(row, "")
    thresholds = sorted({_threshold(name) for name in row} - {None}, key=lambda each: each or 0)
    longer = {str(each): _prices(row, f"_above_{(each or 0) // 1000}k_tokens") for each in thresholds}
    kept |= {"longer": longer} if longer else {}
    kept |= {"thinks": True} if row.get("supports_reasoning") is True else {}
    sizes = {"most_prompt_tokens": row.get("max_input_tokens"), "most_completion_tokens": row.get("max_output_tokens")}
    return kept | {name: size for name, size in sizes.items() if isinstance(size, int)}


def _threshold(name: str) -> int | None:
    """Read the number of tokens in `input_cost_per_token_above_200k_tokens`."""
    prefix = _COLUMNS["prompt"] + "_above_"
    digits = name.removeprefix(prefix).removesuffix("k_tokens")
    return int(digits) * 1000 if name.startswith(prefix) and digits.isdigit() else None


def _prices(row: Mapping[str, Any], suffix: str) -> dict[str, str]:
    """Give the prices that a row names, as text without an exponent; thoughts are part of the answer."""
    named = {name: row.get(column + suffix) for name, column in _COLUMNS.items()}
    thought = row.get(_THOUGHT + suffix)
    if thought is not None:
        named["completion"] = max(thought, named["completion"] or 0)
    return {name: f"{Decimal(str(price)):f}" for name, price in named.items() if price is not None}


def _rate(row: Mapping[str, Any], usual: Rate | None) -> Rate:
    """Read the prices of a row; what it does not name costs what it usually does, cached tokens as much as others."""
    prompt = Decimal(row["prompt"]) if "prompt" in row else usual.prompt if usual else Decimal(0)
    completion = Decimal(row.get("completion", usual.completion if usual else 0))
    cached, written = (Decimal(row[name]) if name in row else prompt for name in ("cached", "cache_write"))
    an_hour = Decimal(row["cache_write_1h"]) if "cache_write_1h" in row else max(written, prompt * _WRITE_1H)
    return Rate(prompt, completion, cached, written, an_hour)


def list_in_force() -> Path:
    """Tell which file the list is read from."""
    return _in_force[-1]


def use_folder(folder: Path) -> None:
    """Let a list that was refreshed into the data folder win over ours. Raises ValueError for one that is damaged."""
    refreshed = folder / FILE.name
    _in_force[1:] = [refreshed] if refreshed.is_file() else []
    listed.cache_clear()
    if refreshed.is_file():
        listed()


@cache
def listed() -> Mapping[str, Mapping[str, Any]]:
    """Give the rows of the list by model; it is read when the first price is asked for."""
    rows: dict[str, dict[str, Any]] = json.loads(list_in_force().read_text(encoding="utf-8"))
    return rows


_in_force = [FILE]
