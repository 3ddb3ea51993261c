"""The local cloud, over real sockets and with real clients."""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any


def in_loop(story: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test to its end, and not for longer than half a minute."""

    @functools.wraps(story)
    def run() -> None:
        asyncio.run(asyncio.wait_for(story(), 30))

    return run


async def soon(condition: Callable[[], Any]) -> Any:
    """Wait until the condition gives something, and return it."""
    while not (found := condition()):
        await asyncio.sleep(0.005)
    return found


async def wait_for(event: threading.Event) -> None:
    """Wait for another thread without holding up the loop."""
    await asyncio.to_thread(event.wait, 10)
    assert event.is_set()
