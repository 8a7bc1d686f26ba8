"""Index of a site's tags: by key, by fold, by prefix and suffix, and by edit distance one."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice

from capture360.matching.edits import EditIndex
from capture360.matching.normalise import Fold, divisions, key, keys, leading_letters, misreadings, shape
from capture360.matching.writing import Designations, is_written_otherwise, small_digits
from capture360.settings.matching import MatchingSettings

_LETTERS = re.compile(r"[^\W\d_]+")
_MAX_COMPLETIONS = 4


class TagIndex:
    """Tags by key. An owner is what a tag belongs to, by default the tag's own index in the list.

    A key of two owners is ambiguous. Results do not depend on the order of the tags.
    """

    def __init__(
        self, tags: Sequence[str], owners: Sequence[int] | None = None, settings: MatchingSettings | None = None
    ) -> None:
        if owners is not None and len(owners) != len(tags):
            raise ValueError(f"{len(tags)} tags but {len(owners)} owners; give one owner for each tag")
        self.settings = settings or MatchingSettings()
        self.fold = Fold(self.settings.substitutions)
        self._designations = Designations(self.settings.designations)
        self._tags = tags
        self._owners = range(len(tags)) if owners is None else owners
        tag_keys = keys(tags, remove_leading_zeros=self.settings.remove_leading_zeros)
        self._first: dict[str, int] = dict(zip(reversed(tag_keys), reversed(range(len(tags))), strict=True))
        self._first.pop("", None)
        self._ambiguous: dict[str, tuple[int, ...]] = {}
        self._twins: dict[str, list[tuple[str, int]]] = {}
        if len(self._first) < len(tags):
            self._find_ambiguous(tag_keys)

    def key(self, text: str) -> str:
        """Return the key of a text, as the settings have keys."""
        return key(text, remove_leading_zeros=self.settings.remove_leading_zeros)

    def owners(self, tag_key: str) -> tuple[int, ...]:
        """Return the owners of a key: none, one, or several."""
        several = self._ambiguous.get(tag_key)
        if several:
            return several
        position = self._first.get(tag_key)
        return () if position is None else (self._owners[position],)

    def is_divided_elsewhere(self, text: str, tag_key: str) -> bool:
        """Return whether text or tag has a separator inside a group of digits or letters where the other has none."""
        return self._differ_in_division(text, self._tags[self._first[tag_key]], tag_key)

    def is_designation(self, text: str, of_key: str) -> bool:
        """Return whether a text stands on many plates and is no tag: Pt100, IP65, DN50."""
        return self._designations.has(text, of_key)

    def divided_at(self, text: str, tag_key: str) -> frozenset[int]:
        """Return the indices at which signs or spaces divide a text or the tag of this key."""
        return self._divisions(text) | self._divisions(self._tags[self._first[tag_key]])

    def is_written_otherwise(self, text: str, tag_key: str) -> bool:
        """Return whether signs, small letters or its use elsewhere tell a text from the tag whose key it has."""
        tag = self._tags[self._first[tag_key]]
        return self.is_designation(text, tag_key) or (
            text != tag
            and (
                is_written_otherwise(text, tag)
                or any(digit == "9" or self.owners(self.key(other)) for digit, other in small_digits(text))
            )
        )

    def spelled_as(self, text: str, tag_key: str) -> tuple[int, ...]:
        """Return those of several owners of a key who have a tag that is divided as the text."""
        twins = self._twins.get(tag_key, ())
        return tuple(sorted({owner for tag, owner in twins if not self._differ_in_division(text, tag, tag_key)}))

    def _differ_in_division(self, text: str, tag: str, tag_key: str) -> bool:
        if text == tag:
            return False
        places = self._divisions(text) ^ self._divisions(tag)
        return any(
            0 < place < len(tag_key) and tag_key[place - 1].isdigit() == tag_key[place].isdigit() for place in places
        )

    def _divisions(self, text: str) -> frozenset[int]:
        return divisions(text, remove_leading_zeros=self.settings.remove_leading_zeros)

    def same_fold(self, folded: str) -> tuple[str, ...]:
        """Return the keys of equal fold, in alphabetical order."""
        several = self._crowded_folds.get(folded)
        if several:
            return several
        one = self._folds.get(folded)
        return () if one is None else (one,)

    def near(self, folded: Sequence[str]) -> list[list[str]]:
        """Return for each fold the folds of tags at most one edit away."""
        words = self._fold_list
        return [[words[position] for position in some] for some in self._edits.near(folded)]

    def is_part(self, folded: str) -> bool:
        """Return whether a fold begins or ends a tag of another owner, and so may be that tag, cut off."""
        return folded in self._parts

    def may_lack_begin(self, folded: str) -> bool:
        """Return whether a fold is a tag of another owner without its first fields, as on plates without the area.

        So is one without the first of two equal letters, which engines read as one: T-118 for TT-118.
        """
        for word in _starting_with(self._sorted_backwards, folded[::-1]):
            longer = word[::-1]
            place = len(longer) - len(folded)
            if self._fold_owners(word, backwards=True) != self._fold_owners(folded, backwards=False) and any(
                tag_key[place - 1].isdigit() != tag_key[place].isdigit()
                or (place == 1 and tag_key[0] == tag_key[1])
                or place in self._divisions(self._tags[self._first[tag_key]])
                for tag_key in self.same_fold(longer)
            ):
                return True
        return False

    def has_similar(self, tag_key: str) -> bool:
        """Return whether a tag of another owner is read as this one if one of its characters is misread."""
        listed = self._first.keys() & misreadings(tag_key)
        return any(self.owners(other) != self.owners(tag_key) for other in listed)

    def knows_shape(self, read_key: str) -> bool:
        """Return whether some tag of the list has this sequence of letters and digits."""
        return shape(read_key) in self._shapes

    def begins_with(self, letters: str) -> bool:
        """Return whether letters are all that some tag of the list begins with, such as COMP of COMP-1190."""
        return letters in self._codes

    def has_letters(self, word_key: str) -> bool:
        """Return whether a word is all letters of a group of some tag of the list, such as PSV of 21-PSV-2001."""
        return word_key in self._letter_groups

    def completions(self, folded: str) -> list[str]:
        """Return some longer folds, `_MAX_COMPLETIONS` at most, that begin or end with this one."""
        found = islice(_starting_with(self._sorted_folds, folded), _MAX_COMPLETIONS)
        backwards = islice(_starting_with(self._sorted_backwards, folded[::-1]), _MAX_COMPLETIONS)
        return sorted({*found, *(word[::-1] for word in backwards)})[:_MAX_COMPLETIONS]

    def _find_ambiguous(self, tag_keys: Sequence[str]) -> None:
        positions: dict[str, list[int]] = defaultdict(list)
        for position, tag_key in enumerate(tag_keys):
            if tag_key and self._first[tag_key] != position:
                positions[tag_key].append(position)
        for tag_key, others in positions.items():
            twins = [(self._tags[each], self._owners[each]) for each in (self._first[tag_key], *others)]
            owners = tuple(sorted({owner for _, owner in twins}))
            if len(owners) > 1:
                self._ambiguous[tag_key], self._twins[tag_key] = owners, twins

    @cached_property
    def _folded_keys(self) -> list[str]:
        return self.fold("\n".join(self._first)).split("\n") if self._first else []

    @cached_property
    def _folds(self) -> dict[str, str]:
        return dict(zip(self._folded_keys, self._first, strict=True))

    @cached_property
    def _crowded_folds(self) -> dict[str, tuple[str, ...]]:
        if len(self._folds) == len(self._first):
            return {}
        groups: dict[str, set[str]] = defaultdict(set)
        for folded, tag_key in zip(self._folded_keys, self._first, strict=True):
            if self._folds[folded] != tag_key:
                groups[folded].update((self._folds[folded], tag_key))
        return {folded: tuple(sorted(some)) for folded, some in groups.items()}

    @cached_property
    def _fold_list(self) -> list[str]:
        return list(self._folds)

    @cached_property
    def _edits(self) -> EditIndex:
        return EditIndex(self._fold_list)

    @cached_property
    def _shapes(self) -> frozenset[str]:
        return frozenset(shape("\n".join(self._first)).split("\n"))

    @cached_property
    def _codes(self) -> frozenset[str]:
        return frozenset(map(leading_letters, self._first))

    @cached_property
    def _letter_groups(self) -> frozenset[str]:
        return frozenset(_LETTERS.findall("\n".join(self._first)))

    @cached_property
    def _parts(self) -> frozenset[str]:
        backwards = (folded[::-1] for folded in self._begins_of_others(self._sorted_backwards, backwards=True))
        return frozenset(self._begins_of_others(self._sorted_folds, backwards=False)) | frozenset(backwards)

    def _begins_of_others(self, words: Sequence[str], *, backwards: bool) -> Iterator[str]:
        """Return words that begin a word of another owner. `words` are sorted, so that those are adjacent."""
        for position, word in enumerate(words):
            following = position + 1
            while following < len(words) and words[following].startswith(word):
                if self._fold_owners(words[following], backwards) != self._fold_owners(word, backwards):
                    yield word
                    break
                following += 1

    def _fold_owners(self, word: str, backwards: bool) -> set[int]:
        tag_keys = self.same_fold(word[::-1] if backwards else word)
        return {owner for tag_key in tag_keys for owner in self.owners(tag_key)}

    @cached_property
    def _sorted_folds(self) -> list[str]:
        return sorted(self._folds)

    @cached_property
    def _sorted_backwards(self) -> list[str]:
        return sorted(folded[::-1] for folded in self._folds)


def _starting_with(words: Sequence[str], begin: str) -> Iterator[str]:
    """Yield the longer ones of sorted words that begin with this one."""
    for position in range(bisect_left(words, begin), len(words)):
        if not words[position].startswith(begin):
            return
        if words[position] != begin:
            yield words[position]
