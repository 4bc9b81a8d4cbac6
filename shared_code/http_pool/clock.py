"""Time, sleep and chance in one object, so that a test can bring its own and never wait."""

import asyncio
import random
import time


class Clock:
    """The clock of the machine; seconds everywhere."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)
    random = staticmethod(random.random)
