"""From findings to one verdict."""

from __future__ import annotations

import pytest

from capture360.capture_document import capture_document, capture_from_document
from capture360.checks.validation import validation_document
from capture360.checks.verdict import ranges
from capture360.model import FACES, Verdict
from capture360.rules.finding import Disposition
from delivery import Delivery


def test_a_bad_station_is_held_back_and_the_others_go_in(delivery: Delivery) -> None:
    delivery.stations[2]["x"] = "12,5"
    delivery.files["images/s-05/top.jpg"] = b""
    validation = delivery.check()
    assert validation.verdict is Verdict.PARTIAL
    assert validation.verdict.exit_code == 3
    assert dict(validation.quarantined) == {"s-03": ("S06",), "s-05": ("F07",)}
    assert validation.capture is not None
    assert [station.id for station in validation.capture.stations] == ["s-01", "s-02", "s-04", "s-06", "s-07", "s-08"]
    assert set(validation.capture.media) == {station.id for station in validation.capture.stations}
    assert validation.headline == "hall-7/2026-04-17 accepted in part: 6 of 8 stations, 2 held back."


def test_past_the_limit_one_root_cause_is_told_and_the_rows_are_kept(delivery: Delivery) -> None:
    delivery.checks["max_quarantine_fraction"] = 0.2
    for row in delivery.stations[2:7]:
        row["z"] = ""
    validation = delivery.check()
    assert validation.verdict is Verdict.REJECTED
    assert validation.capture is None
    (told,) = validation.findings
    assert (told.rule, told.disposition) == ("P01", Disposition.STOP)
    assert told.message == (
        "5 of 8 stations break one rule, where the site allows 20 %: every position and rotation is given and finite. "
        "The first: "
        "stations.csv row 4 (s-03): z is empty. Export the pose of this station, or remove the row. "
        "(stations.csv rows 4-8)"
    )
    assert [finding.row for finding in validation.bad_rows] == [4, 5, 6, 7, 8]


def test_one_fault_of_many_pictures_names_the_rows_of_the_table(delivery: Delivery) -> None:
    delivery.put_panoramas(600, 300)
    for row in delivery.stations:
        row["pano_file"] = f"panos/{row['station_id']}.jpg"
    validation = delivery.check()
    stop = next(finding for finding in validation.findings if finding.disposition is Disposition.STOP)
    assert (stop.where, stop.path, stop.table) == ("stations.csv rows 2-9", "panos/s-01.jpg", "stations.csv")
    assert "(stations.csv rows 2-9)" in stop.message
    assert not {"path", "table"} & set(validation_document(validation)["findings"][0])


def test_one_of_six_is_within_the_limit_even_if_its_id_is_there_twice(delivery: Delivery) -> None:
    delivery.checks["max_quarantine_fraction"] = 0.2
    delivery.stations[5] = {**delivery.stations[4], "x": "77"}
    assert delivery.check().verdict is Verdict.PARTIAL


def test_a_limit_in_stations_counts_too(delivery: Delivery) -> None:
    delivery.checks["max_quarantined_stations"] = 1
    delivery.stations[1]["z"] = delivery.stations[2]["time_taken"] = ""
    validation = delivery.check()
    assert validation.verdict is Verdict.REJECTED
    limit = "where the site allows 1 or 50 %, whichever is less"
    assert f"2 of 8 stations are held back, by 2 different faults, {limit}" in validation.headline
    assert "the first is in stations.csv row " in validation.headline


def test_rules_that_equally_many_stations_break_are_all_named_and_none_is_the_cause(delivery: Delivery) -> None:
    delivery.checks["max_quarantine_fraction"] = 0.2
    for row in delivery.stations[:3]:
        row["z"] = ""
    for row in delivery.stations[3:6]:
        row["time_taken"] = ""
    headline = delivery.check().headline
    assert "6 of 8 stations are held back, by 2 different faults, where the site allows 20 %." in headline
    assert 'As many of them each break P01, "' in headline
    assert ' and T01, "' in headline


def test_holding_back_every_station_stops_the_capture_whatever_the_limit(delivery: Delivery) -> None:
    delivery.checks["max_quarantine_fraction"] = 1.0
    for row in delivery.stations:
        row["z"] = ""
    validation = delivery.check()
    assert validation.verdict is Verdict.REJECTED
    assert "8 of 8 stations break one rule, where the site allows all but one:" in validation.headline


def test_rows_without_an_id_do_not_hide_what_stops_the_capture(delivery: Delivery) -> None:
    """The suite, which would name them, does not run then."""
    delivery.checks["max_quarantine_fraction"] = 0.2
    delivery.manifest["capture_id"] = "another"
    for row in delivery.stations[:4]:
        row["station_id"] = ""
    validation = delivery.check()
    assert validation.verdict is Verdict.REJECTED
    assert 'capture_id "another" differs' in validation.headline


@pytest.mark.parametrize(("strict", "verdict"), [(False, Verdict.ACCEPTED), (True, Verdict.REJECTED)])
def test_strict_makes_warnings_quarantine_and_quarantines_stop(
    delivery: Delivery, strict: bool, verdict: Verdict
) -> None:
    delivery.checks["strict"] = strict
    delivery.stations[2].update(x="8.01", y="4.0", z="1.5")
    assert delivery.check().verdict is verdict


def test_millimetres_are_one_sentence_whatever_else_they_break(delivery: Delivery) -> None:
    delivery.checks |= {"bounds": {"minimum": [0, 0, 0], "maximum": [100, 100, 10]}, "max_quarantine_fraction": 0.2}
    for row in delivery.stations:
        row.update({axis: str(1000 * float(row[axis])) for axis in "xyz"})
    validation = delivery.check()
    stops = [finding for finding in validation.findings if finding.disposition is Disposition.STOP]
    assert [finding.rule for finding in stops] == ["P03"]
    assert "Then set frame.unit: mm" in stops[0].message
    delivery.manifest["frame"]["unit"] = "mm"
    assert delivery.check().verdict is Verdict.ACCEPTED


def test_a_capture_survives_json(delivery: Delivery) -> None:
    validation = delivery.check()
    assert validation.capture is not None
    assert capture_from_document(capture_document(validation.capture)) == validation.capture
    document = validation_document(validation)
    assert (document["verdict"], document["stations"], len(document["accepted"])) == ("accepted", 8, 8)


def test_rows_are_told_as_ranges() -> None:
    assert ranges([2, 3, 4, 9]) == "2-4, 9"
    assert ranges([1, 3, 5, 7], 2) == "1, 3 and 2 more places"


def test_pictures_of_a_row_that_the_table_leaves_out_belong_to_it(delivery: Delivery) -> None:
    for row in delivery.stations:
        row["valid"] = "no" if row["station_id"] == "s-02" else "yes"
    (finding,) = [each for each in delivery.check().findings if each.rule == "F06"]
    assert finding.message == "stations.csv row 3 (s-02) is marked valid = no and is left out, as the table asks."


def test_a_face_of_an_unknown_name_is_not_told_as_missing_as_well(delivery: Delivery) -> None:
    paths = {
        (row["station_id"], face): f"images/{row['station_id']}/{face}.jpg"
        for row in delivery.stations
        for face in FACES
    }
    delivery.faces = [
        {"station_id": station, "face": face[:1] if station > "s-02" else face, "file": path}
        for (station, face), path in paths.items()
    ]
    told = delivery.check().findings
    assert {finding.rule for finding in told} == {"F02"}
    assert told[0].disposition is Disposition.STOP


def test_degrees_are_told_as_degrees_alone(delivery: Delivery) -> None:
    for number, row in enumerate(delivery.stations):
        row["x"], row["y"] = f"{10.7461 + number * 5e-5:.7f}", f"{59.9127 + number * 5e-5:.7f}"
    assert [finding.rule for finding in delivery.check().findings] == ["P03"]
