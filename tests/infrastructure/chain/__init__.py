"""A contract on a chain of the tests' own.

`eth` lets all of Python recurse ten times as deep, which is more than the stack holds for what else is tested in the
same process: that is taken back, for no contract here calls so deep.
"""

import sys

_DEPTH = sys.getrecursionlimit()

import eth  # noqa: E402, F401

sys.setrecursionlimit(_DEPTH)
