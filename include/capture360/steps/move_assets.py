"""Counterparts of the old CDF project's assets in a site's new one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from capture360.cdf.ports import AssetIdentity, AssetSource
from capture360.model import Asset, confusable_key


class Counterparts:
    """Assets of the new project by references of the old one, each looked up once.

    Assets are found by name, as on the plate; of several with one name, by external id, and then by the whole
    reference.
    """

    def __init__(self, old: AssetSource, new: AssetSource) -> None:
        self._old = old
        self._new = new
        self._known: dict[str, Asset | str] = {}

    def of(self, refs: Collection[str]) -> Mapping[str, Asset | str]:
        """Return the counterpart of each asset, or a sentence that says why it has none. Reads only."""
        asked = sorted(set(refs) - self._known.keys())
        if asked:
            there = self._old.identities(asked)
            for ref in asked:
                self._known[ref] = self._found(ref, there.get(ref))
        return {ref: self._known[ref] for ref in refs}

    def _found(self, ref: str, identity: AssetIdentity | None) -> Asset | str:
        if identity is None:
            return f"asset {ref} is no longer in the old project"
        if not identity.name:
            return f"asset {ref} has no name in the old project"
        alike = self._by_name.get(confusable_key(identity.name), [])
        named = [asset for asset in alike if asset.name == identity.name] or alike
        if not named:
            return f'no asset of the site in the new project is called "{identity.name}"'
        same = named if len(named) == 1 else self._with_external_id(named, identity.external_id)
        if len(same) > 1:
            same = [asset for asset in same if asset.ref == ref]
        if len(same) == 1:
            return same[0]
        return f'{len(named)} assets of the site in the new project are called "{identity.name}"'

    def _with_external_id(self, assets: Sequence[Asset], external_id: str) -> list[Asset]:
        known = self._new.identities([asset.ref for asset in assets])
        return [asset for asset in assets if asset.ref in known and known[asset.ref].external_id == external_id]

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Asset]]:
        found: dict[str, list[Asset]] = defaultdict(list)
        for asset in self._new.assets():
            found[confusable_key(asset.name)].append(asset)
        return found
