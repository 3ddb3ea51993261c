"""Linear programs solved by HiGHS.

Only the planner's function carries it (`highspy`, 54 MB): nobody else imports this.
"""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.programs import LinearProgram


@dataclass(frozen=True, slots=True)
class Highs:
    """HiGHS on one thread: it keeps the number of its process's first run, and fails a later one that asks for another.

    After whatever is not optimal its amounts read zero, so that its status decides and never they.
    """

    time_limit_s: float = 10.0

    def solve(self, program: LinearProgram) -> Sequence[float] | None:
        """The cheapest amounts; None after `time_limit_s`, or where there are none."""
        if not program.costs:
            return []
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(program.costs), len(program.at_most)
        lp.col_cost_ = np.array(program.costs)
        lp.col_lower_, lp.col_upper_ = np.zeros(lp.num_col_), np.array(program.most)
        lp.row_lower_, lp.row_upper_ = np.array(program.at_least), np.array(program.at_most)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = lp.num_col_, lp.num_row_
        lp.a_matrix_.start_ = np.array([*program.starts, len(program.columns)], dtype=np.int32)
        lp.a_matrix_.index_ = np.array(program.columns, dtype=np.int32)
        lp.a_matrix_.value_ = np.array(program.factors)
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("time_limit", self.time_limit_s)
        if highs.passModel(lp) == highspy.HighsStatus.kError or highs.run() == highspy.HighsStatus.kError:
            return None
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return [float(it) for it in highs.getSolution().col_value]
