"""What a call costs: Decimal per token, nano-dollars per call, rounded once."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve import prices
from selfserve.prices import Price, Usage, cost_of, find_price, price_of, rate_of, read_price, trim, with_sizes, write

MINI = rate_of(Decimal("0.00000025"), Decimal("0.000002"), Decimal("0.000000025"))
TOKENS = st.integers(0, 2_000_000)


def test_tokens_from_the_cache_are_cheaper_and_counted_once():
    usage = Usage(prompt_tokens=1000, completion_tokens=100, cached_tokens=400)
    assert cost_of(Price("openai", "chat", MINI), usage) == 600 * 250 + 400 * 25 + 100 * 2000


def test_a_cost_below_a_nano_dollar_is_rounded_half_up_once():
    half = rate_of(Decimal("0.0000000005"), Decimal(0), Decimal(0))
    assert [cost_of(Price("x", "chat", half), Usage(tokens)) for tokens in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_longer_prompts_cost_what_their_length_costs():
    price = find_price("gemini/gemini-2.5-pro")
    assert price
    assert cost_of(price, Usage(200_000)) == 200_000 * 1250
    assert cost_of(price, Usage(200_001)) == 200_001 * 2500
    assert price.dearest.completion == Decimal("0.000015")


def test_a_provider_that_tells_more_cached_than_sent_makes_nothing_negative():
    assert cost_of(Price("x", "chat", MINI), Usage(prompt_tokens=10, cached_tokens=30)) == 30 * 25


def test_what_is_written_to_a_cache_for_an_hour_costs_twice_the_prompt():
    price = find_price("claude-sonnet-4-5")
    usage = Usage(1_000, cache_write_tokens=900, cache_write_1h_tokens=500)
    assert cost_of(price, usage) == 100 * 3_000 + 400 * 3_750 + 500 * 6_000
    assert price.dearest.cache_write_1h <= 2 * price.dearest_prompt


def test_a_price_that_says_nothing_of_what_is_written_to_a_cache_charges_what_anthropic_does():
    price = price_of("0.000003", "0.000015", "0.0000003")
    usage = Usage(1_000, cached_tokens=100, cache_write_tokens=900, cache_write_1h_tokens=500)
    assert cost_of(price, usage) == 100 * 300 + 400 * 3_750 + 500 * 6_000
    assert price.dearest_prompt == Decimal("0.00000375")


def test_thoughts_that_cost_more_than_answers_are_part_of_the_answer():
    told = {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    rows = trim(
        {"a": told | {"output_cost_per_reasoning_token": 9e-06}, "b": told | {"output_cost_per_reasoning_token": 1e-06}}
    )
    assert [rows[name]["completion"] for name in "ab"] == ["0.000009", "0.000002"]


def test_the_list_knows_who_thinks_also_where_an_admin_set_the_price():
    assert [find_price(model).thinks for model in ("gpt-5", "o3", "claude-sonnet-4-5", "gpt-4o")] == [True] * 3 + [
        False
    ]
    assert with_sizes(price_of("1", "2", None), find_price("gpt-5")).thinks


@given(prompt=TOKENS, completion=TOKENS, share=st.floats(0, 1))
def test_the_dearest_rate_is_never_less_than_what_a_call_costs(prompt, completion, share):
    price = find_price("gemini/gemini-2.5-pro")
    assert price
    worst = Price(price.provider, price.mode, price.dearest)
    usage = Usage(prompt, completion, int(prompt * share))
    assert cost_of(price, usage) <= cost_of(worst, Usage(prompt, completion))


def test_a_model_that_is_listed_at_nothing_has_no_known_price():
    assert Decimal(prices.listed()["command-a-plus-05-2026"]["prompt"]) == 0
    assert find_price("command-a-plus-05-2026") is None


def test_a_model_whose_answers_are_listed_at_nothing_has_no_known_price():
    """A router's own fee is not what the model behind it costs; only embeddings have no answer that is paid."""
    free = [name for name, row in prices.listed().items() if not Decimal(row.get("completion", 0))]
    known = {price.mode for name in free if (price := find_price(name))}
    assert "azure/model-router" in free
    assert known == {"embedding"}


def test_a_model_that_is_not_listed_has_no_price():
    assert find_price("a-model-of-the-house") is None


def test_every_row_of_the_list_can_be_read_and_none_is_below_nothing():
    listed = json.loads(prices.FILE.read_text(encoding="utf-8"))
    assert len(listed) > 1000
    for row in listed.values():
        price = read_price(row)
        rates = [price.usual, *(rate for _, rate in price.longer)]
        assert min(min(vars(rate).values()) for rate in rates) >= 0
        assert price.mode in prices.MODES


@pytest.mark.parametrize("field", ["cached", "cache_write"])
def test_what_the_list_does_not_name_costs_as_much_as_other_tokens(field):
    price = read_price({"provider": "x", "mode": "chat", "prompt": "0.000001", "completion": "0.000002"})
    assert getattr(price.usual, field) == Decimal("0.000001")


def test_trimming_keeps_calls_by_tokens_and_their_tiers_and_writes_a_line_for_each():
    public = {
        "b": {"mode": "chat", "litellm_provider": "x", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
              "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens_batches": 1,
              "max_input_tokens": 10, "max_output_tokens": "many"},
        "a": {"mode": "embedding", "litellm_provider": "x", "input_cost_per_token": 2e-08},
        "image": {"mode": "image_generation", "input_cost_per_token": 1},
        "unpriced": {"mode": "chat"},
    }  # fmt: skip
    rows = trim(public)
    assert list(rows) == ["a", "b"]
    assert rows["b"] == {
        "provider": "x", "mode": "chat", "prompt": "0.000003", "completion": "0.000015",
        "longer": {"200000": {"prompt": "0.000006"}}, "most_prompt_tokens": 10,
    }  # fmt: skip
    assert json.loads(write(rows)) == rows
    assert write(rows).count("\n") == len(rows) + 2
    assert read_price(rows["b"]).rate(200_001).completion == Decimal("0.000015")
