"""The columns of whatever has a budget: a user or a key."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from selfserve.clock import next_reset, now, reset_after, window_start
from selfserve.database import UtcDateTime
from selfserve.errors import Invalid
from selfserve.money import to_dollars

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Window:
    """From when to when a budget counts."""

    start: datetime
    end: datetime

    @property
    def kind(self) -> str:
        """Its length in a word: `month` (of the calendar), `week`, `day` or `other`."""
        if self.end == next_reset("1mo", self.start) and self.start == window_start("1mo", self.end):
            return "month"
        return {timedelta(days=7): "week", timedelta(days=1): "day"}.get(self.end - self.start, "other")

    @property
    def is_short(self) -> bool:
        """Whether it is a day or less, so that its moments are told by the clock."""
        return self.end - self.start <= timedelta(days=1)


@dataclass(frozen=True)
class Forecast:
    """How a window ends at the pace so far: what will be spent by its end, and when the budget runs out, if it does."""

    spend: int
    runs_out_at: datetime | None


class Budgeted:
    """A budget in nano-dollars with a window that resets by itself when it is next looked at."""

    held, running = 0, 0
    """What calls on their way hold of it at most, and how many there are: read beside it where a page shows it."""
    unpriced_requests = 0
    """How many calls of all time are of unknown cost: read beside it where spend is listed."""

    created_at: Mapped[datetime]
    max_budget: Mapped[int | None] = mapped_column(BigInteger)
    soft_budget: Mapped[int | None] = mapped_column(BigInteger, doc="Past it there is a word of warning, no refusal.")
    budget_duration: Mapped[str | None] = mapped_column(String(32))
    budget_reset_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    window_spend: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    total_spend: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")

    @property
    def is_window_over(self) -> bool:
        """Whether the window has ended and not been renewed yet."""
        return self.budget_reset_at is not None and self.budget_reset_at <= now()

    @property
    def spend(self) -> int:
        """What was spent in the current window, in nano-dollars."""
        return 0 if self.is_window_over else self.window_spend

    @property
    def is_over_budget(self) -> bool:
        """Whether the budget of the window is used up."""
        return self.max_budget is not None and self.spend >= self.max_budget

    @property
    def is_over_soft_budget(self) -> bool:
        """Whether so much was spent in the window that somebody wanted to know."""
        return self.soft_budget is not None and self.spend >= self.soft_budget

    @property
    def next_reset_at(self) -> datetime | None:
        """When the window that holds now ends, whether it was renewed yet or not."""
        if self.budget_reset_at and self.budget_duration and self.is_window_over:
            return reset_after(self.budget_duration, self.budget_reset_at, now())
        return self.budget_reset_at

    @property
    def window(self) -> Window | None:
        """The window that holds now, if the budget has one."""
        end = self.next_reset_at
        return Window(window_start(self.budget_duration, end), end) if self.budget_duration and end else None

    @property
    def forecast(self) -> Forecast | None:
        """How the window ends at the pace so far, in whole nano-dollars.

        None without a budget or a window, when nothing is spent or all of it, and in the first twenty-fourth of the
        time there was to spend (the first hour of a day), when a pace would say little.
        """
        if self.window is None or self.max_budget is None or not 0 < self.spend < self.max_budget:
            return None
        moment, start = now(), max(self.window.start, self.created_at)
        past, whole = (moment - start) // MICROSECOND, (self.window.end - start) // MICROSECOND
        if past * 24 < whole:
            return None
        spend = (2 * self.spend * whole + past) // (2 * past)
        left = (self.max_budget - self.spend) * past // self.spend
        return Forecast(spend, moment + left * MICROSECOND if spend > self.max_budget else None)

    def add_spend(self, cost: int, moment: datetime) -> None:
        """Charge a call that began at `moment`: a call told late does not weigh on a window that began after it."""
        self.renew_window()
        self.total_spend += cost
        start = (
            window_start(self.budget_duration, self.budget_reset_at)
            if self.budget_duration and self.budget_reset_at
            else None
        )
        if start is None or moment >= start:
            self.window_spend += cost

    def set_budget(self, max_budget: int | None, duration: str | None) -> None:
        """Change the budget; a new length of the window starts a window, what was spent in the old one stays."""
        self.renew_window()
        self.max_budget = max_budget
        if duration != self.budget_duration:
            self.budget_duration = duration
            self.budget_reset_at = next_reset(duration, now()) if duration else None

    def refuse_idle_warning(self) -> None:
        """Raise Invalid for a soft budget that would never warn, because calls stop before it is reached."""
        soft, most = self.soft_budget, self.max_budget
        if soft is not None and most is not None and soft > most:
            told = f"soft_budget is more than the budget itself, ${to_dollars(most):,.2f}, at which calls stop."
            raise Invalid(f"{told} Lower it, or leave it empty.", param="soft_budget")

    def renew_window(self) -> None:
        """Begin the window that holds now, if the last one has ended."""
        if self.is_window_over and self.budget_duration:
            self.budget_reset_at = self.next_reset_at
            self.window_spend = 0
