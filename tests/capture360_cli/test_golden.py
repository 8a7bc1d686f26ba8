"""What others have built on: external ids in CDF, keys of `--json`, exit codes. A change of these is no detail.

Another external id orphans every capture that is published; another key breaks the scripts that read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from capture360 import names
from capture360.model import CaptureKey, Verdict
from capture360.steps.detect import Detected
from capture360_cli.main import app
from captures import write_cubemap
from suggested_links import CERTAIN, TAGS, Hall, hall_in, world_of

KEY = CaptureKey("hall-7", "2026-04-17.b")
SHA256 = "a" * 64
PARTIAL = CaptureKey("hall-7", "partial")


def test_external_ids() -> None:
    assert {
        "collection": names.collection_id(KEY),
        "part": names.collection_id(KEY, "east wing"),
        "station": names.station_id(KEY, "001"),
        "image": names.image_id(KEY, "001"),
        "images": names.image_prefix(KEY),
        "face": names.face_id(KEY, "001", "front", SHA256),
        "faces": names.face_prefix(KEY),
        "faces of a station": names.face_stem(KEY, "001"),
        "scan": names.e57_id(KEY, "scans/a.e57", SHA256),
        "edge of a scene": names.scene_edge_id("plant", "scenes", "c"),
        "job": names.text_job_id(KEY, "f" * 32, "space", "c"),
        "space": names.space_id(KEY),
    } == {
        "collection": "c360_collection_hall_7_2026_04_17_b_7bfc738a222dfb1c",
        "part": "c360_collection_hall_7_2026_04_17_b_7bfc738a222dfb1c_east_wing_eface2fd2ea6c428",
        "station": "c360_station_hall_7_2026_04_17_b_001_60fd72025c2dee58",
        "image": "c360_image_hall_7_2026_04_17_b_001_44d6fce2bf2eee81",
        "images": "c360_image_hall_7_2026_04_17_b_",
        "face": "c360_face_hall_7_2026_04_17_b_001_14a804d2cfd2586f_front_aaaaaaaaaaaaaaaa",
        "faces": "c360_face_hall_7_2026_04_17_b_",
        "faces of a station": "c360_face_hall_7_2026_04_17_b_001_14a804d2cfd2586f",
        "scan": "c360_e57_hall_7_2026_04_17_b_scans_a_e57_bc790cfe9409d778_aaaaaaaaaaaaaaaa",
        "edge of a scene": "c360_scene_plant_scenes_c_038146930dcab89d",
        "job": "c360_texts_hall_7_2026_04_17_b_ffffffffffffffffffffffffffffffff_space_c_63a2be9bb11a38e5",
        "space": "c360_hall_7_fbab6a45dec3d301",
    }
    assert (names.COLLECTION_PREFIX, names.IMAGE_PREFIX) == ("c360_collection_", "c360_image_")


def test_exit_codes() -> None:
    assert {verdict.value: verdict.exit_code for verdict in Verdict} == {"accepted": 0, "partial": 3, "rejected": 4}
    described: dict[str, list[str]] = {}
    commands: Mapping[str, Any] = get_command(app).commands
    for verb, command in commands.items():
        text = " ".join(str(command.help).split())
        for found in re.findall(r"Exit codes?:? ([^.]*)", text):
            described.setdefault(verb, []).extend(re.findall(r"\b\d+\b", found))
    assert described == EXIT_CODES


EXIT_CODES = {
    "check": ["0", "3", "4", "1"],
    "ingest": ["0", "3", "4", "1"],
    "contextualize": ["0", "1"],
    "retract": ["0", "3", "1"],
    "move": ["0", "3", "1"],
    "reconcile": ["0", "3", "1"],
    "captures": ["0", "1"],
    "gx-docs": ["0", "1"],
    "views": ["0", "3", "1"],
    "coverage": ["0", "1"],
    "digest": ["0", "1"],
    "doctor": ["0", "130", "1"],
    "prune": ["0", "1"],
    "replay": ["0", "1"],
    "e57": ["0", "3", "4"],
    "demo": ["1"],
}
"""The codes that the help of each verb describes."""
KEYS: Mapping[str, Mapping[str, str]] = {
    "check": {
        "": "accepted[] bad_rows[] capture_key headline report stations verdict",
        "counts[]": "checked failed rule",
        "findings[]": "column disposition message row rule station value where",
        "quarantined": "*[]",
    },
    "ingest --dry-run": {
        "": "capture headline verdict",
        "findings[]": "column disposition message row rule station value where",
        "would_write": "files[] instances[] space",
    },
    "ingest": {
        "": "capture fingerprint headline link report reported[] uploaded_faces verdict viewer written_instances",
        "collection": "externalId space",
        "collections[]": "externalId space",
        "findings[]": "column disposition message row rule station value where",
        "images[]": "externalId space station stationExternalId",
        "images[].faces.*": "externalId id",
        "images[].pose": "position[] rotation[]",
        "quarantined": "*[]",
    },
    "contextualize": {
        "": "capture findings[] fingerprint report",
        "matched": "approved candidates dropped suggested texts",
        "plates[]": "confidence place plate reason text verdict",
        "plates[].asset": "name ref",
        "plates[].candidates[]": "name ref share",
        "plates[].views[]": "cap_px face image outline polygon[][] reason score status text uncut whole",
        "written": "approved decided kept only_recorded refused[] removed suggested",
        "written.plates": "asked linked missed",
    },
    "captures": {
        "": "asked capture captured held back linked missed stage stations verdict waits",
    },
    "views": {
        "": "site",
        "asset": "name ref",
        "left_out": "*",
        "looked_at[]": "capture captured_on matched_at stale",
        "views[]": (
            "angle_deg asset asset_link asset_name capture capture_link distance_m face file file_space "
            "heading_deg height_px image image_space panorama pitch_deg station taken_at text verdict whole "
            "width_px"
        ),
    },
    "coverage": {
        "": "critical critical_never_seen[] findings[] never_seen[] site",
        "captures[]": "capture captured_on critical critical_so_far",
        "captures[].own": "asked assets linked never_seen seen share_linked share_seen",
        "captures[].so_far": "asked assets linked never_seen seen share_linked share_seen",
        "total": "asked assets linked never_seen seen share_linked share_seen",
    },
    "digest": {
        "": (
            "alerts[] came_in[] contextualized[] damaged[] drift first held_back last published[] rejected[] "
            "retracted[] site stations unread"
        ),
        "plates": "asked linked open",
        "reasons": "*",
        "waiting": "*",
    },
}
"""Of each verb's JSON the keys, by the place where they stand; `*` for names that are data."""
ARGUMENTS = {
    "check": ("check", "{partial}", "--site", "hall-7"),
    "ingest --dry-run": ("ingest", "{partial}", "--dry-run", "--connection", "connection.json"),
    "ingest": ("ingest", "{partial}", "--connection", "connection.json"),
    "contextualize": ("contextualize", "{linked}", "--connection", "connection.json"),
    "captures": ("captures",),
    "views": ("views", TAGS[0]),
    "coverage": ("coverage", "hall-7"),
    "digest": ("digest", "hall-7"),
}
_DATA = re.compile(
    r"(?<=quarantined\.)002|(?<=faces\.)(front|back|left|right|top|bottom)|(?<=reasons\.)F01|hall-7/partial"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A capture with links, and one beside it with a station that is held back."""
    root = tmp_path_factory.mktemp("golden")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        hall: Hall = hall_in(world_of(stack, "asset_centric", root))
        world = hall.world
        (root / "connection.json").write_text(json.dumps({**world.running.connection, "mode": "asset_centric"}))
        site = json.loads(world.site.model_dump_json(exclude={"id"}))
        (root / "sites.yaml").write_text(yaml.safe_dump({"records": world.records.url, "sites": {"hall-7": site}}))
        patch.setenv("CAPTURE360_CONFIG", str(root / "sites.yaml"))
        patch.chdir(root)
        # The pictures of this capture are empty: the texts that were recorded stay.
        patch.setattr("capture360.steps.contextualize.detect", lambda *_: Detected(0, 1, len(TAGS)))
        hall.read(CERTAIN, tags=TAGS[:2])
        partial = write_cubemap(world.landing, PARTIAL, stations=6)
        (partial.folder / "images" / "002" / "top.jpg").unlink()
        yield {"partial": str(partial.folder), "linked": str(hall.key)}


def keys(document: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield each key of a document with the place where it stands; lists end in brackets."""
    if isinstance(document, list):
        for each in document:
            yield from keys(each, f"{at}[]")
        if not any(isinstance(each, list | dict) for each in document):
            place, _, name = f"{at}[]".rpartition(".")
            yield place, name
    elif isinstance(document, dict) and document:
        for name, value in document.items():
            yield from keys(value, f"{at}.{name}" if at else name)
    else:
        place, _, name = (f"{at}{{}}" if document == {} else at).rpartition(".")
        yield place, name


def test_keys_of_json(folders: dict[str, str]) -> None:
    """One test, since the later verbs read what the earlier ones wrote."""
    for verb, words in ARGUMENTS.items():
        done = CliRunner().invoke(app, [word.format(**folders) for word in words] + ["--json"])
        assert done.exit_code == (3 if "{partial}" in words else 0), f"{verb}: {done.output}"
        text = done.stdout.strip()
        documents = json.loads(text) if text.startswith("{\n") else [json.loads(line) for line in text.splitlines()]
        found: dict[str, set[str]] = {}
        for document in documents if isinstance(documents, list) else [documents]:
            for place, name in keys(document):
                place, _, name = _DATA.sub("*", f"{place}.{name}" if place else name).rpartition(".")
                found.setdefault(place, set()).add(name)
        assert {place: " ".join(sorted(each)) for place, each in found.items()} == KEYS[verb], verb
