"""`capture360 ingest`: take one capture into CDF with the steps that Airflow runs, for trials and debugging."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capture360.model import CaptureKey, Verdict
from capture360_cli.one_capture import choose, existing_folder, is_finished, key_of, lease_remedy
from capture360_cli.options import ConnectionFile, RecordsFolder, SiteSettings, Space, TakeOver
from capture360_cli.progress import progress

if TYPE_CHECKING:
    from capture360.steps.context import StepContext
    from capture360.steps.ingest import Ingested
    from capture360.steps.plan import Plan


def ingest(
    folder: Annotated[str, typer.Argument(help="Folder of the capture: a path or any fsspec URL.")],
    connection: ConnectionFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and nothing else.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Write nothing; list what would be written.")] = False,
    site: SiteSettings = None,
    space: Space = None,
    records: RecordsFolder = None,
    take_over: TakeOver = False,
) -> None:
    """Take one capture into CDF without Airflow. Exit codes: 0 accepted, 3 accepted in part, 4 rejected, 1 error.

    Settings and records are those of the register that CAPTURE360_CONFIG names, or of the local stack, if it knows the
    site; else settings for a trial, and records of this user.
    """
    from capture360.cdf.capabilities import inspect
    from capture360.cdf.client import CdfProject, Connection
    from capture360.records import Records
    from capture360.steps import lease
    from capture360.steps.context import StepContext

    url = existing_folder(folder)
    key = key_of(url)
    chosen = choose(key, url, connection, site=site, space=space, records=records)
    project = CdfProject(Connection.from_file(connection))
    inspect(project.connection)
    with progress() as log:
        ctx = StepContext(
            site=chosen.site,
            records=Records(chosen.records),
            cdf=project,
            run=lease.name_of_this_process(),
            log=log,
            folder_url=url,
        )
        code, document, lines = _planned(ctx, key) if dry_run else _ingested(ctx, key, take_over)
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(lines))
    raise typer.Exit(code)


def _planned(ctx: StepContext, key: CaptureKey) -> tuple[int, dict[str, Any], list[str]]:
    from capture360.steps.plan import plan

    done = plan(ctx, key)
    return done.validation.verdict.exit_code, _plan_document(done), _plan_lines(done)


def _ingested(ctx: StepContext, key: CaptureKey, take_over: bool) -> tuple[int, dict[str, Any], list[str]]:
    from capture360.steps.ingest import ingest

    with lease_remedy():
        done = ingest(ctx, key, is_finished=is_finished(take_over=take_over))
    left_out = done.collected is not None and done.collected.missing
    verdict = Verdict.PARTIAL if left_out else done.validated.verdict
    return verdict.exit_code, {**_document(ctx, key, done), "verdict": verdict.value}, _lines(ctx, key, done)


def _document(ctx: StepContext, key: CaptureKey, done: Ingested) -> dict[str, Any]:
    record = ctx.records.get(key, done.validated.fingerprint, "validate")
    body = record.body if record is not None else {}
    document: dict[str, Any] = {
        "capture": str(key),
        "verdict": done.validated.verdict.value,
        "headline": done.validated.headline,
        "fingerprint": done.validated.fingerprint,
        "report": done.validated.report,
        "findings": body.get("findings", []),
        "quarantined": body.get("quarantined", {}),
        "collection": None,
        "images": [],
    }
    if done.published is not None:
        document["link"] = done.published.link
        document["uploaded_faces"] = done.uploaded
        document["written_instances"] = done.published.written
    if done.collected is not None:
        document["link"] = done.collected.link
        document["missing"] = list(done.collected.missing)
    if taken_in := done.published or done.collected:
        document["collections"] = [
            {"space": each.space, "externalId": each.external_id} for each in taken_in.collections
        ]
        document["collection"] = document["collections"][0]
    if done.verified is not None:
        document["viewer"] = done.verified.viewer
        document["reported"] = list(done.verified.reported)
    if done.placed is not None:
        document["scene"] = {"space": done.placed.space, "externalId": done.placed.scene}
    if done.published is not None or done.collected is not None:
        document["images"] = _images(ctx, key, done.validated.fingerprint)
    return document


def _images(ctx: StepContext, key: CaptureKey, fingerprint: str) -> list[dict[str, Any]]:
    """Return the capture's images as CDF has them, with the delivered station of each where it is known."""
    from capture360.cdf.registry import mode_of
    from capture360.steps.detect import images_of
    from capture360.steps.published import image_ids
    from capture360.steps.validation_record import recorded_capture

    stations = [station.id for station in recorded_capture(ctx.records, key, fingerprint).stations]
    delivered = {image: station for station, image in image_ids(ctx.records, key, fingerprint, stations).items()}
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    found = images_of(ctx, key, fingerprint)
    ids = model.file_ids([ref for image in found for ref in image.faces.values()])
    return [
        {
            "externalId": image.external_id,
            "space": image.space,
            "station": delivered.get(image.external_id),
            "stationExternalId": image.station,
            "pose": {"position": list(image.pose.position), "rotation": list(image.pose.rotation)},
            "faces": {
                face: {"id": ids.get(ref), "externalId": ref.external_id} | ({"space": ref.space} if ref.space else {})
                for face, ref in image.faces.items()
            },
        }
        for image in found
    ]


def _lines(ctx: StepContext, key: CaptureKey, done: Ingested) -> list[str]:
    from capture360.steps.verify_viewer import SWITCHES

    record = ctx.records.get(key, done.validated.fingerprint, "validate")
    findings = record.body["findings"] if record is not None else []
    lines = [done.validated.headline, *(f"  {finding['message']}" for finding in findings)]
    lines.append(f"Report: {done.validated.report}")
    if done.published is not None and done.verified is not None:
        found = 6 * done.published.images - done.uploaded
        lines += [
            *(f"Collection: {each.external_id} in space {each.space}" for each in done.published.collections),
            f"Images: {done.published.images}",
            f"Faces: {done.uploaded} uploaded, {found} were there, {done.verified.compared_faces} compared",
            f"Instances written: {done.published.written}",
            f"Open: {done.published.link}",
        ]
    if done.collected is not None:
        spaces = ", ".join(f"{each.external_id} in space {each.space}" for each in done.collected.collections)
        lines += [f"Extracted by CDF: {done.collected.images} images", f"Collections: {spaces}"]
        if done.collected.missing:
            lines.append(f"CDF left out: {', '.join(done.collected.missing)}")
        lines.append(f"Open: {done.collected.link}")
    if done.verified is not None:
        lines.append(f"Viewers: {SWITCHES[done.verified.viewer]}")
        lines += [f"  {sentence}" for sentence in done.verified.reported]
    if done.placed is not None:
        lines.append(f"Scene: {done.placed.scene} in space {done.placed.space}")
    return lines


def _plan_document(done: Plan) -> dict[str, Any]:
    return {
        "capture": str(done.validation.key),
        "verdict": done.validation.verdict.value,
        "headline": done.validation.headline,
        "findings": [finding.document() for finding in done.validation.findings],
        "would_write": {"space": done.space, "files": list(done.files), "instances": list(done.instances)}
        | ({"revisions": list(done.revisions)} if done.revisions else {}),
    } | ({"would_remove": list(done.removed)} if done.removed else {})


def _plan_lines(done: Plan) -> list[str]:
    writes = [f"space {done.space}"] if done.space else []
    writes += [f"file {name}" for name in done.files] + [f"instance {name}" for name in done.instances]
    writes += [f"3D revision that extracts the panoramas of {path}" for path in done.revisions]
    lines = [done.validation.headline, *(f"  {finding.message}" for finding in done.validation.findings)]
    if done.validation.capture is None:
        return lines
    lines += ["Would write:" if writes else "Would write nothing.", *(f"  {name}" for name in writes)]
    if done.revisions:
        lines.append(
            "Images, collections, their edges in a scene and what they replace are known once CDF has extracted."
        )
    if done.removed:
        lines += ["Would remove, and what only they use:", *(f"  image {name}" for name in done.removed)]
    return lines
