"""Decide on each detection: approved, suggested or dropped, with the reason in words.

A wrong link is the worst outcome, so approval requires all of the following: evidence of a kind that may be approved
with a calibrated confidence, an engine score that says the text itself was read well, and a text that the border of
the face has not cut. Anything repaired, tied, doubled or cut is for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from capture360.matching.confidence import measured
from capture360.matching.doubts import doubts_of, doubts_of_similar, illegible_of, row_doubts
from capture360.matching.evidence import AMBIGUOUS, APPROVABLE, FOLDS, OUTRIGHT, Evidence, EvidenceKind
from capture360.matching.index import TagIndex
from capture360.matching.joins import Join, chains, joins
from capture360.matching.manual import ManualMatches, ManualRow
from capture360.matching.matcher import Matcher
from capture360.matching.normalise import key
from capture360.matching.surroundings import Surroundings
from capture360.model import Asset, Cause, Detection, Match
from capture360.rules.finding import Finding
from capture360.rules.links import L11, L12
from capture360.settings.matching import MatchingSettings
from capture360.text import below

Status = Literal["approved", "suggested", "dropped"]

REASONS = {
    EvidenceKind.EXACT: "read exactly",
    EvidenceKind.WINDOW: "read exactly beside a label",
    EvidenceKind.FOLD_1: "read with one look-alike character",
    EvidenceKind.FOLD_2: "read with two look-alike characters",
    EvidenceKind.FOLD_MORE: "read with several look-alike characters",
    EvidenceKind.WINDOW_FOLD: "read with look-alike characters beside a label",
    EvidenceKind.FOLD_OWN: "read with look-alike characters, as a tag might be written that is not in the list",
    EvidenceKind.DIVIDED: "the text is not divided or written as the tag is, or only that tells the tag from another",
    EvidenceKind.PLAIN: "the tag is a plain number or word",
    EvidenceKind.PART: "the tag begins or ends another tag: the plate may go on",
    EvidenceKind.LOOK_ALIKE: "another tag differs only in look-alike characters",
    EvidenceKind.LEFTOVER: "beside the tag stands what may belong to it, or only points to it",
    EvidenceKind.EDIT: "one character differs from the tag",
    EvidenceKind.EDIT_KNOWN: "one character differs from the tag, and the text may be a tag that is not in the list",
    EvidenceKind.CUT: "only a part of the tag was read",
    EvidenceKind.AMBIGUOUS_TAG: "several assets have this tag",
    EvidenceKind.LOOK_ALIKE_TIE: "several tags differ only in look-alike characters",
    EvidenceKind.SEVERAL: "several tags in one line",
    EvidenceKind.EDIT_TIE: "several tags are equally near",
    EvidenceKind.CUT_TIE: "the part that was read belongs to several tags",
    EvidenceKind.SHORT: "too few letters and digits for a tag",
    EvidenceKind.NOTHING: "no tag is near",
}

_ONE_EACH = frozenset({EvidenceKind.SEVERAL, EvidenceKind.LOOK_ALIKE, EvidenceKind.LOOK_ALIKE_TIE})
"""Evidence of a few whole tags: each is suggested, and a person takes the right ones."""

_BY_HAND = "laid down by hand"
_LINES_APART = "no plate is seen that holds both lines"
_NAMED = 3
"""Tags that a sentence names at most."""


@dataclass(frozen=True, slots=True)
class ScoredMatch:
    """A match with the evidence behind it."""

    match: Match
    evidence: Evidence
    manual: bool = False
    is_doubted: bool = False
    """Whether the text itself is doubtful: small, cut, or read with a low score."""
    is_small: bool = False
    """Whether its capitals are lower than one view alone is trusted with."""
    may_agree: bool = True
    """Whether another station that reads the same makes up for what is doubted; not if it is wrong from everywhere."""
    illegible: str = ""
    """Why a person could not read the plate on this view either; empty if one could."""


def score_matches(
    detections: Sequence[Detection],
    assets: Sequence[Asset],
    settings: MatchingSettings | None = None,
    manual: ManualMatches | None = None,
) -> list[ScoredMatch]:
    """Decide on each detection, in their order; the joined text of a plate of two lines follows its lines.

    A line with several tags, or with one that only look-alikes tell from others, gives one suggestion for each. Other
    ties are dropped with their candidates named. Nothing is left out: every detection appears at least once.
    """
    return MatchPolicy(assets, settings or MatchingSettings(), manual or ManualMatches()).all(detections)


class MatchPolicy:
    """Decides on detections against one list of assets; see `score_matches`."""

    def __init__(self, assets: Sequence[Asset], settings: MatchingSettings, manual: ManualMatches) -> None:
        self._by_ref = {asset.ref: asset for asset in assets}
        self._assets = [self._by_ref[ref] for ref in sorted(self._by_ref)]
        self._settings = settings
        self._manual = manual
        self._calibration = measured()
        self._signs = {key(sign) for sign in settings.sign_words}
        pairs = [(tag, owner) for owner, asset in enumerate(self._assets) for tag in dict.fromkeys(asset.tags)]
        self._matcher = Matcher(TagIndex([tag for tag, _ in pairs], [owner for _, owner in pairs], settings))

    def all(self, detections: Sequence[Detection]) -> list[ScoredMatch]:
        """Decide on each detection, in their order; joined texts follow."""
        near = joins(detections, self._settings.direction_delta)
        least = self._settings.consensus.min_score
        around = Surroundings(self._matcher, detections, near, least, lambda owner: self._assets[owner].tags)
        read = self._matcher.read([each.text for each in detections], around.whole(detections))
        alone = [self._matcher.as_spelled(each.text, found) for each, found in zip(detections, read, strict=True)]
        joined = self._taken_joins(near, alone, around)
        alone, joined = around.weakened(alone, joined)
        in_join = {part: join for join, _ in joined for part in join.parts}
        result: list[ScoredMatch] = []
        for position, (detection, evidence) in enumerate(zip(detections, alone, strict=True)):
            if position in in_join and self._manual.row_of(detection) is None:
                whole_text = in_join[position].detection.text.replace("\n", " ")
                reason = f'a line of "{whole_text}"'
                line = Match(detection, None, 0.0, "dropped", reason, cause="line")
                result.append(ScoredMatch(line, Evidence(EvidenceKind.NOTHING)))
            else:
                result.extend(self._results(detection, evidence))
        sees_plates = any(detection.outline for detection in detections)
        for join, evidence in joined:
            apart = [_LINES_APART] if sees_plates and not join.on_one_plate else []
            result.extend(self._results(join.detection, evidence, apart))
        return result

    def _taken_joins(
        self, near: Sequence[Join], alone: Sequence[Evidence], around: Surroundings
    ) -> list[tuple[Join, Evidence]]:
        """Return joins that name a tag which neither of their lines names; a line with two such neighbours has none."""
        by_hand = [join for join in near if self._manual.row_of(join.detection) is not None]
        taken = {part for join in by_hand for part in join.parts}
        candidates = by_hand + [
            join
            for join in near
            if join.on_one_plate is not False
            and not any(part in taken or alone[part].kind in APPROVABLE for part in join.parts)
        ]
        joined = [join.detection for join in candidates]
        read = self._matcher.read([each.text for each in joined], around.whole(joined))
        good: list[tuple[Join, Evidence]] = []
        for join, found in zip(candidates, read, strict=True):
            said_alone = {alone[part].owner for part in join.parts if alone[part].kind in OUTRIGHT}
            new = found.kind in OUTRIGHT and found.owner not in said_alone
            repaired = found.kind is EvidenceKind.EDIT and all(alone[part].owner is None for part in join.parts)
            if new or repaired or taken.issuperset(join.parts):
                good.append((join, found))
        good += self._of_three_lines(candidates, good, alone, around)
        uses = Counter(part for join, _ in good for part in join.parts)
        return [(join, found) for join, found in good if all(uses[part] == 1 for part in join.parts)]

    def _of_three_lines(
        self,
        pairs: Sequence[Join],
        good: Sequence[tuple[Join, Evidence]],
        alone: Sequence[Evidence],
        around: Surroundings,
    ) -> list[tuple[Join, Evidence]]:
        """Return three lines that are a tag, of which no line and no two name any: 21, PT, 1019A."""
        taken = {part for join, _ in good for part in join.parts}
        free = {part for pair in pairs for part in pair.parts if alone[part].kind not in OUTRIGHT} - taken
        found = list(chains(pairs, around.lines, free))
        joined = [join.detection for join in found]
        read = self._matcher.read([each.text for each in joined], around.whole(joined))
        return [(join, evidence) for join, evidence in zip(found, read, strict=True) if evidence.kind in OUTRIGHT]

    def _results(self, detection: Detection, evidence: Evidence, apart: Sequence[str] = ()) -> list[ScoredMatch]:
        row = self._manual.row_of(detection)
        if row is not None:
            return self._by_row(detection, evidence, row)
        return self._by_evidence(detection, evidence, apart)

    def _by_row(self, detection: Detection, evidence: Evidence, row: ManualRow) -> list[ScoredMatch]:
        """Apply a row of the manual matches; one that names no image is about whole texts that were read well."""
        found = self._by_hand(detection, row.asset)
        doubts = [] if row.image else row_doubts(detection, self._settings)
        if not doubts:
            return [ScoredMatch(found, evidence, manual=True)]
        if found.asset is None:
            return self._by_evidence(detection, evidence, ())
        named = Evidence(EvidenceKind.LEFTOVER, self._assets.index(found.asset))
        reason = f'a row of the manual matches names "{row.text}" for every image; {"; ".join(doubts)}'
        confidence = self._calibration.confidence(named)
        asked = replace(found, status="suggested", confidence=confidence, reason=reason, cause=None)
        return [ScoredMatch(asked, named, is_doubted=True, illegible=illegible_of(detection, named, self._settings))]

    def _by_evidence(self, detection: Detection, evidence: Evidence, apart: Sequence[str]) -> list[ScoredMatch]:
        candidates = tuple((self._assets[owner], share) for owner, share in self._calibration.shares(evidence))
        doubts = [*apart, *doubts_of(detection, self._settings)]
        illegible = illegible_of(detection, evidence, self._settings)
        if evidence.kind in _ONE_EACH:
            reason = "; ".join([REASONS[evidence.kind], *doubts])
            cause: Cause | None = "several" if evidence.kind is EvidenceKind.SEVERAL else None
            return [
                ScoredMatch(
                    Match(detection, asset, share, "suggested", reason, candidates, cause=cause),
                    evidence,
                    is_doubted=bool(doubts),
                    illegible=illegible,
                )
                for asset, share in candidates
            ]
        confidence = self._calibration.confidence(evidence)
        status, reason = self._status(detection, evidence, confidence, doubts)
        named = self._assets[evidence.owner] if evidence.owner is not None and status != "dropped" else None
        match = Match(detection, named, confidence, status, reason, candidates)
        is_small = detection.cap_px is not None and detection.cap_px < self._settings.approve_cap_px
        is_fold = evidence.kind in FOLDS and confidence < self._settings.approve_confidence
        return [
            ScoredMatch(
                match,
                evidence,
                is_doubted=bool(doubts),
                is_small=is_small,
                may_agree=not (apart or is_fold),
                illegible=illegible,
            )
        ]

    def _by_hand(self, detection: Detection, ref: str) -> Match:
        if not ref:
            return Match(detection, None, 1.0, "dropped", f"{_BY_HAND}: link nothing", cause="not by hand")
        asset = self._by_ref.get(ref)
        named = [each for each in self._assets if each.name == ref] if asset is None else [asset]
        if len(named) != 1:
            why = f"which {len(named)} assets are called" if named else "which is no asset of the site"
            return Match(detection, None, 0.0, "dropped", f'{_BY_HAND} for "{ref}", {why}', cause="not by hand")
        (asset,) = named
        return Match(detection, asset, 1.0, "approved", _BY_HAND, cause="by hand")

    def _status(
        self, detection: Detection, evidence: Evidence, confidence: float, of_text: Sequence[str]
    ) -> tuple[Status, str]:
        settings, kind = self._settings, evidence.kind
        if key(detection.text) in self._signs:
            return "dropped", "a sign"
        reason = REASONS[kind]
        if kind in AMBIGUOUS or kind in {EvidenceKind.SHORT, EvidenceKind.NOTHING}:
            return "dropped", reason
        if confidence < settings.suggest_confidence:
            return "dropped", f"{reason}: right in {confidence:.0%} of such cases only"
        doubts = [] if kind in APPROVABLE else [reason]
        if confidence < settings.approve_confidence and not doubts:
            right = below(confidence, settings.approve_confidence, 2, "%")
            doubts.append(f"{reason}: right in {right} of such cases, {settings.approve_confidence:.2%} asked")
        doubts += of_text or doubts_of_similar(detection, evidence, settings)
        if settings.strict and not doubts:
            doubts.append("seen by one station only")
        return ("suggested", "; ".join(doubts)) if doubts else ("approved", reason)


def ambiguous_tags(scored: Iterable[ScoredMatch]) -> Iterator[Finding]:
    """Yield a finding if texts name tags that several assets have: nothing is linked to these, and nobody is asked."""
    found = [each for each in scored if each.evidence.kind is EvidenceKind.AMBIGUOUS_TAG and not each.manual]
    if found:
        tags = list(dict.fromkeys(each.match.detection.on_one_line for each in found))
        first = found[0].match.detection
        more = ", ..." if len(tags) > _NAMED else ""
        named = f"{', '.join(tags[:_NAMED])}{more}"
        yield L11.finding(where=f"{first.image} {first.face}", value=named, count=f"{len(found):,}")


def unused_rows(scored: Iterable[ScoredMatch], manual: ManualMatches | None) -> Iterator[Finding]:
    """Yield a finding if no text of the images that rows of the manual matches are about is what they name."""
    if manual is None:
        return
    detections = [each.match.detection for each in scored]
    images = {detection.image for detection in detections}
    used = {row for detection in detections if (row := manual.row_of(detection)) is not None}
    unused = [row for row in manual.rows.values() if row not in used and (not row.image or row.image in images)]
    if unused:
        more = ", ..." if len(unused) > _NAMED else ""
        named = f"{', '.join(row.text for row in unused[:_NAMED])}{more}"
        yield L12.finding(where="links.manual", value=named, count=f"{len(unused):,}")


def approve(scored: ScoredMatch, reason: str) -> ScoredMatch:
    """Return the match as approved, for this reason."""
    return replace(scored, match=replace(scored.match, status="approved", reason=reason))
