"""Periodic work: `flask --app wsgi tick` once, or a thread of each worker of `make run`, one of them at a time.

Whatever it does may be done again: who finds nothing to do does nothing.
"""

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from sqlalchemy.exc import DBAPIError

from selfserve.config import Settings
from selfserve.errors import DomainError
from selfserve.minting import mint_token
from selfserve.post.delivery import deliver_due
from selfserve.services import leases, reminders, sweeping
from selfserve.services.audit_retention import purge_events
from selfserve.services.deliveries import alert_if_stuck
from selfserve.services.open_calls import close_lapsed, record_waiting
from selfserve.web.logs import write_error, write_line

JOB = "tick"
LEASE = timedelta(seconds=60)
"""After so long without a sign, a process that does the work is taken for dead."""
EVERY = 3.0
"""Seconds between two looks at what waits to be sent ..."""
CHORES_EVERY = 60.0
"""... and between two rounds of everything else."""
GRACE = 8.0
"""Seconds that a process which is told to end waits for the message at hand."""


@dataclass(frozen=True)
class Done:
    """What one round did."""

    sent: int
    failed: int
    reminders: int = 0
    lapsed: int = 0

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.failed} not sent, {self.reminders} reminders written, "
            f"{self.lapsed} calls that were cut off recorded."
        )


def tick(app: Flask) -> Done | None:
    """Do everything once; None where another process is at it."""
    holder = name_of_holder()
    if not leases.take_lease(JOB, holder, LEASE):
        return None
    try:
        chores = do_chores(app.config["SETTINGS"])
        sent = deliver_due(app.config["SETTINGS"], lambda: leases.take_lease(JOB, holder, LEASE))
        return Done(*sent, *chores)
    finally:
        leases.end_lease(JOB, holder)


def do_chores(settings: Settings) -> tuple[int, int]:
    """Do what is done now and then; tell how many reminders were written and how many calls had been cut off."""
    lapsed = close_lapsed()
    sweeping.sweep()
    purge_events(settings.audit_kept)
    alert_if_stuck()
    return reminders.remind(), lapsed


def name_of_holder() -> str:
    """Name this process as the holder of a job, unlike any other."""
    return f"{os.getpid()}-{mint_token()[:16]}"


class Runner:
    """The thread of a worker that does the work while it holds the lease."""

    def __init__(self, app: Flask) -> None:
        """Get ready; nothing runs yet."""
        self.app = app
        self.holder = name_of_holder()
        self.is_over = threading.Event()
        self.next_chores = 0.0
        self.is_failing = False
        self.thread: threading.Thread | None = None

    def begin(self, every: float = EVERY) -> None:
        """Begin to work, until the process ends."""
        self.thread = threading.Thread(target=self._work, args=(every,), name="runner", daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Finish the message at hand and let go of the job: what was sent and not noted would be sent again."""
        self.is_over.set()
        if self.thread:
            self.thread.join(GRACE)

    def _work(self, every: float) -> None:
        """Do a round, wait, do the next one."""
        while not self.is_over.wait(every):
            self.do_round()
        with self.app.app_context(), suppress(DBAPIError, DomainError):
            leases.end_lease(JOB, self.holder)

    def do_round(self) -> None:
        """Do what is due if nobody else does; an error ends the round and no more, and an outage is one line."""
        try:
            with self.app.app_context():
                is_ours = leases.take_lease(JOB, self.holder, LEASE)
                record_waiting()  # of this process, whoever does the rest
                if is_ours:
                    self._do_chores_at_times()
                    deliver_due(self.app.config["SETTINGS"], self._may_go_on)
            self.is_failing = False
        except (DBAPIError, DomainError):
            if not self.is_failing:
                write_line("error", "periodic work waits for the database")
            self.is_failing = True
        except Exception as error:
            write_error("periodic work failed", error)

    def _may_go_on(self) -> bool:
        """Tell whether another message may be begun."""
        return not self.is_over.is_set() and leases.take_lease(JOB, self.holder, LEASE)

    def _do_chores_at_times(self) -> None:
        """Do the rest at most once a minute."""
        if time.monotonic() >= self.next_chores:
            self.next_chores = time.monotonic() + CHORES_EVERY
            do_chores(self.app.config["SETTINGS"])
