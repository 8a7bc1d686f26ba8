"""What a site may set about matching, named as in the CDF SDK's `DiagramDetectConfig` where it means the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]

LOOK_ALIKES: Mapping[str, tuple[str, ...]] = {
    "0": ("O", "Q", "D"),
    "1": ("I",),
    "2": ("Z",),
    "5": ("S",),
    "6": ("G",),
    "8": ("B",),
}
SIGN_WORDS = ("DANGER", "WARNING", "CAUTION", "NOTICE", "EXIT", "EMERGENCY EXIT", "NO SMOKING", "HIGH VOLTAGE")
POINTING_WORDS = (
    "TO", "FROM", "VIA", "FOR", "OF", "SEE", "NEAR", "NEXT", "AND", "NOT", "WHEN", "BEFORE", "AFTER", "REPLACES",
    "REPLACED", "REMOVED", "SPARE", "TIL", "FRA", "VON", "NACH", "ZUM", "ZUR", "SIEHE",
)  # fmt: skip


class ConsensusSettings(BaseModel):
    """When rays count as meeting. The defaults suit poses of laser scanners and SLAM (3 cm, 0.3 degrees)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    max_residual_deg: float = Field(default=1.25, gt=0)
    """Largest angle in degrees by which rays may miss the point they agree on: two and a half times the usual
    angular error of a mobile scanner."""
    min_ray_angle_deg: float = Field(default=5, gt=0)
    """Least angle in degrees between two rays that locate a plate."""
    min_depth_m: float = Field(default=0.3, ge=0)
    """Least distance in metres from a station to a plate."""
    max_depth_m: float = Field(default=8, gt=0)
    """Largest distance in metres from a station to a plate."""
    min_confidence: float = Field(default=0.9, ge=0, le=1)
    """Calibrated confidence that each of the agreeing readings needs."""
    min_score: float = Field(default=0.8, ge=0, le=1)
    """Engine score that each of the agreeing readings needs."""
    sure_score: float = Field(default=0.99, ge=0, le=1)
    """Engine score from which a text is not doubted because one other station reads a sibling in its direction."""
    apart_m: float = Field(default=1, gt=0)
    """Distance in metres beyond which two points of one asset are reported."""
    pose_residual_deg: float = Field(default=5, gt=0)
    """Median angle in degrees between rays of one asset above which the capture's poses are reported as wrong."""
    pose_min_assets: int = Field(default=8, ge=1)
    """Number of assets seen from several stations below which poses are not judged."""


class MatchingSettings(BaseModel):
    """How texts become links. The calibration holds for the default substitutions; thresholds may differ by site."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    substitutions: Mapping[str, tuple[str, ...]] = LOOK_ALIKES
    """Characters that are read for one another: `{"0": ["O", "Q"]}` means that an O may stand for a zero."""
    min_fuzzy_score: Fraction = 0.8
    """Least share of a text's characters that must stand as in the tag. 1 allows no substitution and no repair."""
    remove_leading_zeros: bool = False
    """Whether "A0001" matches "A1"."""
    min_chars: Annotated[int, Field(ge=1)] = 4
    """Letters and digits that a text needs to be matched at all."""
    direction_delta: Annotated[float, Field(ge=0, le=90)] = 15
    """Largest angle in degrees between two lines that are read as one plate; outlines of short ones are rough."""
    approve_confidence: Fraction = 0.995
    """Least calibrated confidence of a link that is approved without a person."""
    approve_score: Fraction = 0.95
    """Engine score below which nothing is approved. 0.95 suits PP-OCRv6; the scores of other engines differ."""
    suggest_confidence: Fraction = 0.5
    """Least calibrated confidence of a link that is suggested."""
    sign_words: tuple[str, ...] = SIGN_WORDS
    """Texts that are signs and not tags."""
    pointing_words: tuple[str, ...] = POINTING_WORDS
    """Words beside a tag that say that the plate is about another thing, such as the pipe "TO P-101A"."""
    strict: bool = False
    """Approve only what two stations agree on."""
    consensus: ConsensusSettings = ConsensusSettings()
