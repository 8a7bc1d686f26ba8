"""What a manifest may say: about other captures, and in which characters and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from capture360.readers import read_tables
from capture360.readers.manifest import Manifest
from delivery import Delivery, manifest

MINIMAL: dict[str, Any] = {
    "schema": "capture/1",
    "site_id": "hall-7",
    "capture_id": "june",
    "kind": "cubemap",
    "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right"},
    "rotation": {"kind": "none"},
    "time": {"base": "utc"},
}
FRAME = "name: site, up: z, unit: m, handedness: right"
IDENTITY = "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]"


@pytest.mark.parametrize("older", [["may"], ["hall-7/may", "2026-04.b_1"]])
def test_it_may_supersede_captures_of_its_site_or_named_in_full(older: list[str]) -> None:
    assert Manifest.model_validate({**MINIMAL, "supersedes": older}).supersedes == tuple(older)


@pytest.mark.parametrize("older", ["", "../may", "hall-7/", "/may", "a/b/c", "may june", "m" * 121])
def test_what_names_no_capture_cannot_be_superseded(older: str) -> None:
    with pytest.raises(ValidationError, match=r"which is no capture. Write <capture> or <site>/<capture>"):
        Manifest.model_validate({**MINIMAL, "supersedes": [older]})


def test_it_supersedes_a_few_captures_of_its_own_site() -> None:
    """Each costs requests, and another site's are not this surveyor's."""
    with pytest.raises(ValidationError, match="supersedes names 21 captures, more than 20"):
        Manifest.model_validate({**MINIMAL, "supersedes": [f"c-{number}" for number in range(21)]})
    with pytest.raises(ValidationError, match='supersedes names "dock-2/may" of another site'):
        Manifest.model_validate({**MINIMAL, "supersedes": ["dock-2/may"]})


@pytest.mark.parametrize("itself", ["june", "hall-7/june", "June", "Hall-7/june", "hall-7/JUNE"])
def test_no_capture_supersedes_itself(itself: str) -> None:
    with pytest.raises(ValidationError, match=r"this capture itself, which would be hidden. Name the older one"):
        Manifest.model_validate({**MINIMAL, "supersedes": [itself]})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'supersedes: ["\\ud800"]', "half a character"),
        (b'notes: "\\udfff"', "half a character"),
        (b'columns: {"\\ud83d": x}', "in line 15 (an escape of half a character"),
        (b'"\\udc00": x', "half a character"),
        (b'notes: "\\Uffffffff"', "an escape stands for no character"),
        (b'notes: "\\U00110000"', "an escape stands for no character"),
        (b"notes: Hall\xe9", "it is not UTF-8 (byte 0xe9 in line 15). Save it as UTF-8."),
        (b"notes: a\x00b", "it holds the character 0x00, which YAML does not allow"),
        (b"notes: " + b"[" * 5000, "it is nested too deep"),
        (b'site_name: "a\\nb"', 'site_name "a\\nb" holds a line break or a control character. Write'),
        (b'collection_label: "a\\e[31m"', "holds a line break or a control character"),
        (b"revision: 1" + b"0" * 400, "revision "),
        (b"expected_stations: 1" + b"0" * 5000, "expected_stations "),
    ],
    ids=[
        "lone surrogate in a list",
        "lone surrogate",
        "lone surrogate in a key",
        "lone surrogate in a key at the top",
        "beyond all numbers",
        "beyond Unicode",
        "latin-1",
        "NUL",
        "deep",
        "line break",
        "escape",
        "large",
        "vast",
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_with_its_place(tmp_path: Path, line: bytes, said: str) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17")
    delivery.files["capture.yaml"] = yaml.safe_dump(manifest()).encode() + line + b"\n"
    delivery.manifest = {}
    (finding,) = read_tables(delivery.write()).findings
    assert said in finding.message
    assert finding.message.isprintable()


def test_a_turn_is_a_number_of_degrees_that_somebody_can_mean(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", manifest(frame__transform={"yaw_deg": 1e300}))
    (finding,) = read_tables(delivery.write()).findings
    assert finding.message.startswith("capture.yaml: frame.transform.yaw_deg ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frame__unit": "Metres"}, 'frame.unit "Metres" is not known. Did you mean m?'),
        ({"frame__unit": "US survey foot"}, "Did you mean us_ft?"),
        ({"frame__unit": "feet"}, "Did you mean ft?"),
        ({"frame__unit": "km"}, "Use m, mm, cm, ft, us_ft or in."),
        ({"frame__unit": ["m"]}, "frame.unit (a list) is not known"),
        ({"frame__up": "Z"}, "Did you mean z?"),
        ({"frame__up": "-z"}, "Use z or y."),
        ({"frame__handedness": "right-handed"}, "Did you mean right?"),
        ({"frame__handedness": "left"}, "Only right-handed frames can be published"),
        ({"rotation__direction": "camera-to-world"}, "Did you mean camera_to_world?"),
        ({"rotation__direction": "W2C"}, "Did you mean world_to_camera?"),
        ({"rotation__kind": "Quat"}, "Did you mean quaternion?"),
        ({"rotation__kind": "yaw_pitch_roll_deg"}, "Use quaternion, euler_deg"),
        ({"rotation__euler_order": "rpy"}, 'rotation.euler_order "rpy" cannot be used. Name the order'),
        ({"time__base": "GPS"}, "Did you mean gps_s?"),
        ({"time__clock_offset_s": "18 s"}, 'time.clock_offset_s "18 s" is no number. Write digits alone'),
        ({"time": {"base": "local", "zone": "oslo"}}, "Did you mean Europe/Oslo?"),
        ({"time": {"base": "local", "zone": "TOKIO"}}, "Did you mean Asia/Tokyo?"),
        ({"time": {"base": "local", "zone": "OSLOO"}}, "Did you mean Europe/Oslo?"),
        ({"time": {"base": "local", "zone": "Stokholm"}}, "Did you mean Europe/Stockholm?"),
        ({"time": {"base": "local", "zone": "KAIRO"}}, "Did you mean Europe/Kirov or Africa/Cairo?"),
        ({"time": {"base": "local", "zone": "Europe/Olso"}}, "Did you mean Europe/Oslo?"),
        ({"time": {"base": "local", "zone": "AZOST"}}, "Such letters may mean several zones"),
        ({"time": {"base": "local", "zone": "MSK"}}, "Such letters may mean several zones"),
        ({"time": {"base": "local", "zone": "EASST"}}, "Such letters may mean several zones"),
        ({"time": {"base": "local", "zone": "W. Europe Standard Time"}}, "Write one such as Europe/Oslo."),
        ({"time": {"base": "local", "zone": "UTC+2"}}, "Write the offset behind each time"),
        ({"time": {"base": "local", "zone": "EST"}}, "Name a place, such as America/New_York, or write the offset"),
        ({"time": {"base": "local", "zone": "CET"}}, 'time.zone "CET" is an abbreviation, which some use with summer'),
        ({"time": {"base": "local", "zone": "GMT+2"}}, "Write the offset behind each time"),
        ({"time": {"base": "local", "zone": "utc-05"}}, "Write the offset behind each time"),
        ({"time": {"base": "local", "zone": "UTC + 2"}}, "Write the offset behind each time"),
        ({"time": {"base": "local", "zone": "Etc/UTC+1"}}, "Write the offset behind each time"),
        ({"time": {"base": "local", "zone": "WEST"}}, "Such letters may mean several zones"),
        ({"time": {"base": "local", "zone": "Etc/GMT+5"}}, 'time.zone "Etc/GMT+5" is -05:00, against its sign'),
        ({"time": {"base": "local", "zone": "Factory"}}, 'time.zone "Factory" is no IANA time zone'),
        ({"time": {"base": "utc", "zone": "Europe/Oslo"}}, "contradicts time.base utc"),
        ({"frame__transform": {"yaw": 90}}, "Did you mean yaw_deg?"),
        ({"frame__transform": {"scale": 0}}, 'frame.transform.scale "0" is not more than 0'),
        ({"frame__transform": "identity"}, '"identity" is neither a group of keys nor a matrix. Write origin_offset,'),
        ({"frame__transform": [1] * 16}, "(16 entries in one list) is no matrix of four rows of four numbers. Write"),
        ({"frame__transform": {"matrix": [1] * 16}}, "a matrix by its rows, as four lists of four numbers: [[1, 0,"),
        (
            {"frame__transform": [[1, 0, 0, number] for number in range(3)]},
            "(3 rows of 4) lacks its last row. Add [0, 0, 0, 1] below the",
        ),
        (
            {"frame__transform": {"matrix": [[1, 0, number] for number in range(3)]}},
            "(3 rows of 3) is no matrix of four rows of four",
        ),
        ({"frame__transform": [[1, 0, 0, 0], [0, 1]]}, "(2 rows of 4 and 2) is no matrix"),
        ({"frame__transform": ["1 0 0 0"] * 4}, "(4 entries in one list) is no matrix"),
        ({"frame__transform": []}, "frame.transform.matrix (a list) is no matrix"),
        ({"frame__transform": {"matrix": "1 0; 0 1"}}, 'frame.transform.matrix "1 0; 0 1" is no matrix'),
        ({"frame__transform": {"matrix": {"r0": [1, 0, 0, 0]}}}, "matrix (a group of keys) is no matrix"),
        (
            {"frame__transform": {"matrix": IDENTITY, "yaw_deg": 4, "scale": 2}},
            "holds matrix and yaw_deg and scale, two ways to state one transform. Keep one: a matrix turns, scales",
        ),
        ({"frame__transform": {"origin_offset": "1,2,3"}}, "is no list. Write its x, y and z, such as [1200, 850, 0]"),
        ({"frame__transform": {"origin_offset": [1, 2]}}, "origin_offset has no entry 3. Write its x, y and z, such"),
        ({"frame__origin": [59, 10]}, "frame.origin has no entry 3. Write latitude, longitude and height, such as"),
        (
            {"frame__transform": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [5, 6, 7, 1]]},
            "the matrix is written by columns: its shift stands in the last row. Write it by rows",
        ),
        ({"columns": ["x"]}, "columns (a list) is no group of keys"),
        ({"kind": "Panoramas"}, "Did you mean panorama?"),
        ({"history": "perhaps"}, "is neither true nor false"),
        ({"revision": "two"}, "is no whole number"),
        ({"camera_height": "1,7"}, 'camera_height "1,7" is no number'),
        ({"frame__units": "m"}, "Did you mean unit?"),
    ],
)
def test_a_mistake_is_worded_for_who_made_it(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", manifest(**changes))
    sentences = " ".join(finding.message for finding in read_tables(delivery.write()).findings)
    assert said in sentences
    assert not any(word in sentences for word in ("Input", "tuple", "valid", "pattern"))


@pytest.mark.parametrize("zone", ["UTC", "GMT", "Etc/UTC", "Etc/GMT-0", "GB", "Asia/Kathmandu", "EST5EDT"])
def test_a_zone_of_one_meaning_is_taken(tmp_path: Path, zone: str) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", manifest(time={"base": "local", "zone": zone}))
    assert not read_tables(delivery.write()).findings


@pytest.mark.parametrize("nothing", ["null", "~", "Null", "", '""'])
def test_what_is_stated_as_nothing_is_not_stated_wherever_it_stands(tmp_path: Path, nothing: str) -> None:
    sentences = spoken(tmp_path, f"frame: {{name: site, up: z, unit: {nothing or 'null'}, handedness: right}}")
    assert sentences == ["capture.yaml: frame.unit is missing. Add it."]


def test_nothing_names_no_capture_to_supersede(tmp_path: Path) -> None:
    assert spoken(tmp_path, "supersedes: [null]") == [
        "capture.yaml: supersedes.0 (nothing) is no text. Write it in quotes."
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("origin: [59, 10, 0]", '"origin" is not known. It belongs to frame: indent it below frame.'),
        ("unit: mm", '"unit" is not known. Remove it. frame.unit is stated already: correct that one.'),
        ("tripod: 2", '"tripod" is not known. Remove it, or write one of site_name, collection_label,'),
        ("author: A", '"author" is not known. Did you mean operator?'),
        ("Sensor: A", '"Sensor" is not known. Did you mean camera?'),
        ("projection: cube", '"projection" is not known. Did you mean kind? That is stated already: keep one'),
        ("time: {base: utc, leap: 18}", '"time.leap" is not known. Remove it, or write one of zone or clock_offset_s.'),
        (
            f"frame: {{{FRAME}, transform: {{translation: [1, 2, 3]}}}}",
            '"frame.transform.translation" is not known. Remove it, or write one of matrix, origin_offset, yaw_deg or '
            "scale.",
        ),
        ("name: Hall 7", '"name" is not known. Did you mean site_name?'),
        ("name: Hall 7\nsite_name: Hall", "Did you mean site_name? That is stated already: keep one of them."),
        ("time: {base: utc, kind: e57}", '"time.kind" is not known. Remove it.'),
        (f"frame: {{{FRAME}, transform: {{yaw_deg: 5}}, yaw_deg: 4}}", '"frame.yaw_deg" is not known. Remove it.'),
        (f"frame: {{{FRAME}, transform: {{scale: 5}}, yaw_deg: 4}}", "It belongs to frame.transform: indent it below"),
        (f"frame: {{{FRAME}, transform: {IDENTITY}, yaw_deg: 4}}", '"frame.yaw_deg" is not known. Remove it.'),
        ("quaternion_order: wxyz", "It belongs to rotation: indent it below rotation."),
        ("yaw_deg: 4", "It belongs to frame.transform: indent it below frame.transform."),
        ("rotation: {kind: none, revision: 2}", "It does not belong to rotation: indent it less."),
        ("kind: panorama", 'the key "kind" is there twice'),
        ("? [a]\n: b", "a key is no text"),
        ("<<: {operator: A}", "merge keys (<<) are not used here; write in full what they stand for"),
        ("camera: {<<: {make: A}}", "merge keys (<<) are not used here; write in full what they stand for"),
        ("time:\n\tbase: utc", "a tab stands where only blanks may"),
        ("notes = x", "a line has no colon with a blank behind it"),
        ("notes: a: b", "a line has a second colon"),
        ("---\nnotes: b", "a second document begins"),
        ("notes: [a", "brackets hold something else"),
        ('notes: "a', "a quote or bracket is not closed"),
        ('notes: "C:\\pano"', "write paths in single quotes"),
        ("  notes: b", "a line"),
        ("operator: @anna", "in line 8 (a key or value begins with a character that YAML keeps for itself: write"),
        ("operator: %", "a character that YAML keeps for itself: write it in quotes"),
        ("operator: `anna`", "a character that YAML keeps for itself: write it in quotes"),
        ("@anna: operator", "a character that YAML keeps for itself: write it in quotes"),
        ("supersedes: - may", "in line 8 (a list begins on a line of its own)"),
        ("notes: ]", "it is not valid YAML in line 8 (the line cannot be read). Correct it there."),
        ("time: {base: local, zone: CEST}", "Such letters may mean several zones: write one such as Europe/Oslo."),
        ('site_name: "Hall\\u202e7"', "an invisible mark that turns the direction of text. Type it anew."),
    ],
)
def test_a_mistake_is_worded_without_the_parsers_sentences(tmp_path: Path, line: str, said: str) -> None:
    (sentence,) = spoken(tmp_path, line)
    assert said in sentence
    assert "expected" not in sentence.replace("expected_stations", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Fetch it with git lfs pull."),
        (b"<!DOCTYPE html><html>", "it is a web page or XML"),
        (
            b"<<: {kind: e57}\nschema: capture/1\n",
            "merge keys (<<) are not used here. Write what they stand for in full.",
        ),
        (b"<<<<<<< HEAD\nkind: e57\n", "it holds two versions with marks of git around them. Keep one"),
        (b"PK\x03\x04" + bytes(40), "it is a zip archive or an office document"),
        (b"{\\rtf1 kind: cubemap}", "it is a rich text document"),
    ],
)
def test_another_file_of_that_name_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "june")
    delivery.files["capture.yaml"] = content
    (finding,) = read_tables(delivery.write()).findings
    assert said in finding.message


def test_a_long_key_is_cut(tmp_path: Path) -> None:
    (sentence,) = spoken(tmp_path, f"? {'k' * 5000}\n: 1")
    assert sentence.startswith(f'capture.yaml: "{"k" * 80}" is not known. Remove it, or write one of site_name,')


@pytest.mark.parametrize("word", ["equirectangular", "Equirectangular", "EQUIRECTANGULAR"])
def test_equirectangular_is_a_panorama_in_any_case(word: str) -> None:
    assert Manifest.model_validate({**MINIMAL, "kind": word}).kind == "panorama"


def test_a_matrix_may_be_named(tmp_path: Path) -> None:
    rows = [[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    frame = {**MINIMAL["frame"], "transform": {"matrix": rows}}
    transform = Manifest.model_validate({**MINIMAL, "frame": frame}).frame.transform
    assert transform == Manifest.model_validate({**MINIMAL, "frame": {**frame, "transform": rows}}).frame.transform


def spoken(tmp_path: Path, line: str) -> list[str]:
    """What is said of a sound manifest with `line` added, or in place of the line of its key."""
    lines = yaml.safe_dump(MINIMAL, sort_keys=False, default_flow_style=None).splitlines()
    key = line.split(":")[0]
    kept = [each for each in lines if each.split(":")[0] != key or line == "kind: panorama"]
    delivery = Delivery(tmp_path / "hall-7" / "june")
    delivery.files["capture.yaml"] = "\n".join([*kept, line, ""]).encode()
    return [finding.message for finding in read_tables(delivery.write()).findings if finding.rule in ("S01", "S09")]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"time": {"base": "local", "zone": "A" * 20_000}}, "is no IANA time zone"),
        ({"supersedes": ["x" * 20_000]}, "which is no capture"),
        ({"faces": {"aliases": {"u" * 20_000: "f" * 20_000}}}, "which is no face"),
    ],
)
def test_a_long_text_is_named_by_its_beginning_and_what_is_wrong_is_said(
    tmp_path: Path, changes: dict[str, Any], wrong: str
) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", manifest(**changes))
    messages = [each.message for each in read_tables(delivery.write()).findings]
    assert messages
    assert all(len(each) < 400 for each in messages)
    assert any(wrong in each for each in messages), messages
