"""Match the texts of a capture to assets, with the consensus of its stations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from capture360.capture_state import MATCH, MATCH_REPORT
from capture360.cdf.link_ports import SOMEBODY
from capture360.cdf.registry import mode_of
from capture360.cdf.rights import require_rights
from capture360.detection.protocol import ReadFace
from capture360.errors import Capture360Error, CdfError, MissingStepError
from capture360.matching.consensus import resolve_consensus
from capture360.matching.coverage import CoverageTable
from capture360.matching.decisions import Decided, as_decided
from capture360.matching.documents import match_document, match_from_document
from capture360.matching.earlier import Applied, with_earlier
from capture360.matching.extent import Extent
from capture360.matching.manual import ManualMatches, manual_matches_of
from capture360.matching.places import Place, places_of
from capture360.matching.policy import ambiguous_tags, score_matches, unused_rows
from capture360.matching.set_aside import set_aside
from capture360.matching.sights import Sight, sights_of
from capture360.model import Asset, CaptureKey, Detection, FaceName, Match, PublishedImage
from capture360.pictures.jpeg import read_header
from capture360.records import Records
from capture360.reports.match import matches_csv, matches_parquet, render
from capture360.rules.finding import Finding
from capture360.steps.asset_list import keep_asset_list
from capture360.steps.context import StepContext
from capture360.steps.coverage import coverage_table, critical_of
from capture360.steps.detect import (
    detection_batches,
    images_of,
    recorded_detections,
    recorded_findings,
)
from capture360.steps.earlier_plates import applied_documents, earlier_plates
from capture360.steps.inputs import INPUTS, match_inputs
from capture360.steps.kept_decisions import refreshed_from_cdf
from capture360.steps.outdated import refuse_outdated
from capture360.steps.plates import image_documents

STEP = MATCH
REPORT = MATCH_REPORT


@dataclass(frozen=True, slots=True)
class Matched:
    """Counts of matches by status, and of candidate assets."""

    texts: int
    approved: int
    suggested: int
    dropped: int
    candidates: int


def match(ctx: StepContext, key: CaptureKey, fingerprint: str) -> Matched:
    """Match what `detect` recorded to the site's assets and record the results; no link is written to CDF.

    ConfigError if the site has no assets, capabilities are lacking, or the file of manual matches is wrong;
    RequestError if another delivery was published since.
    """
    refuse_outdated(ctx.records, key, fingerprint)
    require_rights(ctx.cdf, ctx.site, "contextualize")
    found = _score(ctx, key, fingerprint)
    detections, assets, matches, places = found.detections, found.assets, found.matches, found.places
    counted = Counter(found.status for found in matches)
    done = Matched(len(detections), counted["approved"], counted["suggested"], counted["dropped"], len(assets))
    critical = critical_of(ctx.site, assets)
    inputs = match_inputs(ctx.site.links, assets, found.manual, critical.refs)
    resolution = _resolution(found.images, mode_of(ctx.cdf).images(ctx.cdf, ctx.site).face_content)
    decisions = refreshed_from_cdf(ctx, key).decisions()
    absent = _absent(ctx, decisions, assets)
    reach_m = ctx.site.links.matching.consensus.max_depth_m
    asked_on = (Sight.of(each.pose, each.match.detection, reach_m) for each in decisions if each.pose)
    there = {image.external_id: image for image in found.images}
    decided = as_decided(matches, decisions, there, absent)
    found_now = [*found.findings, *critical.findings, *set_aside(matches, decisions, there, absent)]
    body = {
        "matches": [match_document(found) for found in matches],
        "images": image_documents(ctx.records, key, found.images, matches),
        "resolution": resolution,
        "critical": sorted(critical.refs) if critical.refs is not None else None,
        "findings": [finding.document() for finding in found_now],
        "absent": sorted(absent),
        "plates": {name: place.document() for name, place in places.items()},
        "earlier": applied_documents(found.applied),
        "extent": Extent.of(places.values(), [*found.lines, *asked_on]).document(),
        INPUTS: inputs,
        **asdict(done),
    }
    findings = [*recorded_findings(ctx.records, key, fingerprint, found.batches), *found_now]
    coverage = coverage_table(ctx.records, key, decided, assets, critical)
    report = _write_reports(ctx, key, fingerprint, found, findings, resolution, coverage)
    keep_asset_list(ctx, assets, inputs["asset list"])
    ctx.bind_mode()  # before the record: links follow it, also where another mode published the same images
    ctx.records.put(key, fingerprint, STEP, {**body, "report": report}, run=ctx.run)
    ctx.log(f"{done.approved} approved, {done.suggested} suggested, {done.dropped} dropped")
    return done


def _absent(ctx: StepContext, decisions: Sequence[Decided], assets: Sequence[Asset]) -> set[str]:
    """Return the references of assets that were decided on, and that the site does not list.

    But for those that somebody gave a link in CDF, which is possible with any asset that exists.
    """
    unlisted = {each.match.asset.ref for each in decisions if each.match.asset} - {asset.ref for asset in assets}
    approved = (each for each in decisions if each.by == SOMEBODY and each.status == "approved")
    given = unlisted & {each.match.asset.ref for each in approved if each.match.asset}
    there = mode_of(ctx.cdf).assets(ctx.cdf, ctx.site.links).identities(sorted(given)) if given else {}
    return unlisted - there.keys()


def changed_matches(ctx: StepContext, key: CaptureKey, fingerprint: str) -> list[tuple[Match, str]]:
    """Return the matches that differ from the recorded ones when the recorded texts are matched now, with their status.

    A match that is no longer made has the status "none". Neither CDF nor the records are written.
    """
    now = {_pair(match): match for match in _score(ctx, key, fingerprint).matches}
    before = {_pair(match): match for match in recorded_matches(ctx.records, key, fingerprint)}
    changed = [(match, _status(match)) for pair, match in now.items() if _status(before.get(pair)) != _status(match)]
    lost = [(match, "none") for pair, match in before.items() if pair not in now and _status(match) != "none"]
    return [*changed, *lost]


def _pair(match: Match) -> tuple[Detection, str]:
    return match.detection, match.asset.ref if match.asset else ""


def _status(match: Match | None) -> str:
    return "none" if match is None or match.status == "dropped" else match.status


@dataclass(frozen=True, slots=True)
class _Scored:
    """The texts of a capture, what they were matched to, and the matches."""

    batches: int
    detections: Sequence[Detection]
    images: Sequence[PublishedImage]
    assets: Sequence[Asset]
    manual: ManualMatches | None
    matches: Sequence[Match]
    places: Mapping[str, Place]
    lines: Sequence[Sight]
    """Of the plates without a place."""
    applied: Applied
    findings: Sequence[Finding]


def _score(ctx: StepContext, key: CaptureKey, fingerprint: str) -> _Scored:
    settings = ctx.site.links
    batches = detection_batches(ctx, key, fingerprint)
    detections = recorded_detections(ctx.records, key, fingerprint, batches)
    manual = manual_matches_of(settings)
    assets = list(mode_of(ctx.cdf).assets(ctx.cdf, settings).assets())
    ctx.log(f"{len(detections)} texts against {len(assets)} assets")
    scored = score_matches(detections, assets, settings.matching, manual)
    images = images_of(ctx, key, fingerprint)
    poses = {image.external_id: image.pose for image in images}
    consensus = resolve_consensus(scored, poses, settings.matching.consensus)
    places = places_of(consensus)
    judged = [each.match for each in consensus.scored]
    sights = sights_of(judged, places, poses, settings.matching.consensus.max_depth_m)
    lines = [one for some in sights.values() for one in some]
    linked = {each.asset.ref for each in judged if each.asset is not None and each.status == "approved"}
    earlier = earlier_plates(ctx, key, fingerprint, Extent.of(places.values(), lines), linked)
    matches, moved, applied = with_earlier(judged, places, earlier, sights)
    findings = [*consensus.findings, *moved, *ambiguous_tags(scored), *unused_rows(scored, manual)]
    return _Scored(batches, detections, images, assets, manual, matches, places, lines, applied, findings)


def _write_reports(
    ctx: StepContext,
    key: CaptureKey,
    fingerprint: str,
    found: _Scored,
    findings: Sequence[Finding],
    resolution: int,
    coverage: CoverageTable,
) -> str:
    """Write HTML with pictures, CSV and Parquet beside the records; return the URL of the HTML."""
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    matches, places = found.matches, found.places
    faces = {(image.external_id, face): ref for image in found.images for face, ref in image.faces.items()}

    def content(image: str, face: FaceName) -> bytes:
        if (image, face) not in faces:
            raise CdfError(f"CDF no longer shows face {face} of image {image}.")
        return model.face_content(faces[image, face])

    labels = {image.external_id: image.label for image in found.images if image.label}
    page = render(
        str(key),
        matches,
        found.assets,
        content,
        findings,
        labels,
        resolution,
        places,
        coverage,
    )
    ctx.records.put_report(key, fingerprint, "matches.csv", matches_csv(matches, labels, places))
    ctx.records.put_report(key, fingerprint, "matches.parquet", matches_parquet(matches, labels, places))
    return ctx.records.put_report(key, fingerprint, REPORT, page)


def _resolution(images: Sequence[PublishedImage], content: ReadFace) -> int:
    """Return the size in pixels of the first readable face."""
    for ref in (ref for image in images for ref in image.faces.values()):
        try:
            return read_header(content(ref), ref.external_id).width
        except (Capture360Error, OSError):
            continue
    return 0


def recorded_body(records: Records, key: CaptureKey, fingerprint: str) -> Mapping[str, Any]:
    """Return the record of `match`; MissingStepError if it has not run."""
    record = records.get(key, fingerprint, STEP)
    if record is None:
        raise MissingStepError(key, "its texts have not been matched", "match")
    return record.body


def recorded_matches(records: Records, key: CaptureKey, fingerprint: str) -> list[Match]:
    """Return the recorded matches; MissingStepError if `match` has not run."""
    return [match_from_document(document) for document in recorded_body(records, key, fingerprint)["matches"]]


def recorded_absent(records: Records, key: CaptureKey, fingerprint: str) -> frozenset[str]:
    """Return the references of assets that people decided on and the site did not list when `match` ran."""
    return frozenset(recorded_body(records, key, fingerprint).get("absent", ()))


def recorded_places(records: Records, key: CaptureKey, fingerprint: str) -> dict[str, Place]:
    """Return the recorded places of plates, by name of the plate; empty if `match` has not run."""
    record = records.get(key, fingerprint, STEP)
    return {name: Place.from_document(each) for name, each in record.body["plates"].items()} if record else {}
