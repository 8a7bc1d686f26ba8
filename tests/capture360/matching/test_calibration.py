"""Whether the probabilities are true, on plants that the calibration has not seen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import calibrate_matching as calibrate
import synthetic_tags
from capture360.matching import match
from capture360.matching.confidence import NEVER_APPROVED, Calibration, measured
from capture360.matching.evidence import AMBIGUOUS, APPROVABLE, Evidence, EvidenceKind
from synthetic_tags import tag_plant

HELD_OUT = (1_201, 1_202, 1_203, 1_204)


def test_approval_on_held_out_plants_is_right_and_probabilities_are_true() -> None:
    approved = right = with_truth = 0
    groups: dict[float, list[bool]] = defaultdict(list)
    for seed in HELD_OUT:
        plant = tag_plant(seed, 3_000, 6_000)
        answers = match([reading.text for reading in plant.readings], plant.tags)
        for reading, (position, probability) in zip(plant.readings, answers, strict=True):
            with_truth += reading.truth is not None
            if position is not None:
                groups[probability].append(position == reading.truth)
            if probability >= 0.995:
                assert not reading.ambiguous, reading
                approved += 1
                right += position == reading.truth
    linked = sum(map(len, groups.values()))
    error = sum(abs(sum(some) - probability * len(some)) for probability, some in groups.items()) / linked
    assert right / approved >= 0.999
    assert right / with_truth >= 0.75
    assert error <= 0.02


def test_the_shipped_calibration_is_the_one_that_the_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = json.loads(calibrate.FILE.read_text("utf-8"))
    assert [(plant["seed"], plant["tags"], plant["readings"]) for plant in shipped["plants"]] == [
        (seed, size, calibrate.READINGS) for size in calibrate.SIZES for seed in calibrate.SEEDS
    ]
    part = calibrate.measure([(calibrate.SEEDS[0], calibrate.SIZES[0])], calibrate.READINGS)
    assert part["version"] == shipped["version"]
    assert part["plants"] == shipped["plants"][:1], "run python tools/calibrate_matching.py"
    kinds = part["kinds"]
    assert isinstance(kinds, dict)
    assert kinds.keys() == shipped["kinds"].keys()
    for kind, row in shipped["kinds"].items():
        assert row["samples"] >= kinds[kind]["samples"]
        assert row["precision"] == round(calibrate.laplace(row["right"], row["samples"]), 5)


def test_the_script_writes_what_measure_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "SIZES", (300,))
    monkeypatch.setattr(calibrate, "SEEDS", (5, 6))
    monkeypatch.setattr(calibrate, "READINGS", 400)
    monkeypatch.setattr(sys, "argv", ["calibrate_matching", "--out", str(tmp_path / "c.json")])
    calibrate.main()
    written = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert written == calibrate.measure([(5, 300), (6, 300)], 400)
    assert Calibration.parse(written).version == written["version"]


def test_a_plant_is_the_same_in_every_process() -> None:
    program = "from synthetic_tags import tag_plant; import hashlib; p = tag_plant(7, 200, 300); " \
              "print(hashlib.sha256(repr(p).encode()).hexdigest())"  # fmt: skip
    folder = str(Path(synthetic_tags.__file__).parent)
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": folder},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_plants_hold_what_makes_matching_hard() -> None:
    plant = tag_plant(11, 2_000, 4_000)
    assert len(plant.tags) == 2_000
    assert len(set(plant.tags)) < 2_000  # assets of one name
    assert sum(reading.truth is None for reading in plant.readings) > 400
    assert sum(reading.ambiguous for reading in plant.readings) > 40
    doubtful = [reading.score < 0.998 for reading in plant.readings]
    assert 0.1 < sum(doubtful) / len(doubtful) < 0.2
    siblings = [{tag[:-1] for tag in plant.tags if tag.endswith(suffix)} for suffix in "AB"]
    assert len(set.intersection(*siblings)) > 50


@pytest.mark.parametrize("kind", [kind for kind in EvidenceKind if kind not in APPROVABLE])
def test_what_needs_a_person_is_never_called_certain(kind: EvidenceKind) -> None:
    certain = Calibration(dict.fromkeys(EvidenceKind, 0.9999), "x")
    assert certain.confidence(Evidence(kind, 3)) <= NEVER_APPROVED


@pytest.mark.parametrize("kind", sorted(AMBIGUOUS))
def test_a_tie_shares_its_probability(kind: EvidenceKind) -> None:
    evidence = Evidence(kind, None, (4, 7))
    assert measured().confidence(evidence) == 0
    shares = dict(measured().shares(evidence))
    assert shares.keys() == {4, 7}
    assert shares[4] == shares[7] <= (1 if kind is EvidenceKind.SEVERAL else 0.5)


def test_the_rule_of_succession() -> None:
    assert calibrate.laplace(0, 0) == 0.5
    assert calibrate.laplace(998, 998) == 0.999
