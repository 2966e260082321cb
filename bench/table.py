"""The one table: what the benchmarks of this run found, beside limits, peers and what is wanted.

    python -m bench.table

Reads what the other benchmarks have written into bench/results, and leaves out what is not there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.world import results

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = tuple[str, str, str]
SHARES = {"500 http": "80%", "500 https": "70%"}
"""What is wanted of the RSA limit."""


def load(name: str) -> dict[str, Any]:
    """What a benchmark found, or nothing."""
    path = results(f"{name}.json")
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def fanout() -> Iterator[Row]:
    found = load("fanout")
    for name, one in found.items():
        figures = (
            f"{one['share']:.0%} by the clock, {one['beside']:.0%} beside the sink, {one['cpu']:.0%} by CPU"
        )
        yield f"deliveries, {name}: share of the RSA limit", figures, SHARES.get(name, "")
        yield f"deliveries, {name}: per second", f"{one['rate']:,.0f}", ""
        figures = f"{one['loop_us']:.0f} us loop, {one['all_us']:.0f} us all processes"
        yield f"deliveries, {name}: CPU for each", figures, ""
    healthy, beside = found.get("4000 http"), found.get("4000 http, 1000 dead")
    if healthy and beside:
        lost = 1 - healthy["all_us"] / beside["all_us"]
        figures = f"{lost:.1%} by CPU for each, {1 - beside['rate'] / healthy['rate']:.1%} by the clock"
        yield "4,000 healthy beside 1,000 dead: loss", figures, "< 5%"
        more = beside["megabytes"] - healthy["megabytes"]
        yield "4,000 healthy beside 1,000 dead: memory more", f"{more:.0f} MB", "flat"


def rest() -> Iterator[Row]:
    if inbound := load("inbound"):
        figures = f"{inbound['accepted']:,.0f}/s, {inbound['share']:.0%} of a server that does nothing"
        yield "inbound, durable", figures, "4,000/s"
        yield "inbound, with a signature inside", f"{inbound['verified']:,.0f}/s", ""
    latency = load("latency")
    for kind in ("text", "image unknown", "image known"):
        if kind in latency:
            one = latency[kind]
            wanted = "p99 < 250 ms" if kind == "text" else ""
            yield (
                f"inbox to the last of 50, {kind}",
                f"p50 {one['p50']:.0f} ms, p99 {one['p99']:.0f} ms",
                wanted,
            )
    for subscribers, one in load("writes").items():
        figures = f"{one['transactions']:.3f} transactions, {one['rows']:.1f} rows, {one['bytes']:,.0f} bytes"
        yield f"database, an activity for {subscribers} subscribers", figures, "<= 1, constant"
    if memory := load("memory"):
        for name, size in memory.items():
            if name not in {"start", "deliveries/s"}:
                what = f"beside the dead, {name} activities" if name.startswith("after") else name
                yield f"memory, {what}", f"{size:.0f} MB", "< 150 MB" if name == "idle" else ""
    if peer := load("peer"):
        yield "deliveries/s beside ActivityRelay's", f"{peer['times']:.1f} times", "10 times"
        yield "CPU for a delivery beside ActivityRelay's", f"{peer['cheaper']:.1f} times less", ""


def main() -> None:
    rows = [*fanout(), *rest()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for what, found, wanted in rows:
        print(f"{what:<{widths[0]}}  {found:<{widths[1]}}  {wanted}".rstrip())


if __name__ == "__main__":
    main()
