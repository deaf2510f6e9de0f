"""Measures one database: the figures of each row, the first visit, memory and start."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, product

from bench.fill import Secrets
from bench.findings import Figure, Findings, Memory, Place
from bench.first_visit import visit_pages
from bench.load import Load, Request, drive
from bench.rows import CALLS, READS, ROWS, WRITES, Row
from bench.servers import Server, ask, bare, ours
from bench.sizes import Effort, Size
from bench.statements import count_statements
from bench.visitors import visitors

Headers = Mapping[str, dict[str, str]]
FIRST_OF_MANY = 3
"""Numbered requests are about people from here on: the first two are Mia and Ada."""
MEMORY_MIX = ("key_info", "my_keys", "key_list")


@dataclass(frozen=True)
class Bench:
    """A filled database, and what is needed to measure it."""

    database: str
    size: Size
    environment: dict[str, str]
    secrets: Secrets
    effort: Effort
    by_wrk: bool
    only: frozenset[str]
    upstream: Server

    def measure_growth(self, findings: Findings) -> None:
        """Measure the rows that must not grow, alone: this is the small house."""
        rows = [row for row in self._wanted(READS) if row.most_growth]
        for workers in self.effort.workers if rows else ():
            with ours(self.environment, workers) as server:
                headers = visitors(server, self.secrets)
                for row in rows:
                    for connections in self.effort.connections:
                        place = Place(self.database, self.size.name, workers, connections)
                        findings.figures.append(
                            Figure(row.name, place, self._measure(row, server, headers, connections))
                        )

    def measure_all(self, findings: Findings) -> None:
        """Measure everything: this is the big house. Reads come first, so that writes do not change what is read."""
        for rows in (self._wanted(READS), self._wanted((*WRITES, *CALLS))):
            for workers in self.effort.workers if rows else ():
                with ours(self.environment, workers) as server:
                    findings.starts.setdefault(self.database, []).append(round(server.started_in, 2))
                    headers = visitors(server, self.secrets)
                    findings.visits = findings.visits or visit_pages(server, headers)
                    self._beside_bare(rows, server, headers, workers, findings)
        if not self.only:
            findings.memory.append(self._measure_memory())

    def _wanted(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Leave out what was not asked for."""
        return tuple(row for row in rows if not self.only or row.name in self.only)

    def _beside_bare(
        self, rows: tuple[Row, ...], server: Server, headers: Headers, workers: int, findings: Findings
    ) -> None:
        """Measure rows, each with a bare view of as many bytes beside it."""
        statements = count_statements(rows, headers, self.environment)
        sizes = {row.name: self._size_of_answer(row, server, headers) for row in rows}
        with bare(self.environment, workers, sizes.values()) as naked:
            for row, connections in product(rows, self.effort.connections):
                load = self._measure(row, server, headers, connections)
                beside = self._drive(naked, Request("GET", f"/{sizes[row.name]}", {}), connections)
                direct = self._measure(row, self.upstream, headers, connections) if row.most_added else None
                place = Place(self.database, self.size.name, workers, connections)
                findings.figures.append(Figure(row.name, place, load, beside, statements[row.name], direct))

    @staticmethod
    def _size_of_answer(row: Row, server: Server, headers: Headers) -> int:
        """Send a row's request once: it must succeed."""
        body = row.body and row.body.replace("{n}", str(FIRST_OF_MANY))
        status, answer = ask(server, row.path, row.method, body, **headers[row.who])
        if status != 200:
            raise SystemExit(f"{row.method} {row.path} answered {status}: {answer[:300]!r}")
        return len(answer)

    def _measure(self, row: Row, server: Server, headers: Headers, connections: int) -> Load:
        """Measure a row, and say so to whoever waits."""
        load = self._drive(server, self.request(row, headers), connections)
        print(f"  {row.name:15} c={connections:2}  {load.per_second:8.0f}/s  p50 {load.p50:.2f} ms", flush=True)
        return load

    def _drive(self, server: Server, request: Request, connections: int) -> Load:
        """Warm up, then measure."""
        drive(server.host, request, connections, self.effort.warm_up, by_wrk=self.by_wrk)
        return drive(server.host, request, connections, self.effort.seconds, by_wrk=self.by_wrk)

    def request(self, row: Row, headers: Headers) -> Request:
        """Say what is sent."""
        numbers = FIRST_OF_MANY, self.size.last_at_work
        return Request(row.method, row.path, headers[row.who], row.body, *numbers, row.is_streamed)

    def _measure_memory(self) -> Memory:
        """Let one worker answer many requests of several kinds, and look at it before, soon and afterwards."""
        with ours(self.environment, 1) as server:
            idle, headers = server.memory(), visitors(server, self.secrets)
            rows, sent = cycle(MEMORY_MIX), 0
            warm: list[float] = []
            while sent < self.effort.memory_requests:
                request = self.request(ROWS[next(rows)], headers)
                sent += drive(server.host, request, 16, self.effort.seconds / 2, by_wrk=self.by_wrk).requests
                if not warm and sent >= self.effort.memory_requests / 10:
                    warm = server.memory()
            return Memory(self.database, sent, idle, warm, server.memory())
