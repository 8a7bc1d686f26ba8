"""What stands around a tag, on its plate or beside it, and may belong to it or say that the plate is of another thing.

A tag of two lines is judged like one of one line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from capture360.geometry.boxes import bounds, contains
from capture360.geometry.polygons import along_and_across, centre, is_within, reading_direction
from capture360.matching.evidence import APPROVABLE, OUTRIGHT, Evidence, EvidenceKind
from capture360.matching.joins import Join
from capture360.matching.matcher import Matcher
from capture360.matching.writing import has_digit
from capture360.model import Detection

_NO_TAG = frozenset({EvidenceKind.NOTHING, EvidenceKind.SHORT})


class Surroundings:
    """The lines of some faces, and which of them stand close to each other (`near`).

    Lines with an engine score below `min_score` do not count as what may belong to a tag.
    """

    def __init__(
        self,
        matcher: Matcher,
        detections: Sequence[Detection],
        near: Sequence[Join],
        min_score: float,
        tags_of: Callable[[int], Sequence[str]],
    ) -> None:
        self._matcher = matcher
        self._tags_of = tags_of
        self._detections = detections
        self._near = near
        self._legible = [each.score >= min_score for each in detections]
        self._on_face: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, each in enumerate(detections):
            self._on_face[each.image, each.face].append(number)
        self._led: set[int] = set()
        self._neighbours: dict[int, list[Join]] = defaultdict(list)
        for join in near:
            for part in join.parts:
                self._neighbours[part].append(join)

    @property
    def lines(self) -> Sequence[Detection]:
        """The lines of the faces."""
        return self._detections

    def whole(self, asked: Sequence[Detection]) -> list[bool]:
        """Return which texts are known to be all of their plates, descriptions excepted."""
        return [bool(each.whole) and self._is_alone(each) for each in asked]

    def weakened(
        self, alone: Sequence[Evidence], joined: Sequence[tuple[Join, Evidence]]
    ) -> tuple[list[Evidence], list[tuple[Join, Evidence]]]:
        """Return the evidence of lines and of joins, less where what stands around a tag speaks against it.

        That is a line beside it that may belong to it, a word anywhere on its plate that refers to another thing, and
        another tag, or what may be an end of the tag, anywhere on its plate. What stands beyond the end of a plate that
        is whole does not.
        """
        tags = {number: found.owner for number, found in enumerate(alone) if found.kind in OUTRIGHT}
        tags |= {part: found.owner for join, found in joined for part in join.parts}
        self._led = self._led_to(alone, joined)
        reached = self._reached(alone)
        beside = self._beside_lines(alone)
        whole = self.whole(self._detections)
        lines = [
            found if is_whole else beside.get(number) or self._weakened((number,), found, reached, tags)
            for number, (found, is_whole) in enumerate(
                zip([self._less_a_part((n,), each, alone) for n, each in enumerate(alone)], whole, strict=True)
            )
        ]
        less = [
            self._less_a_third_line(join, self._less_a_part(join.parts, found, alone), tags) for join, found in joined
        ]
        whole = self.whole([join.detection for join, _ in joined])
        return lines, [
            (join, found if is_whole else self._weakened(join.parts, lesser, reached, tags))
            for (join, found), lesser, is_whole in zip(joined, less, whole, strict=True)
        ]

    def _weakened(
        self, parts: tuple[int, ...], found: Evidence, reached: set[int], tags: Mapping[int, int | None]
    ) -> Evidence:
        if found.kind not in APPROVABLE:
            return found
        others = [
            (part, other)
            for part in parts
            for other in self._on_plate(self._detections[part], parts)
            if not (other in self._led and self._is_below(other, parts))
        ]
        if not reached.isdisjoint(parts) or any(
            self._matcher.words.refers(self._detections[other].text) for _, other in others
        ):
            return Evidence(EvidenceKind.LEFTOVER, found.owner, is_elsewhere=True)
        if any(self._speaks_against(*pair, parts, found, tags) for pair in others if self._legible[pair[1]]):
            return Evidence(EvidenceKind.LEFTOVER, found.owner)
        return found

    def _less_a_part(self, parts: tuple[int, ...], found: Evidence, alone: Sequence[Evidence]) -> Evidence:
        """Return the evidence of a tag, less if lines of its plate that name no tag name a part of the thing."""
        if found.kind not in APPROVABLE or found.owner is None:
            return found
        seen = dict.fromkeys(other for part in parts for other in self._on_plate(self._detections[part], parts))
        queue = list(parts)
        for part in queue:  # appended to while iterating
            for join in self._neighbours[part]:
                if "\n" in join.detection.text and join.on_one_plate is not False:
                    (other,) = set(join.parts) - {part}
                    if other not in queue and (alone[other].kind in _NO_TAG or other in self._led):
                        queue.append(other)
        described = [
            other
            for other in {*seen, *queue} - {*parts}
            if self._legible[other] and alone[other].kind in _NO_TAG and other not in self._led
        ]
        down = reading_direction(self._detections[parts[0]].polygon)
        across = {each: along_and_across(self._detections[each].polygon, down)[2] for each in (*described, *parts)}
        described.sort(key=lambda other: across[other])
        above = [self._detections[other].text for other in described if across[other] < across[parts[0]]]
        below = [self._detections[other].text for other in described if across[other] >= across[parts[0]]]
        beside = [self._detections[part].text for part in parts]
        words = self._matcher.words
        is_fed = not self._led.isdisjoint({*seen, *queue})
        if (is_fed and any(map(words.is_switch, (*above, *below)))) or any(
            words.name_part(tag, above, beside, below) for tag in self._tags_of(found.owner)
        ):
            return Evidence(EvidenceKind.LEFTOVER, found.owner, is_elsewhere=True)
        return found

    def _speaks_against(
        self, part: int, other: int, parts: Sequence[int], found: Evidence, tags: Mapping[int, int | None]
    ) -> bool:
        """Return whether a line of the same plate is another tag, or may be an end of the tag."""
        line = self._detections[other]
        if line.outline is not None and not contains(bounds(line.outline), centre(self._detections[part].polygon)):
            return False  # It has a plate of its own, on that one.
        if other in tags:
            return tags[other] != found.owner
        if not self._matcher.words.may_be_end(line.text):
            return False
        with_it = "\n".join(self._detections[each].text for each in (*parts, other))
        (read,) = self._matcher.read([with_it])  # SEAL OIL PUMP B says the suffix of P-7081B again
        return read.owner != found.owner or read.kind not in APPROVABLE

    def _beside_lines(self, alone: Sequence[Evidence]) -> dict[int, Evidence]:
        """Return lesser evidence of lines that name a tag to which the line above, below or beside may belong."""
        legible = [join for join in self._near if all(self._legible[part] for part in join.parts)]
        read = self._matcher.read([join.detection.text for join in legible])
        return {
            part: found
            for join, found in zip(legible, read, strict=True)
            for part in join.parts
            if found.kind is EvidenceKind.LEFTOVER
            and not self._is_of_feed(join, part)
            and alone[part].kind in APPROVABLE
            and alone[part].owner == found.owner
        }

    def _less_a_third_line(self, join: Join, found: Evidence, tags: Mapping[int, int | None]) -> Evidence:
        """Return the evidence of two lines, less if a third one beside them may belong to the tag."""
        texts = []
        for part in join.parts:
            for pair in self._neighbours[part]:
                (other,) = set(pair.parts) - {part}
                if other in join.parts or other in tags or pair.on_one_plate is False or not self._legible[other]:
                    continue
                if self._is_of_feed(pair, part):
                    continue
                lines = [join.detection.text, self._detections[other].text]
                texts.append("\n".join(lines if pair.parts[0] == part else lines[::-1]))
        if found.kind not in APPROVABLE or all(
            each.owner == found.owner and each.kind in APPROVABLE for each in self._matcher.read(texts)
        ):
            return found
        return Evidence(EvidenceKind.LEFTOVER, found.owner)

    def _reached(self, alone: Sequence[Evidence]) -> set[int]:
        """Return lines to which a word that refers to another thing leads.

        Between the two there may be lines that name no tag: SUPPLY FROM, EMERGENCY SWITCHBOARD, EN-82-501.
        """
        reached: set[int] = set()
        pointing = (number for number, each in enumerate(self._detections) if self._matcher.words.points(each.text))
        queue = [number for number in pointing if alone[number].kind in _NO_TAG]
        for number in queue:  # appended to while iterating
            found = (
                {
                    part
                    for join in self._neighbours[number]
                    for part in join.parts
                    if part != join.parts[0] or not self._is_of_feed(join, part)
                }
                - {number}
                - reached
            )
            reached |= found
            queue += [each for each in found if alone[each].kind in _NO_TAG]
        return reached

    def _led_to(self, alone: Sequence[Evidence], joined: Sequence[tuple[Join, Evidence]]) -> set[int]:
        """Return lines that say what feeds the thing of a plate, or what it feeds, with those below that name it.

        The last of these has a number: below FED FROM MCC-12, ISOLATOR says what the plate is on.
        """
        led: set[int] = set()
        words = self._matcher.words
        for number, each in enumerate(self._detections):
            if not words.feeds(each.text):
                continue
            said = [number]
            for line in said:  # appended to while iterating
                is_named = alone[line].kind not in _NO_TAG or has_digit(self._detections[line].text)
                for join in self._neighbours[line]:
                    below, text = join.parts[1], self._detections[join.parts[1]].text
                    goes_on = words.is_of_switchgear(text) if is_named else not words.has_part_of_feed(text)
                    if _is_above(join, line) and goes_on and below not in said:
                        said.append(below)
            if any(has_digit(self._detections[line].text) for line in said):
                led.update(said)
        led.update(*(join.parts for join, _ in joined if join.parts[0] in led))
        return led

    def _is_of_feed(self, join: Join, part: int) -> bool:
        """Return whether the line below a part says what feeds it, and so nothing of the part itself."""
        return _is_above(join, part) and join.parts[1] in self._led and part not in self._led

    def _is_below(self, other: int, parts: Iterable[int]) -> bool:
        down = reading_direction(self._detections[other].polygon)
        top = along_and_across(self._detections[other].polygon, down)[2]
        return all(sum(along_and_across(self._detections[part].polygon, down)[2:]) / 2 < top for part in parts)

    def _is_alone(self, detection: Detection) -> bool:
        if detection.outline is None:
            return False
        on_face = self._on_face[detection.image, detection.face]
        within = {each for each in on_face if is_within(centre(self._detections[each].polygon), detection.polygon)}
        others = self._on_plate(detection, within)
        return all(self._matcher.words.is_description(self._detections[other].text) for other in others)

    def _on_plate(self, detection: Detection, parts: Iterable[int]) -> Iterator[int]:
        """Yield the other lines on the plate of a line; none if no outline of it is seen."""
        if detection.outline is not None:
            plate, parts = bounds(detection.outline), set(parts)
            for other in self._on_face[detection.image, detection.face]:
                if other not in parts and contains(plate, centre(self._detections[other].polygon)):
                    yield other


def _is_above(join: Join, part: int) -> bool:
    """Return whether a part is the upper one of two lines."""
    return "\n" in join.detection.text and join.parts[0] == part
