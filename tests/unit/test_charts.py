"""Bars per day in percent: they add up, they stay inside, and they say in words what they show."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfserve.clock import Days
from selfserve.services.spend_days import DaysByModel
from selfserve.services.spend_sums import Sums
from selfserve.web.charts import draw, scale
from selfserve.web.figures import against, all_days, rate, short_days, tick

DOLLAR = 10**9
FIRST = date(2026, 11, 1)
NOVEMBER = Days(FIRST, date(2026, 11, 30))


def days_of(*spends, days=None, **more):
    """Make days from the spend of each model on each: `days_of({"gpt": 5}, {})`."""
    days = days or Days(FIRST, FIRST + timedelta(days=len(spends) - 1))
    cells = {
        day: {model: Sums(spend=spend, requests=1) for model, spend in told.items()}
        for day, told in zip(days, spends, strict=False)
        if told
    }
    return DaysByModel(days, cells, Sums(), len({model for told in spends for model in told}))


def number(percent):
    return float(percent.removesuffix("%"))


@pytest.mark.parametrize(
    ("highest", "top", "step"),
    [(2.13, 3, 1), (11.74, 15, 5), (0.85, 1, 0.25), (3, 3, 1), (4, 4, 1), (4.01, 6, 2), (8.5, 10, 2.5), (100, 100, 25),
     (0.0001, 0.0001, 0.0001), (0.000000001, 0.0001, 0.0001), (1_300_000, 1_500_000, 500_000), (0, 3, 1)],
)  # fmt: skip
def test_the_scale_is_round_and_has_four_steps_at_most(highest, top, step):
    assert scale(round(highest * DOLLAR)) == (round(top * DOLLAR), round(step * DOLLAR))


@given(st.integers(1, 10**20))
def test_every_scale_holds_what_it_is_made_for(highest):
    top, step = scale(highest)
    assert highest <= top
    assert top % step == 0
    assert 1 <= top // step <= 4
    assert top - step < max(highest, step)


@pytest.mark.parametrize(
    ("nanos", "step", "text"),
    [(0, DOLLAR, "$0"), (2 * DOLLAR, DOLLAR, "$2"), (DOLLAR // 2, DOLLAR // 2, "$0.50"),
     (DOLLAR, DOLLAR // 2, "$1.00"), (DOLLAR // 400, DOLLAR // 400, "$0.0025"), (1_000 * DOLLAR, DOLLAR, "$1k"),
     (2_500 * DOLLAR, 500 * DOLLAR, "$2.5k"), (1_500_000 * DOLLAR, 500_000 * DOLLAR, "$1.5M"),
     (25 * 10**12 * DOLLAR, DOLLAR, "$25T"), (0, DOLLAR // 2, "$0")],
)  # fmt: skip
def test_the_labels_of_the_axis_are_short(nanos, step, text):
    assert tick(nanos, step) == text


def test_a_bar_is_piled_up_from_the_bottom_in_the_order_of_the_legend():
    chart = draw(days_of({"gpt": 2 * DOLLAR, "claude": DOLLAR}, {"claude": DOLLAR // 2}))
    assert [(one.name, one.tone, one.spend) for one in chart.series] == [
        ("gpt", "s1", 2 * DOLLAR), ("claude", "s2", 3 * DOLLAR // 2),
    ]  # fmt: skip
    first, second = chart.bars
    assert [(box.tone, box.y, box.height) for box in first.boxes] == [
        ("s1", "33.33%", "66.67%"), ("s2", "0.00%", "33.33%"),
    ]  # fmt: skip
    assert [(box.tone, box.y, box.height) for box in second.boxes] == [("s2", "83.33%", "16.67%")]
    assert first.title == "1 Nov: $3.00 (gpt $2.00, claude $1.00)"
    assert [(mark.text, mark.at) for mark in chart.heights] == [
        ("$0", "100.00%"), ("$1", "66.67%"), ("$2", "33.33%"), ("$3", "0.00%"),
    ]  # fmt: skip
    assert chart.label.startswith("Spend per day, 1 to 2 Nov: $3.50 in total, highest $3.00 on 1 Nov.")


def test_six_models_are_five_colours_and_the_others():
    chart = draw(days_of({f"m{n}": (10 - n) * DOLLAR for n in range(7)} | {None: DOLLAR}))
    assert [(one.name, one.tone) for one in chart.series] == [
        ("m0", "s1"), ("m1", "s2"), ("m2", "s3"), ("m3", "s4"), ("m4", "s5"), ("Other", "s6"),
    ]  # fmt: skip
    assert chart.series[-1].spend == (5 + 4 + 1) * DOLLAR
    assert chart.rows[0].values == [n * DOLLAR for n in (10, 9, 8, 7, 6, 10)]
    assert chart.tones.get("m5", "s6") == "s6"


def test_a_model_that_is_called_other_is_one_of_its_own():
    chart = draw(days_of({"Other": 9 * DOLLAR} | {f"m{n}": DOLLAR for n in range(6)}))
    assert [one.tone for one in chart.series if one.name == "Other"] == ["s1", "s6"]
    assert sum(chart.rows[0].values) == chart.rows[0].total == 15 * DOLLAR


def test_a_day_without_spend_keeps_its_place_and_says_so():
    chart = draw(days_of({"gpt": DOLLAR}, {}, {"gpt": 0}))
    assert [bar.title for bar in chart.bars] == ["1 Nov: $1.00", "2 Nov: no spend", "3 Nov: no spend"]
    assert [len(bar.boxes) for bar in chart.bars] == [1, 0, 0]


def test_without_any_spend_there_is_a_scale_and_nothing_on_it():
    chart = draw(days_of({}, {}))
    assert [mark.text for mark in chart.heights] == ["$0", "$1", "$2", "$3"]
    assert (chart.series, chart.label) == ([], "No spend from 1 to 2 Nov")


def test_the_axis_goes_on_to_the_end_of_the_month_and_the_table_does_not():
    chart = draw(days_of({"gpt": DOLLAR}, {"gpt": DOLLAR}), NOVEMBER)
    assert (len(chart.bars), len(chart.rows)) == (30, 2)
    assert [mark.text for mark in chart.axis][:3] == ["1 Nov", "3", "5"]
    assert [mark.is_extra for mark in chart.axis][:4] == [False, True, False, True]
    assert chart.days == Days(FIRST, date(2026, 11, 2))


def test_a_new_month_is_named_where_it_is_first_labelled():
    chart = draw(days_of(*[{}] * 40, days=Days(date(2026, 11, 20), date(2026, 12, 29))))
    assert [mark.text for mark in chart.axis][:5] == ["20 Nov", "23", "26", "29", "2 Dec"]


@pytest.mark.parametrize("count", [1, 2, 7, 30, 31, 90, 366])
def test_bars_stay_in_their_slots_and_in_the_chart(count):
    chart = draw(days_of(*[{"gpt": DOLLAR}] * count))
    width, slot = number(chart.width), number(chart.slot_width)
    assert len(chart.axis) <= 15
    assert width <= min(9, slot)
    for bar in chart.bars:
        assert number(bar.slot) - 0.02 <= number(bar.x)
        assert number(bar.x) + width <= number(bar.slot) + slot + 0.02
        assert number(bar.slot) + slot <= 100.5


@given(st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10**16)), min_size=1, max_size=40))
def test_what_is_drawn_and_tabled_is_what_was_spent(spends):
    chart = draw(days_of(*spends))
    total = sum(sum(told.values()) for told in spends)
    assert sum(one.spend for one in chart.series) == sum(row.total for row in chart.rows) == chart.total.spend == total
    for row, bar in zip(chart.rows, chart.bars, strict=True):
        assert sum(row.values) == row.total
        assert len(row.values) == len(chart.series)
        assert all(0 <= number(box.y) <= 100 and number(box.height) <= 100 for box in bar.boxes)


@pytest.mark.parametrize(
    ("first", "last", "words", "short"),
    [((2026, 11, 1), (2026, 11, 23), "1 to 23 November 2026", "1 to 23 Nov"),
     ((2026, 10, 25), (2026, 11, 23), "25 October to 23 November 2026", "25 Oct to 23 Nov"),
     ((2025, 12, 25), (2026, 1, 23), "25 December 2025 to 23 January 2026", "25 Dec to 23 Jan"),
     ((2025, 6, 18), (2026, 6, 17), "18 June 2025 to 17 June 2026", "18 Jun to 17 Jun"),
     ((2026, 11, 23), (2026, 11, 23), "23 November 2026", "23 Nov")],
)  # fmt: skip
def test_a_range_of_days_reads_as_people_say_it(first, last, words, short):
    days = Days(date(*first), date(*last))
    assert (all_days(days), short_days(days)) == (words, short)


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(15, 7204, "0.2 %"), (1, 10_000, "under 0.1 %"), (1, 2, "50 %"), (1, 1, "100 %"), (1, 3, "33.3 %")],
)
def test_a_rate_has_one_decimal_at_most(part, whole, words):
    assert rate(part, whole) == words


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [((88, 100), (100, 100), "12 % below October"), ((103, 100), (100, 100), "3 % above October"),
     ((100, 1), (100, 1), "Same as October"), ((1000, 1000), (1, 1), "Same as October"),
     ((1004, 1000), (1, 1), "Same as October"), ((5, 1), (0, 3), "Up from $0.00"),
     ((0, 1), (0, 3), "Same as October"), ((0, 2), (5, 3), "100 % below October"),
     ((5, 1), (0, 0), "No calls to compare with"), ((0, 0), (5, 5), "No calls to compare with"),
     ((10**18, 1), (1, 1), "99,999,999,999,999,999,900 % above October")],
)  # fmt: skip
def test_the_price_of_a_request_is_compared_with_an_earlier_one(here, there, words):
    assert against(Sums(*here), Sums(*there), "October") == words
