"""Money is exact: an integer number of nano-dollars."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.money import MAX_DOLLARS, NANOS_PER_DOLLAR, to_dollars, to_nanos
from selfserve.web.words import per_million

MOST = int(MAX_DOLLARS) * NANOS_PER_DOLLAR


@pytest.mark.parametrize(
    ("dollars", "nanos"),
    [
        (0, 0),
        (1, 1_000_000_000),
        ("12.5", 12_500_000_000),
        (0.1, 100_000_000),
        (1.35e-05, 13_500),
        ("0.0000000005", 1),
        ("0.00000000049", 0),
        (" 3 ", 3_000_000_000),
        (Decimal("0.000000001"), 1),
        (1_000_000_000, MOST),
    ],
)
def test_dollars_become_nanos_rounded_half_up(dollars, nanos):
    assert to_nanos(dollars) == nanos


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "ten",
        "NaN",
        "Infinity",
        "-Infinity",
        float("inf"),
        float("nan"),
        -1,
        "-0.01",
        "1e10",
        10**400,
        "1" * 5000,
        "1,5",
        None,
    ],
)
def test_what_is_no_amount_is_refused(nonsense):
    with pytest.raises(ValueError, match="not an amount"):
        to_nanos(nonsense)


@given(st.integers(0, MOST))
def test_there_and_back_is_exact(nanos):
    assert to_nanos(to_dollars(nanos)) == nanos


@given(st.lists(st.decimals(0, 1000, places=9), max_size=50))
def test_sums_are_exact(amounts):
    assert sum(map(to_nanos, amounts)) == to_nanos(sum(amounts, Decimal(0)))


@given(st.text() | st.integers() | st.floats() | st.decimals(allow_nan=True))
def test_nothing_but_a_value_error_ever_comes_out(anything):
    try:
        nanos = to_nanos(anything)
    except ValueError:
        return
    assert 0 <= nanos <= MOST


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("0.0000025", "$2.50"),
        ("0.00000000378", "$0.00378"),
        ("5.0000000000000004E-8", "$0.05"),
        ("0.01", "$10,000.00"),
        ("0", "$0.00"),
        ("1e-15", "<$0.000001"),
    ],
)
def test_a_price_is_said_for_a_million_tokens_and_never_as_nothing_what_is_not(price, said):
    assert per_million(price) == per_million(Decimal(price)) == said
