"""Doubts about a text, and whether a person could read it: by its height, its ends, and its engine score."""

from __future__ import annotations

from capture360.geometry.boxes import touches_border
from capture360.matching.evidence import Evidence, EvidenceKind
from capture360.model import MAX_TEXT_LENGTH, Detection
from capture360.settings.matching import MatchingSettings
from capture360.text import below

_NOT_THE_TAG = frozenset({EvidenceKind.FOLD_OWN, EvidenceKind.EDIT, EvidenceKind.EDIT_KNOWN})
"""Evidence of a text that is not the tag: if it is cut as well, the plate may say anything."""


def doubts_of(detection: Detection, settings: MatchingSettings) -> list[str]:
    """Return why a text is not trusted."""
    doubts = []
    is_small = detection.cap_px is not None and detection.cap_px < settings.ask_cap_px
    least = max(settings.approve_score, settings.approve_small_score) if is_small else settings.approve_score
    if not detection.score >= least:
        small = ", which small capitals need" if is_small and detection.score >= settings.approve_score else ""
        doubts.append(f"engine score {below(detection.score, least)} is below {least:g}{small}")
    if detection.cap_px is not None and detection.cap_px < settings.approve_cap_px:
        height = below(detection.cap_px, settings.approve_cap_px, 0)
        doubts.append(f"its capitals are {height} pixels high, {settings.approve_cap_px:g} are asked")
    if detection.whole is False:
        doubts.append("an end of the plate is hidden or beyond the face: the text may go on")
    if touches_border(detection.polygon):
        doubts.append("the border of the face may have cut the text")
    if len(detection.text) >= MAX_TEXT_LENGTH:
        doubts.append(f"only the first {MAX_TEXT_LENGTH} characters were looked at")
    return doubts


def doubts_of_similar(detection: Detection, evidence: Evidence, settings: MatchingSettings) -> list[str]:
    """Return why a text may be a misread one of a similar tag."""
    least = settings.approve_similar_score
    if not evidence.has_similar or detection.score >= least:
        return []
    score = below(detection.score, least)
    return [f"engine score {score} is below {least:g}, and one misread character of another tag gives this one"]


def row_doubts(detection: Detection, settings: MatchingSettings) -> list[str]:
    """Return why a text may not be all of what a row of the manual matches says."""
    doubts = []
    if detection.whole is False or touches_border(detection.polygon):
        doubts.append("only a part of this text may be seen")
    if not detection.score >= settings.consensus.min_score:
        doubts.append(f"engine score {below(detection.score, settings.consensus.min_score)}")
    return doubts


def illegible_of(detection: Detection, evidence: Evidence, settings: MatchingSettings) -> str:
    """Return why a person could not read a plate on this view either; empty if one could."""
    if detection.cap_px is not None and detection.cap_px < settings.ask_cap_px:
        height = below(detection.cap_px, settings.ask_cap_px, 0)
        return f"its capitals are {height} pixels high, {settings.ask_cap_px:g} are asked for"
    is_cut = detection.whole is False or touches_border(detection.polygon)
    if evidence.kind is EvidenceKind.CUT or (is_cut and evidence.kind in _NOT_THE_TAG):
        return "a part of it is hidden or beyond the face"
    return ""
