"""Durable timers that are due at once, on a host that runs for people: `--time-skip`.

Whenever nothing runs, the task hub's clock is put forward to the next durable timer, so that timers still
fire in their order, and one that guards an activity does not overtake it. Timer functions keep the machine's
clock.
"""

import asyncio
import logging
from typing import Final

from devhost.engine.clock import SkippingClock
from devhost.engine.task_hub import TaskHub

logger = logging.getLogger(__name__)

_REST: Final = 0.05  # seconds between two looks: an eternal orchestration must not take all the CPU


async def skip_time(hub: TaskHub, clock: SkippingClock) -> None:
    """Puts the clock forward until it is cancelled."""
    while True:
        await hub.settle()
        due = hub.next_timer
        if due is not None and due > clock.now():
            clock.skip_to(due)
            logger.warning("Time skip: for orchestrations it is %s.", f"{due:%Y-%m-%d %H:%M:%S} UTC")
        await asyncio.sleep(_REST)
