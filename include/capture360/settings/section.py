"""The base of every section of a site's settings, and the types of numbers that sections share."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from capture360.validation_words import brief

LARGEST = 1e9
"""Largest number that has a use: metres of any coordinate system stay far below it."""
LARGEST_WHOLE = 2**53 - 1
"""Largest whole number that every reader of JSON keeps exactly; CDF's ids go up to it."""

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Angle = Annotated[float, Field(gt=0, le=180)]
"""Angle between two directions in degrees."""
WholeNumber = Annotated[int, Field(ge=-LARGEST_WHOLE, le=LARGEST_WHOLE)]
Count = Annotated[int, Field(ge=1, le=LARGEST_WHOLE)]
CountOrNone = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]
"""Number of things that may be 0."""
Pixels = Annotated[int, Field(ge=1, le=65_535)]
"""Side of a picture: JPEG's header holds no larger one."""
Duration = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=3650))]
"""Ten years at most, so that a moment that it is added to stays in the calendar. 0 does not wait at all."""


_SPACE = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?\Z")
"""What CDF allows as the id of a space."""


def _allowed_space(value: str) -> str:
    if not _SPACE.match(value):
        raise ValueError(
            f'"{value[:80]}" cannot be a space; use letters, digits, underscore and minus, a letter first, '
            "at most 43 characters"
        )
    return value


SpaceId = Annotated[str, AfterValidator(_allowed_space)]


class Section(BaseModel):
    """Settings that stand under one key. An unknown key is refused; an attribute's docstring is its documentation.

    `described_schema` reads the docstrings, which pydantic would read from the source in every process. A section is
    built when it is first used.

    No number is infinite or NaN, in whatever section it stands.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
    ascending: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of settings, the first of which may not be larger than the second."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        for low, high in self.ascending:
            lower, upper = getattr(self, low), getattr(self, high)
            if any(one > other for one, other in zip(_listed(lower), _listed(upper), strict=True)):
                raise ValueError(f"{low} {_shown(lower)} is larger than {high} {_shown(upper)}. Correct one of them")
        return self


def of_defaults() -> Any:
    """Return the field of a section with a default for everything: it is built with the section that holds it."""
    return Field(default_factory=dict, validate_default=True)


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _shown(value: Any) -> str:
    return f"({', '.join(f'{each:g}' for each in value)})" if isinstance(value, tuple) else brief(value)
