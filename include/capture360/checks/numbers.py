"""Text columns to numbers, whole columns at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_NO_NUMBER = r"^(?i:nan)?$"
_INFINITE = r"^[+-]?(?i:inf|infinity)$"


@dataclass(frozen=True)
class Numbers:
    """`values` is NaN where a cell is empty or wrong; `wrong` marks what is neither empty nor a number."""

    values: NDArray[np.float64]
    wrong: NDArray[np.bool_]


def parsed(column: pd.Series[str]) -> Numbers:
    """The numbers of a text column in plain notation."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text: Any = pa.array(column.array, type=pa.large_string())
    number = pc.or_(pc.match_substring_regex(text, _NUMBER), pc.match_substring_regex(text, _INFINITE))
    absent = pc.match_substring_regex(text, _NO_NUMBER)
    values = pc.if_else(number, text, pa.scalar(None, pa.large_string())).cast(pa.float64())
    wrong = pc.invert(pc.or_(number, absent))
    return Numbers(
        np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64),
        np.asarray(wrong.to_numpy(zero_copy_only=False), dtype=bool),
    )
