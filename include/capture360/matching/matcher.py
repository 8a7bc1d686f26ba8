"""Search for the evidence of a text for the tags of a list.

The search proceeds from the strictest evidence to the weakest and stops at the first match: the whole text, windows of
its tokens, one edit, a completion of a cut line. Two equally near tags are a tie, which names none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from capture360.matching.edits import edit_cost
from capture360.matching.evidence import APPROVABLE, Evidence, EvidenceKind
from capture360.matching.index import TagIndex
from capture360.matching.normalise import (
    STROKE,
    has_bar_in_word,
    has_letter_and_digit,
    is_misread,
    key,
    swaps,
    tokens,
    with_bars_read,
)
from capture360.matching.words import PlateWords
from capture360.matching.writing import has_arrow, in_one_word
from capture360.model import MAX_TEXT_LENGTH

MAX_WINDOW = 5
_MIN_REPAIRABLE = 5


@dataclass(frozen=True, slots=True)
class _WindowHit:
    """A run of tokens, `begin` to before `end`, that is a tag."""

    begin: int
    end: int
    evidence: Evidence


_NOTHING = Evidence(EvidenceKind.NOTHING)
_SHORT = Evidence(EvidenceKind.SHORT)


class Matcher:
    """Matcher of texts against a tag index."""

    def __init__(self, index: TagIndex) -> None:
        self._index = index
        self._settings = index.settings
        self.words = PlateWords(index)

    def read(self, texts: Sequence[str], whole: Sequence[bool] | None = None) -> list[Evidence]:
        """Return the evidence of each text, in the order given. Characters beyond the 128th are ignored.

        `whole` marks texts that are known to be complete.
        """
        asked = list(zip(texts, whole or [False] * len(texts), strict=True))
        found: dict[tuple[str, bool], Evidence] = {}
        unread: list[tuple[str, bool]] = []
        for each in asked:
            if each not in found:
                text, is_whole = each
                evidence = self._direct(text[:MAX_TEXT_LENGTH], is_whole)
                found[each] = evidence or _NOTHING
                if evidence is None:
                    unread.append(each)
        found.update(zip(unread, self._repaired([text for text, _ in unread]), strict=True))
        return [found[each] for each in asked]

    def as_spelled(self, text: str, found: Evidence) -> Evidence:
        """Return the evidence of a tag of several owners as that of one, for a person, if only his is divided so."""
        spelled = self._index.spelled_as(text, self._index.key(text))
        if found.kind is not EvidenceKind.AMBIGUOUS_TAG or len(spelled) != 1:
            return found
        return Evidence.among(EvidenceKind.DIVIDED, _distinct((*spelled, *found.candidates)), spelled[0])

    def _direct(self, text: str, is_whole: bool) -> Evidence | None:
        if len(key(text)) < self._settings.min_chars:
            return _SHORT
        if has_bar_in_word(text):
            return self._barred(text, is_whole)
        found = self._whole(text, is_whole) or self._windows(text, is_whole)
        if found is not None and found.kind in APPROVABLE and has_arrow(text):
            return Evidence(EvidenceKind.LEFTOVER, found.owner, is_elsewhere=True)
        return found

    def _barred(self, text: str, is_whole: bool) -> Evidence | None:
        """Return the evidence of a text with bars within words, which are characters or part two fields of a plate."""
        texts = (with_bars_read(text), text.replace("|", " "))
        found = [evidence for each in texts if (evidence := self._direct(each, is_whole)) and evidence is not _SHORT]
        owners = _distinct(owner for each in found for owner in each.owners)
        if len(found) == 2 and len(owners) > 1:
            return Evidence.among(EvidenceKind.LOOK_ALIKE_TIE, owners)
        if found and found[0].kind in APPROVABLE:
            return Evidence(EvidenceKind.FOLD_OWN, found[0].owner)
        return found[0] if found else None

    def _whole(self, text: str, is_whole: bool = False) -> Evidence | None:
        """Return the evidence of a text that is a tag but for look-alikes; `is_whole` if it is complete."""
        index = self._index
        read_key = index.key(text)
        folded = index.fold(read_key)
        tag_keys = index.same_fold(folded)
        if not tag_keys:
            return None
        owners = index.owners(read_key)
        if len(owners) > 1:
            return Evidence.among(EvidenceKind.AMBIGUOUS_TAG, owners)
        ranked = sorted((swaps(read_key, tag_key), tag_key) for tag_key in tag_keys)
        named = _distinct(owner for _, tag_key in ranked for owner in index.owners(tag_key))
        as_letter = index.owners(read_key.replace(STROKE, "L")) if STROKE in read_key else ()
        if not set(as_letter) <= set(named):
            return Evidence.among(EvidenceKind.LOOK_ALIKE_TIE, _distinct((*named, *as_letter)))
        swapped, tag_key = ranked[0]
        owners = index.owners(tag_key)
        if len(tag_keys) > 1 and len(named) > 1:
            if swapped == ranked[1][0] or len(owners) > 1:
                return Evidence.among(EvidenceKind.LOOK_ALIKE_TIE, named)
            return Evidence.among(EvidenceKind.LOOK_ALIKE, named, owners[0])
        if 1 - swapped / len(read_key) < self._settings.min_fuzzy_score:
            return None
        if len(owners) > 1:
            return Evidence.among(EvidenceKind.AMBIGUOUS_TAG, owners)
        if index.is_written_otherwise(text, tag_key):
            return Evidence(EvidenceKind.DIVIDED, owners[0])
        if index.is_part(folded) and not (is_whole and not index.may_lack_begin(folded)):
            part = Evidence.among(EvidenceKind.PART, _distinct((*owners, *self._longer(folded))), owners[0])
            return replace(part, has_similar=index.has_similar(tag_key))
        if not has_letter_and_digit(tag_key):
            return Evidence(EvidenceKind.PLAIN, owners[0])
        if index.is_divided_elsewhere(text, tag_key):
            return Evidence(EvidenceKind.DIVIDED, owners[0])
        if not swapped:
            return Evidence(EvidenceKind.EXACT, owners[0], has_similar=index.has_similar(tag_key))
        if index.knows_shape(read_key) or not is_misread(read_key, tag_key, index.divided_at(text, tag_key)):
            return Evidence(EvidenceKind.FOLD_OWN, owners[0])
        kind = {1: EvidenceKind.FOLD_1, 2: EvidenceKind.FOLD_2}.get(swapped, EvidenceKind.FOLD_MORE)
        return Evidence(kind, owners[0], has_similar=index.has_similar(tag_key))

    def _windows(self, text: str, is_whole: bool) -> Evidence | None:
        """Return the evidence of runs of whole tokens, never of a part of a token."""
        lines = [[word for word in tokens(line) if self._index.key(word)] for line in in_one_word(text).split("\n")]
        words = [word for line in lines for word in line]
        if len(words) < 2:
            return None
        word_keys = [self._index.key(word) for word in words]
        hits = self._window_hits(words, word_keys, is_whole)
        if not hits:
            return None
        if len({hit.evidence.owner for hit in hits}) > 1:
            owners = _distinct(owner for hit in hits for owner in hit.evidence.owners)
            return Evidence.among(EvidenceKind.SEVERAL, owners)
        inner = hits[0].evidence
        if inner.owner is None or inner.kind not in APPROVABLE:
            return inner
        tag = range(min(hit.begin for hit in hits), max(hit.end for hit in hits))
        covered = {place for hit in hits for place in range(hit.begin, hit.end)}
        beside = lines, word_keys, tag
        if self.words.name_part_beside(*beside) or self.words.are_of_another(*beside):
            return Evidence(EvidenceKind.LEFTOVER, inner.owner, is_elsewhere=True)
        if self.words.have_leftover(lines, word_keys, tag, covered):
            return Evidence(EvidenceKind.LEFTOVER, inner.owner)
        return replace(inner, kind=_AS_WINDOW[inner.kind])

    def _window_hits(self, words: Sequence[str], word_keys: Sequence[str], is_whole: bool) -> list[_WindowHit]:
        """Return runs of at most `MAX_WINDOW` tokens that are a tag, the longest first; none within another."""
        hits: list[_WindowHit] = []
        for width in range(min(MAX_WINDOW, len(words) - 1), 0, -1):
            for begin in range(len(words) - width + 1):
                end = begin + width
                window = "".join(word_keys[begin:end])
                if (
                    any(hit.begin <= begin and end <= hit.end for hit in hits)
                    or len(key(" ".join(words[begin:end]))) < self._settings.min_chars
                    or not has_letter_and_digit(window)
                ):
                    continue
                evidence = self._whole(" ".join(words[begin:end]), is_whole)
                if evidence:
                    hits.append(_WindowHit(begin, end, evidence))
        return hits

    def _repaired(self, texts: Sequence[str]) -> list[Evidence]:
        """Return the evidence of texts that are one edit from a tag, or a tag with an end missing."""
        queries: list[str] = []
        asked: list[range] = []
        if self._settings.min_fuzzy_score < 1:
            for text in texts:
                spans = self._repairable(text[:MAX_TEXT_LENGTH])
                asked.append(range(len(queries), len(queries) + len(spans)))
                queries.extend(spans)
        if not queries:
            return [_NOTHING] * len(texts)
        near = self._index.near([self._index.fold(query) for query in queries])
        return [
            self._edit([(queries[place], near[place]) for place in places])
            or self._completed([queries[place] for place in places])
            or _NOTHING
            for places in asked
        ]

    def _repairable(self, text: str) -> list[str]:
        """Return keys of the token runs that contain every digit of the text, the longest first."""
        word_keys = [word_key for word_key in map(self._index.key, tokens(text)) if word_key]
        with_digits = [place for place, word in enumerate(word_keys) if not word.isalpha()]
        if not with_digits:
            return []
        runs = [
            "".join(word_keys[begin:end])
            for begin in range(with_digits[0] + 1)
            for end in range(with_digits[-1] + 1, len(word_keys) + 1)
            if end - begin <= MAX_WINDOW
        ]
        least = max(_MIN_REPAIRABLE, self._settings.min_chars)
        return sorted(
            {run for run in runs if len(run) >= least and has_letter_and_digit(run)}, key=lambda r: (-len(r), r)
        )

    def _edit(self, near: Sequence[tuple[str, Sequence[str]]]) -> Evidence | None:
        """Return the nearest tag, counting a look-alike as a quarter of an edit; a tie if two are equally near."""
        index = self._index
        least = self._settings.min_fuzzy_score
        costs: dict[str, float] = {}
        known: dict[str, bool] = {}
        for query, folds in near:
            for folded in folds:
                for tag_key in index.same_fold(folded):
                    cost = edit_cost(query, tag_key)
                    if 1 - cost / len(query) >= least and cost < costs.get(tag_key, 99.0):
                        costs[tag_key] = cost
                        known[tag_key] = index.knows_shape(query)
        if not costs:
            return None
        ranked = sorted((cost, tag_key) for tag_key, cost in costs.items())
        best, tag_key = ranked[0]
        owners = _distinct(owner for _, each in ranked for owner in index.owners(each))
        nearest = _distinct(owner for cost, each in ranked if cost < best + 0.5 for owner in index.owners(each))
        if len(nearest) > 1:
            return Evidence.among(EvidenceKind.EDIT_TIE, owners)
        return Evidence.among(EvidenceKind.EDIT_KNOWN if known[tag_key] else EvidenceKind.EDIT, owners, nearest[0])

    def _longer(self, folded: str) -> tuple[int, ...]:
        """Return the owners of longer tags that begin or end with a fold."""
        folds = self._index.completions(folded)
        tag_keys = [tag_key for each in folds for tag_key in self._index.same_fold(each)]
        return _distinct(owner for tag_key in tag_keys for owner in self._index.owners(tag_key))

    def _completed(self, queries: Sequence[str]) -> Evidence | None:
        """Return the only tag that begins or ends with a text; a tie if there are several.

        A tag that the text is but for many look-alikes goes before those that are longer.
        """
        index = self._index
        for query in queries:
            folded = index.fold(query)
            longer = self._longer(folded)
            if not longer:
                continue
            whole = _distinct(owner for tag_key in index.same_fold(folded) for owner in index.owners(tag_key))
            owners = _distinct((*whole, *longer))
            if len(whole) == 1:
                return Evidence.among(EvidenceKind.FOLD_MORE, owners, whole[0])
            if len(owners) == 1:
                return Evidence(EvidenceKind.CUT, owners[0])
            return Evidence.among(EvidenceKind.CUT_TIE, owners)
        return None


_AS_WINDOW = {
    EvidenceKind.EXACT: EvidenceKind.WINDOW,
    EvidenceKind.FOLD_1: EvidenceKind.WINDOW_FOLD,
    EvidenceKind.FOLD_2: EvidenceKind.FOLD_2,  # a label makes two look-alikes no surer
}


def _distinct(owners: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(owners))
