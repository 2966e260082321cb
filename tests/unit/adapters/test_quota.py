"""So many at the same time, in the order of coming."""

from __future__ import annotations

import asyncio

from relay.adapters.quota import Quota
from relay.adapters.system import SystemClock


async def test_who_waits_comes_in_turn_and_is_not_passed() -> None:
    quota, order = Quota(1), list[int]()
    assert quota.take()
    assert not quota.take()

    async def visit(number: int) -> None:
        await quota.enter()
        order.append(number)
        assert not quota.take()
        quota.leave()

    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(visit(number))
        await SystemClock().sleep(0)
        assert not order
        quota.leave()
        assert not quota.take()  # it was handed over
    assert order == [0, 1, 2]
    assert quota.unused


async def test_who_is_cancelled_has_no_place() -> None:
    quota = Quota(1)
    assert quota.take()
    async with asyncio.TaskGroup() as tasks:
        early, late, last = (tasks.create_task(quota.enter()) for _ in range(3))
        await SystemClock().sleep(0)
        early.cancel()
        await SystemClock().sleep(0)
        quota.leave()  # to the second
        late.cancel()  # who does not know it yet, so the third has it
    assert (early.cancelled(), late.cancelled(), last.cancelled()) == (True, True, False)
    assert not quota.take()
    quota.leave()
    assert quota.unused
