"""Runs a command at another date: `python -m tests.another_time '2027-03-28 00:59:30' python -m pytest tests/domain`.

Only the clock on the wall is moved, by the same for all processes that the command begins; it needs a C compiler, and
Linux. (libfaketime moves the clock that waits are measured by as well, and not what waits on it: no wait would end.)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

_WALL_CLOCK = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += atoll(getenv("TESTS_AHEAD_S"));
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec it;
    clock_gettime(CLOCK_REALTIME, &it);
    now->tv_sec = it.tv_sec;
    now->tv_usec = it.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *told) {
    struct timespec it;
    clock_gettime(CLOCK_REALTIME, &it);
    if (told) *told = it.tv_sec;
    return it.tv_sec;
}
"""


def main(at: str, *command: str) -> int:
    """The command's exit status; `at` is a time of UTC, at which the command begins."""
    wanted = datetime.fromisoformat(at)
    ahead_s = int((wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)).timestamp() - time.time())
    with tempfile.TemporaryDirectory() as place:
        library = Path(place, "wall_clock.so")
        compiled = ["cc", "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
        subprocess.run(compiled, input=_WALL_CLOCK.encode(), check=True)
        moved = {"LD_PRELOAD": str(library), "TESTS_AHEAD_S": str(ahead_s)}
        return subprocess.run(command, env={**os.environ, **moved}, check=False).returncode


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
