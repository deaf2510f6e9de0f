"""Money is an integer number of nano-dollars (1e-9 USD), so sums are exact."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

NANOS_PER_DOLLAR = 1_000_000_000
MAX_DOLLARS = Decimal("1000000000")
"""Amounts are capped at a billion dollars: far from 64 bits of nano-dollars."""


def to_nanos(dollars: int | float | str | Decimal) -> int:
    """Turn dollars into nano-dollars, rounded half up.

    Raises ValueError for what is no finite number from 0 to `MAX_DOLLARS`.
    """
    try:
        amount = Decimal(str(dollars).strip())
    except InvalidOperation:
        raise ValueError("not an amount") from None
    if not amount.is_finite() or not 0 <= amount <= MAX_DOLLARS:
        raise ValueError("not an amount")
    return int((amount * NANOS_PER_DOLLAR).quantize(Decimal(1), ROUND_HALF_UP))


def to_dollars(nanos: int) -> Decimal:
    """Turn nano-dollars into dollars, exactly."""
    return Decimal(nanos) / NANOS_PER_DOLLAR
