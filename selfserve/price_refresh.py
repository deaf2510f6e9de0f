"""The public price list fetched anew: `flask --app wsgi refresh-prices`."""

import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from selfserve import prices

PUBLIC_LIST = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"
MOST_BYTES = 20_000_000
LONGEST_NAME = 255


class Unusable(Exception):
    """The list cannot be used; the message says why. Nothing was changed."""


@dataclass(frozen=True)
class Refreshed:
    """What is different in the list that was written, and which of its models had no price that can be used."""

    total: int
    new: int
    changed: int
    gone: int
    left_out: list[str]


def refresh_prices(source: str, file: Path) -> Refreshed:
    """Read LiteLLM's list from an address or a file and write what is used of it.

    Raises Unusable for a list that cannot be read or has lost most of its models, and when it cannot be written.
    """
    before = prices.listed()
    after, left_out = _trimmed(_parsed(_read(source)))
    if len(after) * 2 < len(before):
        raise Unusable(f"The list has {len(after):,} models with a price, the one in use has {len(before):,}.")
    _write(file, prices.write(after))
    kept = before.keys() & after.keys()
    return Refreshed(
        len(after),
        len(after) - len(kept),
        sum(before[model] != after[model] for model in kept),
        len(before) - len(kept),
        left_out,
    )


def _read(source: str) -> bytes:
    """Read the list, from an address that begins with http, else from a file."""
    try:
        if source.startswith(("http://", "https://")):
            return _fetch(source)
        with Path(source).open("rb") as file:
            return _bounded(file.read(MOST_BYTES + 1))
    except HTTPError:
        raise Unusable(f"{urlsplit(source).hostname} does not answer.") from None
    except OSError as error:
        raise Unusable(f"{source} cannot be read: {error.strerror or 'no answer'}.") from None


def _fetch(address: str) -> bytes:
    """Fetch the list; where it sends elsewhere is not followed."""
    pool = urllib3.PoolManager(num_pools=1, timeout=urllib3.Timeout(connect=10, read=30), retries=False)
    with pool, closing(pool.request("GET", address, redirect=False, preload_content=False)) as answer:
        if answer.status != 200:
            raise Unusable(f"{urlsplit(address).hostname} answered {answer.status}.")
        return _bounded(answer.read(MOST_BYTES + 1))


def _bounded(content: bytes) -> bytes:
    """Refuse more than a list of prices can be."""
    if len(content) > MOST_BYTES:
        raise Unusable(f"The list is larger than {MOST_BYTES // 1_000_000} MB.")
    return content


def _parsed(content: bytes) -> Mapping[str, Any]:
    """Read the JSON: an object of models."""
    try:
        rows = json.loads(content)
    except (ValueError, RecursionError):
        raise Unusable("The list is not JSON.") from None
    if not isinstance(rows, dict):
        raise Unusable("The list is not an object of models.")
    return rows


def _trimmed(public: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Keep the models whose price can be used; name those that have one that cannot."""
    kept: dict[str, Any] = {}
    left_out = []
    for model, row in sorted(public.items()):
        try:
            trimmed = prices.trim({model: row})
            if trimmed and not _is_usable(model, trimmed[model]):
                left_out.append(model)
            elif trimmed:
                kept |= trimmed
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            left_out.append(model)
    return kept, left_out


def _is_usable(model: str, row: Mapping[str, Any]) -> bool:
    """Tell whether every price of a model is one: not below nothing, and not a million times too much."""
    price = prices.read_price(row)
    rates = [price.usual, *(rate for _, rate in price.longer)]
    amounts = [amount for rate in rates for amount in vars(rate).values()]
    return len(model) <= LONGEST_NAME and all(
        amount.is_finite() and 0 <= amount <= prices.MOST_PER_TOKEN for amount in amounts
    )


def _write(file: Path, content: str) -> None:
    """Write the list whole or not at all."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unusable(f"{file} cannot be written: {error.strerror}.") from None
