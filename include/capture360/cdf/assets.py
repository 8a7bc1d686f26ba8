"""Assets that plates may name, from classic assets or the core data model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from capture360.batches import batched
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.core_views import ASSET
from capture360.cdf.instances import parsed_ref
from capture360.cdf.json_answers import documented_form
from capture360.cdf.paging import PageSize, all_items
from capture360.cdf.ports import AssetIdentity, AssetSource
from capture360.errors import ConfigError
from capture360.model import Asset
from capture360.settings.links import ALIASES, METADATA, LinkSettings

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes import Asset as ClassicAsset

_PAGE = 1000
_ROOTS_A_REQUEST = 100
"""Most items of `assetSubtreeExternalIds` in a filter of assets, by the published specification."""


class ClassicAssets(AssetSource):
    """Classic assets below the site's roots. `Asset.ref` is the asset's internal id as text."""

    def __init__(self, cdf: CdfProject, settings: LinkSettings) -> None:
        self._client = cdf.client
        self._settings = settings

    @override
    def assets(self) -> Iterator[Asset]:
        """Yield the assets of the site's subtrees, or of the whole project if it names none."""
        if self._settings.asset_spaces:
            raise _no_effect("asset_spaces", "classic assets", "roots", "asset_subtrees")
        if ALIASES in self._settings.match_on:
            raise _no_such_tag(ALIASES, "classic assets", f"{METADATA}<key>")
        roots = list(dict.fromkeys(self._settings.asset_subtrees))
        with cdf_errors("Reading assets"):
            if roots:
                self._check_roots(roots)
            seen = set[int]()
            for asset in self._below(roots):
                if asset.id in seen:
                    continue
                seen.add(asset.id)
                metadata = asset.metadata or {}
                values = {"name": asset.name, "externalId": asset.external_id}
                values |= {f"{METADATA}{name}": value for name, value in metadata.items()}
                yield _asset(str(asset.id), asset.name or "", values, self._settings.match_on)

    def _below(self, roots: Sequence[str]) -> Iterator[ClassicAsset]:
        """Yield the assets below the roots; those below roots of different requests more than once."""
        if not roots:
            yield from self._client.assets(chunk_size=None)
        for some in batched(roots, _ROOTS_A_REQUEST):
            yield from self._client.assets(asset_subtree_external_ids=list(some), chunk_size=None)

    @override
    def identities(self, refs: Sequence[str]) -> Mapping[str, AssetIdentity]:
        with cdf_errors("Looking for assets"):
            found = self._client.assets.retrieve_multiple(ids=[int(ref) for ref in refs], ignore_unknown_ids=True)
        return {str(asset.id): AssetIdentity(asset.external_id or "", asset.name or "") for asset in found}

    def _check_roots(self, roots: list[str]) -> None:
        found = self._client.assets.retrieve_multiple(external_ids=roots, ignore_unknown_ids=True)
        known = {asset.external_id for asset in found}
        missing = [root for root in roots if root not in known]
        if missing:
            raise ConfigError(
                f'links.asset_subtrees: asset "{missing[0]}" is not in the CDF project. Correct its external id.'
            )


class CoreAssets(AssetSource):
    """CogniteAsset nodes of the site's spaces. `Asset.ref` is `<space>/<externalId>`."""

    def __init__(self, cdf: CdfProject, settings: LinkSettings) -> None:
        self._client: CogniteClient = cdf.client
        self._settings = settings
        self._url = f"/api/v1/projects/{cdf.connection.project}/models/instances/list"

    @override
    def assets(self) -> Iterator[Asset]:
        """Yield the assets of the named spaces, or of the whole project if none is named."""
        if self._settings.asset_subtrees:
            raise _no_effect("asset_subtrees", "CogniteAsset nodes", "spaces", "asset_spaces")
        for field in self._settings.match_on:
            if field.startswith(METADATA):
                raise _no_such_tag(field, "CogniteAsset nodes", ALIASES)
        body: dict[str, Any] = {"instanceType": "node", "sources": [{"source": ASSET.ref}]}
        if self._settings.asset_spaces:
            spaces = list(self._settings.asset_spaces)
            body["filter"] = {"in": {"property": ["node", "space"], "values": spaces}}
        size = PageSize(_PAGE)

        def ask(cursor: Mapping[str, str]) -> Any:
            page = {**body, **cursor}
            return size.ask("Reading assets", lambda limit: self._client.post(self._url, {**page, "limit": limit}))

        for item in all_items("Reading assets", ask):
            with documented_form("Reading assets"):
                properties = item["properties"][ASSET.space][ASSET.versioned_id]
                values = {**properties, "externalId": item["externalId"]}
                ref = f"{item['space']}/{item['externalId']}"
                asset = _asset(ref, str(properties.get("name") or item["externalId"]), values, self._settings.match_on)
            yield asset

    @override
    def identities(self, refs: Sequence[str]) -> Mapping[str, AssetIdentity]:
        nodes = [parsed_ref(ref) for ref in refs]
        known: dict[str, AssetIdentity] = {}
        for some in batched(nodes, _PAGE):
            with cdf_errors("Looking for assets"):
                found = self._client.data_modeling.instances.retrieve(nodes=list(some), sources=ASSET.id).nodes
            for node in found:
                properties = node.properties.get(ASSET.id)
                if properties is not None:
                    name = str(properties.get("name") or node.external_id)
                    known[f"{node.space}/{node.external_id}"] = AssetIdentity(node.external_id, name)
        return known


def _no_such_tag(field: str, kind: str, instead: str) -> ConfigError:
    return ConfigError(
        f"links.match_on names {field}, but {kind} have none, so no plate could be matched by it. Write {instead}, or "
        "remove it."
    )


def _no_effect(setting: str, kind: str, bounds: str, instead: str) -> ConfigError:
    return ConfigError(
        f"links.{setting} has no effect on {kind}, so plates could be linked to any asset of the project. Name the "
        f"{bounds} of the site's assets in links.{instead} instead."
    )


def _asset(ref: str, name: str, values: Mapping[str, Any], match_on: Sequence[str]) -> Asset:
    tags: dict[str, None] = {}
    for field in match_on:
        value = values.get(field)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text.strip():
                tags[text.strip()] = None
    return Asset(ref=ref, name=name, tags=tuple(tags))
