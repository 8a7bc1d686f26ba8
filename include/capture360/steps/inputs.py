"""Digests of the inputs of a step beside the delivery, recorded with its outcome.

A backfill compares them with the current ones, and repeats only steps whose inputs changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from importlib.resources import files

from capture360 import matching
from capture360.checks.rules import CAPTURE_RULES
from capture360.matching.manual import ManualMatches
from capture360.model import Asset
from capture360.rules.rule import Rule
from capture360.settings.links import LinkSettings
from capture360.settings.site import Site

INPUTS = "inputs"
"""Key of the digests in the body of a record."""
BEGAN = "began"
"""Key of the time at which a validation began, with the settings of then."""
NOT_FOR_INGEST = frozenset({
    "landing", "connection", "links", "checks", "verify", "retrigger_after", "digest", "retract_approvals",
    "camera_height", "extraction_pipeline", "watch", "readers",
})  # fmt: skip
"""Settings of a site whose change makes no capture due again. The checks have a digest of their own."""
_NOT_FOR_DETECTION = {
    "enabled", "asset_subtrees", "asset_spaces", "match_on", "manual", "matching", "asset_positions",
    "critical_assets",
}  # fmt: skip

Inputs = Mapping[str, str]
"""Digests by the names of the inputs as people see them."""


def ingest_inputs(site: Site) -> Inputs:
    """Return digests of the rules, the thresholds, and the settings that determine what is published."""
    return {
        "validation rules": _digest(version("capture360"), *map(_rule, CAPTURE_RULES)),
        "check settings": _digest(site.checks.model_dump_json()),
        "site settings": _digest(site.model_dump_json(exclude=set(NOT_FOR_INGEST))),
    }


def match_inputs(
    settings: LinkSettings, assets: Iterable[Asset], manual: ManualMatches | None, critical: Collection[str] | None
) -> Inputs:
    """Return digests of the assets, the critical ones, the manual matches, the settings and the calibration."""
    calibration = files(matching).joinpath("calibration.json").read_text("utf-8")
    return {
        "asset list": _digest(*sorted(repr((asset.ref, asset.name, sorted(asset.tags))) for asset in assets)),
        "list of critical assets": _digest(*sorted(critical or ())),
        "matching settings": _digest(settings.matching.model_dump_json()),
        "manual matches": _digest(*sorted(map(repr, manual.rows.items())) if manual else ()),
        "calibration": _digest(version("capture360"), calibration),
        "detection settings": _digest(settings.model_dump_json(exclude=_NOT_FOR_DETECTION)),
    }


def changed_inputs(recorded: Mapping[str, object], now: Inputs) -> list[str]:
    """Return the names of the parts that differ from those in the body of a record."""
    before = recorded.get(INPUTS)
    known = before if isinstance(before, Mapping) else {}
    return [name for name, digest in now.items() if known.get(name) != digest]


def _rule(rule: Rule) -> str:
    """Return texts and parameters of a rule. Its functions are covered by the version of the program."""
    expectations = [(each.suite, each.type, each.kwargs) for each in rule.expectations]
    return repr((rule.id, rule.title, rule.disposition.value, rule.stage, rule.messages, rule.parameters, expectations))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode(errors="backslashreplace")).hexdigest()[:16]
