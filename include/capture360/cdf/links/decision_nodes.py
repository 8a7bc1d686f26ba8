"""Decisions of people in data modeling projects: nodes in the site's space, in a container of capture360.

The Toolkit module `cdf/modules/capture360` deploys the container with its view. A node is one decision on an asset at
one place of a face. Its external id is made of these, so that a later decision replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakSet

from typing_extensions import override

from capture360 import names
from capture360.batches import batched
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.instances import PAGE, WRITE_ITEMS, Instances, Node, View
from capture360.cdf.link_ports import DecisionStore
from capture360.cdf.preflight import ensure_space, in_spaces
from capture360.errors import CdfError
from capture360.geometry.boxes import bounds
from capture360.matching.decisions import NOTE, Decided
from capture360.model import CaptureKey
from capture360.record_forms.check import wrong_form
from capture360.records import NOTES
from capture360.settings.site import Site

VIEW = View("capture360", "PlateDecision")
PROPERTIES = ("capture", "image", "face", "text", "asset", "status", "decidedBy", "decidedAt", "number", "seen")
_STORED = {"status": "status", "by": "decidedBy", "at": "decidedAt"}
"""The property of each part of a decision's document; `seen` has the others."""
_PLACE_DIGITS = 4
_DEPLOYED: WeakSet[CdfProject] = WeakSet()
"""Projects whose view was found: it is looked for once a task."""


class DecisionNodes(DecisionStore):
    """DecisionStore of data modeling projects."""

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        self._cdf = cdf
        self._space = site.space
        self._create_space = site.create_space
        self._instances = Instances(cdf.client)

    @property
    @override
    def needs(self) -> Sequence[Need]:
        return in_spaces([self._space])

    @override
    def missing(self) -> str:
        if self._cdf in _DEPLOYED:
            return ""
        with cdf_errors(f"Looking for view {VIEW}"):
            found = self._cdf.client.data_modeling.views.retrieve(VIEW.id)
        absent = [name for name in PROPERTIES if not found or name not in found[0].properties]
        if not absent:
            _DEPLOYED.add(self._cdf)
            return ""
        what = f"lacks {', '.join(absent)}" if found else "is not there"
        return (
            f"Decisions of people about plates are kept in the records alone, which need a backup: view {VIEW} {what} "
            f"in project {self._cdf.connection.project}. Deploy the module cdf/modules/capture360 to keep them in CDF."
        )

    @override
    def read(self, key: CaptureKey) -> Mapping[str, Decided]:
        nodes = [node for page in self._instances.pages(self._query(key), "decisions") for node in page["decisions"]]
        found = [(node.external_id, VIEW.properties_of(node)) for node in nodes]
        numbers = {name: said.get("number") or 0 for name, said in found}
        decided = {name: self._decided(name, said) for name, said in found}
        return dict(sorted(decided.items(), key=lambda each: (each[1].moment, numbers[each[0]])))

    @override
    def write(self, key: CaptureKey, decided: Mapping[int, Decided]) -> Sequence[str]:
        nodes = {node.external_id: node for node in (self._node(key, *each) for each in decided.items())}
        if nodes:
            ensure_space(self._cdf, self._space, create=self._create_space)
        self._instances.write(list(nodes.values()))
        return list(nodes)

    @override
    def remove(self, external_ids: Sequence[str]) -> None:
        for some in batched(external_ids, WRITE_ITEMS):
            self._instances.remove(self._space, some)

    def _decided(self, external_id: str, said: Mapping[str, Any]) -> Decided:
        seen = said.get("seen")
        seen = seen if isinstance(seen, dict) else {}
        document = {**seen, **{name: said.get(stored) for name, stored in _STORED.items()}}
        if problem := wrong_form(NOTES, NOTE, {"decisions": [document]}):
            raise CdfError(
                f"Node {self._space}/{external_id} in project {self._cdf.connection.project} holds no decision that is "
                f"readable ({problem}). Delete it, and decide again about its plate."
            )
        return Decided.from_document(document)

    def _node(self, key: CaptureKey, number: int, decided: Decided) -> Node:
        seen, asset = decided.match.detection, decided.match.asset
        ref, document = asset.ref if asset else "", decided.document()
        place = [f"{number:.{_PLACE_DIGITS}f}" for number in bounds(seen.polygon)]
        properties = {
            "capture": str(key), "image": seen.image, "face": seen.face, "text": seen.text, "asset": ref,
            **{stored: document.pop(name) for name, stored in _STORED.items()}, "number": number, "seen": document,
        }  # fmt: skip
        return Node(self._space, names.decision_id(key, seen.image, seen.face, ref, *place), VIEW, properties)

    def _query(self, key: CaptureKey) -> dict[str, Any]:
        of_capture = {"property": [VIEW.space, f"{VIEW.external_id}/{VIEW.version}", "capture"], "value": str(key)}
        here = {"property": ["node", "space"], "value": self._space}
        where = [{"hasData": [VIEW.ref]}, {"equals": here}, {"equals": of_capture}]
        return {
            "with": {"decisions": {"nodes": {"filter": {"and": where}}, "limit": PAGE}},
            "select": {
                "decisions": {"sources": [{"source": VIEW.ref, "properties": [*_STORED.values(), "number", "seen"]}]}
            },
        }
