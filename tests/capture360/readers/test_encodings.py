"""A table that is not UTF-8: its letters are certain, or the surveyor sees the readings that are possible."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from capture360.readers import Tables, detected_encoding, read_tables
from capture360.rules.finding import Disposition, Finding
from delivery import Delivery, table


def read(delivery: Delivery, encoding: str, column: str, text: str) -> tuple[Tables, Finding]:
    delivery.stations[1][column] = text
    for row in delivery.stations:
        row.setdefault(column, "A")
    delivery.files["stations.csv"] = table(delivery.stations).encode(encoding)
    found = read_tables(delivery.write())
    (finding,) = found.findings
    return found, finding


@pytest.mark.parametrize(
    "name",
    [
        "Größe 3 µm",
        "Förderband – Süd",
        "Pumpe „Öl“",
        "L’été à Liège",
        "Señor Muñoz",
        "Tromsø",
        "Åre",
        "ÖL",
        "90°",
        "São",
        "Tank 50 m³",
        "Kühlwasser 200 m³/h",
        "Luft 300Nm³/h (0 °C)",
        "TANK 20 M³",
        "50 m³–100 m³",
        "3 cm³, 4 ft³",
        "20 W/m²K",
        "Filter 50 µm",
        "µ-Filter",
        "5 µS/cm, 3 µSv/h",
        "Ø 50 µm",
        "½ Etage",
        "1½Zoll",
        "Ventil ¾ Zoll",
        'G¾" und R¼',
        "2×Filter",
        "DN50×PN16",
        "5 m × 3 m",
        "L×B×H",
        "20 °C ± 5",
        "§ 5 – “A” … €",
        "• Pumpe",
        "A ¦ B ¬ C",
        "Viton™ Loctite® ©",
        "N° 5",
        "nº 5",
        "nºs 1 e 2",
        "1ª planta",
        "A · B",
        "¿Dónde está?",
        "d´eau",
        "Škoda 50 m³",
    ],
)
def test_names_of_western_europe_are_taken_and_shown(delivery: Delivery, name: str) -> None:
    found, finding = read(delivery, "cp1252", "station_name", name)
    assert found.stations["station_name"].iat[1] == name
    assert finding.disposition is Disposition.NOTE
    assert f'station_name of row 3 is "{name}"' in finding.message


def test_another_reading_of_a_name_is_shown_beside_it(delivery: Delivery) -> None:
    _, finding = read(delivery, "cp1252", "station_name", "Tromsø")
    assert 'is "Tromsø" as Windows-1252 and "Tromsř" as Windows-1250' in finding.message


@pytest.mark.parametrize(
    ("encoding", "name", "said"),
    [
        ("cp1250", "Łódź", 'is "£ódŸ" as Windows-1252 and "Łódź" as Windows-1250'),
        ("cp1250", "Stół", 'is "Stó³" as Windows-1252 and "Stół" as Windows-1250'),
        ("cp1250", "Wał 5", '"Wał 5" as Windows-1250'),
        ("cp1250", "Sąd", '"Sąd" as Windows-1250'),
        ("cp1250", "Pół", '"Pół" as Windows-1250'),
        ("cp1250", "Młyn 50 m", '"Młyn 50 m" as Windows-1250'),
        ("cp1250", "wł. 3", '"wł. 3" as Windows-1250'),
        ("cp1250", "ľava", '"ľava" as Windows-1250'),
        ("cp1250", "żuraw", '"żuraw" as Windows-1250'),
        ("cp1250", "Maşina", '"Maşina" as Windows-1250'),
        ("cp850", "Área", '"Área" as DOS 850'),
        ("cp850", "MAÎTRE", '"MAÎTRE" as DOS 850'),
        ("mac_roman", "Straße", '"Straße" as Mac Roman'),
        ("cp1251", "Насос", '"Насос" as Windows-1251'),
        ("cp1251", "Насос первый", '"Насос первый" as Windows-1251'),
        ("koi8_r", "Насос второй", '"Насос второй" as KOI8-R'),
        ("mac_roman", "Brüssel", '"Brüssel" as Mac Roman'),
        ("cp850", "Förderband", '"Förderband" as DOS 850'),
        ("shift_jis", "ポンプ", '"ポンプ" as Shift JIS'),
        ("gbk", "泵站", '"泵站" as GBK'),
        ("gbk", "泵房s-01", '"泵房s-01" as GBK'),
        ("euc_kr", "B동", '"B동" as EUC-KR'),
    ],
)
def test_letters_that_are_not_certain_stop_with_both_readings(
    delivery: Delivery, encoding: str, name: str, said: str
) -> None:
    found, finding = read(delivery, encoding, "station_name", name)
    assert found.stations.empty
    assert finding.disposition is Disposition.STOP
    assert said in finding.message
    assert finding.message.endswith("Save it as UTF-8.")


@pytest.mark.parametrize(
    ("encoding", "level", "said"),
    [
        ("gbk", "1楼", 'level of row 3 is "1¥" as UTF-8, "1楼" as GBK'),
        ("gbk", "A站", '"A站" as GBK'),
        ("gbk", "2平台", '"2平台" as GBK'),
        ("gbk", "炉2", '"炉2" as GBK'),
    ],
)
def test_letters_that_are_utf_8_by_chance_stop(delivery: Delivery, encoding: str, level: str, said: str) -> None:
    level.encode(encoding).decode("utf-8")
    found, finding = read(delivery, encoding, "level", level)
    assert found.stations.empty
    assert said in finding.message


@pytest.mark.parametrize("level", ["1楼", "Süd", "façade", "Ebene ½", "5 £", "Ђ1", "µm", "20 °C", "1¥ Süd"])
def test_letters_that_are_utf_8_are_read(delivery: Delivery, level: str) -> None:
    delivery.stations[0]["level"] = level
    delivery.files["stations.csv"] = table(delivery.stations).encode()
    found = read_tables(delivery.write())
    assert found.findings == ()
    assert found.stations["level"].iat[0] == level


def test_a_mark_of_utf_8_leaves_no_doubt(delivery: Delivery) -> None:
    delivery.stations[0]["level"] = "1¥"
    delivery.files["stations.csv"] = table(delivery.stations).encode("utf-8-sig")
    assert read_tables(delivery.write()).findings == ()


def test_an_encoding_with_the_same_letters_leaves_no_doubt(delivery: Delivery) -> None:
    found, finding = read(delivery, "cp1250", "station_name", "Škoda")
    assert finding.disposition is Disposition.NOTE
    assert found.stations["station_name"].iat[1] == "Škoda"


def test_two_encodings_may_both_give_words(delivery: Delivery) -> None:
    _, finding = read(delivery, "mac_roman", "station_name", "Förderband")
    assert finding.disposition is Disposition.NOTE
    assert 'is "Fšrderband" as Windows-1252, "Förderband" as Mac Roman and' in finding.message


def test_letters_of_an_id_must_be_certain(delivery: Delivery) -> None:
    _, finding = read(delivery, "cp1252", "collection_id", "Tromsø")
    assert finding.disposition is Disposition.STOP
    assert 'collection_id of row 3 is "Tromsø" as Windows-1252 and "Tromsř" as Windows-1250' in finding.message


def test_letters_of_an_id_that_every_reading_has_are_taken(delivery: Delivery) -> None:
    found, finding = read(delivery, "cp1252", "collection_id", "Halle Süd")
    assert finding.disposition is Disposition.NOTE
    assert found.stations["collection_id"].iat[1] == "Halle Süd"


@pytest.mark.parametrize(
    "name",
    [
        "¾ Etage, 50 m³",
        "50 m³ Süd",
        "Straße 2×3 µm",
        "Bâtiment n°3",
        "Bâtiment n°A",
        "n°s 1 et 2",
        "Station d´eau",
        "GROßRAUM",
        "STRAßE",
    ],
)
def test_signs_of_an_id_leave_no_doubt(delivery: Delivery, name: str) -> None:
    found, finding = read(delivery, "cp1252", "collection_id", name)
    assert finding.disposition is Disposition.NOTE
    assert found.stations["collection_id"].iat[1] == name
    assert f'is "{name}".' in finding.message


def test_signs_beside_names_that_are_not_certain(delivery: Delivery) -> None:
    delivery.stations[0]["station_name"] = "mł. inspektor"
    _, finding = read(delivery, "cp1250", "station_name", "Łódź")
    assert finding.disposition is Disposition.STOP


def test_an_umlaut_of_a_station_id_holds_back_that_station_alone(delivery: Delivery) -> None:
    found, finding = read(delivery, "cp1252", "station_id", "sø-2")
    assert finding.disposition is Disposition.NOTE
    assert len(found.stations) == 8


@pytest.mark.parametrize("header", ["remark", "Übersicht"])
def test_a_column_that_is_not_read_raises_no_doubt(delivery: Delivery, header: str) -> None:
    found, finding = read(delivery, "cp1252", header, "£ódŸ")
    assert finding.disposition is Disposition.NOTE
    assert len(found.stations) == 8
    assert "none of the columns that are read holds letters with accents" in finding.message


def test_a_column_that_the_manifest_names_is_read(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"station_name": "Größe"}
    for row in delivery.stations:
        row.pop("station_name", None)
    _, finding = read(delivery, "cp1250", "Größe", "Łódź")
    assert finding.disposition is Disposition.STOP


def test_a_header_that_is_not_as_the_manifest_has_it_is_shown_in_both_readings(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"station_name": "Wąż"}
    for row in delivery.stations:
        row["Wąż"] = "A"
    delivery.files["stations.csv"] = table(delivery.stations).encode("cp1250")
    messages = [finding.message for finding in read_tables(delivery.write()).findings]
    assert any('the header is "W¹¿" as Windows-1252 and "Wąż" as Windows-1250' in message for message in messages)


def test_a_byte_of_no_encoding_is_named(delivery: Delivery) -> None:
    _, finding = read(delivery, "cp1250", "station_name", "Žďár nad Sázavou ťuk")
    assert "neither UTF-8 nor Windows-1252 (byte 0x9d in line 3). Save it as UTF-8." in finding.message


@pytest.mark.parametrize(
    ("encoding", "damage", "said"),
    [
        (
            "utf-8-sig",
            lambda text: text.replace(b"Station 2", b"S\xfcd 2"),
            "it is UTF-8, and byte 0xfc in line 3 is not.",
        ),
        ("utf-16", lambda text: text[:-1], "it breaks off in line 9. Copy it again."),
        ("utf-16", lambda text: text.replace(b"S\0", b"\0\xdc"), "it is UTF-16, and byte 0x00 in line 2 is not."),
        ("utf-32", lambda text: text[:400] + text[402:], "it is UTF-32, and byte 0x"),
        ("utf-16-be", lambda text: text[:-1], "it breaks off in line 9. Copy it again."),
    ],
)
def test_a_byte_that_is_not_of_the_stated_encoding_is_named(
    delivery: Delivery, encoding: str, damage: Callable[[bytes], bytes], said: str
) -> None:
    delivery.files["stations.csv"] = damage(table(delivery.stations).encode(encoding))
    (finding,) = read_tables(delivery.write()).findings
    assert f"stations.csv cannot be read as a text table: {said}" in finding.message


@pytest.mark.parametrize("name", ["Gebäude", "Straße", "Général", "Anlæg", "Niño", "Łódź", "20 °C", "Насос", "泵"])
def test_one_bad_byte_of_a_table_in_utf_8_stops_it_by_its_line(delivery: Delivery, name: str) -> None:
    """As Windows-1252 all other names would be changed, ids among them."""
    delivery.stations[1]["collection_id"] = name
    content = table(delivery.stations).encode()
    delivery.files["stations.csv"] = content.replace(b"Station 5", b"20\xb0")
    found = read_tables(delivery.write())
    assert found.stations.empty
    (finding,) = found.findings
    assert finding.disposition is Disposition.STOP
    said = "it is UTF-8 (as in line 3), and byte 0xb0 in line 6 is not. Correct line 6, and save it as UTF-8."
    assert finding.message == f"stations.csv cannot be read as a text table: {said}"


def test_a_table_in_utf_8_that_breaks_off_within_a_character_is_copied_again(delivery: Delivery) -> None:
    for row in delivery.stations:
        row["note"] = "Gebäude-ä"
    delivery.files["stations.csv"] = table(delivery.stations).encode().rstrip()[:-1]
    (finding,) = read_tables(delivery.write()).findings
    assert finding.message.endswith("it breaks off in line 9. Copy it again.")


@pytest.mark.parametrize("name", ["„Fuß“", "CAFÉ”", "TRÜB…"])
def test_a_capital_letter_with_a_sign_behind_it_is_no_utf_8(delivery: Delivery, name: str) -> None:
    delivery.stations[0]["station_name"] = "Süd"
    found, finding = read(delivery, "cp1252", "station_name", name)
    assert finding.disposition is Disposition.NOTE
    assert found.stations["station_name"].iat[1] == name


def test_letters_of_an_id_that_are_words_in_no_encoding_stop(delivery: Delivery) -> None:
    delivery.stations[1]["collection_id"] = "Geb_"
    delivery.files["stations.csv"] = table(delivery.stations).encode().replace(b"Geb_", b"Geb\xc3\xa4\xb0ude")
    (finding,) = read_tables(delivery.write()).findings
    assert finding.disposition is Disposition.STOP
    assert 'collection_id of row 3 is "GebÃ¤°ude". Save it as UTF-8.' in finding.message


@pytest.mark.parametrize("name", ['Valve "A", upper', 'Valve "A"', 'Valve\n"A", upper'])
def test_quotes_that_backslashes_make_part_of_a_text_are_refused(delivery: Delivery, name: str) -> None:
    """Spark writes them so; read on, the name would be another one, or the row shifted."""
    written = table(delivery.stations).replace("Station 3", '"' + name.replace('"', '\\"') + '"')
    delivery.files["stations.csv"] = written.encode()
    (finding,) = read_tables(delivery.write()).findings
    line = 4 + name.count("\n")
    assert (
        f'quotes inside the texts are written \\", as in line {line}. Export it with doubled quotes' in finding.message
    )


@pytest.mark.parametrize(
    ("name", "read_as"),
    [('"C:\\scans\\"', "C:\\scans\\"), ('"Valve ""A"" \\""B"""', 'Valve "A" \\"B"'), ('Valve\\"', 'Valve\\"')],
)
def test_backslashes_that_stand_for_themselves_are_read(delivery: Delivery, name: str, read_as: str) -> None:
    delivery.files["stations.csv"] = table(delivery.stations).replace("Station 3", name).encode()
    found = read_tables(delivery.write())
    assert not found.findings
    assert found.stations["station_name"].iat[2] == read_as


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (-20, None, "stations.csv cannot be read as a text table: bytes of row 9 are zero"),
        (200, 260, "bytes of row 3 are zero, as after a transfer that broke. Copy it again."),
    ],
    ids=["tail", "hole"],
)
def test_a_copy_that_broke_off_is_named_by_its_zero_bytes(
    delivery: Delivery, start: int, end: int | None, said: str
) -> None:
    content = bytearray(table(delivery.stations).encode())
    content[start:end] = bytes(len(content[start:end]))
    delivery.files["stations.csv"] = bytes(content)
    (finding,) = read_tables(delivery.write()).findings
    assert said in finding.message


@pytest.mark.parametrize("padding", [40, 4000])
def test_zero_bytes_behind_the_rows_are_named(delivery: Delivery, padding: int) -> None:
    delivery.files["stations.csv"] = table(delivery.stations).encode() + bytes(padding)
    (finding,) = read_tables(delivery.write()).findings
    assert "are zero, as after a transfer that broke. Copy it again." in finding.message


def test_a_manifest_of_zero_bytes_is_copied_again(delivery: Delivery) -> None:
    content = (delivery.write().read("capture.yaml"))[:-15] + bytes(15)
    delivery.manifest = {}
    delivery.files["capture.yaml"] = content
    (finding,) = read_tables(delivery.write()).findings
    assert finding.message == "capture.yaml: bytes of it are zero, as after a transfer that broke. Copy it again."


@pytest.mark.parametrize(
    ("encoding", "name", "other"),
    [("cp1252", "fermée\xa0»", "Höhe"), ("cp1252", "„BLÅ”", "Höhe"), ("gbk", "3楼", "泵房"), ("gbk", "一楼", "泵房")],
)
def test_bytes_that_happen_to_be_utf_8_do_not_make_a_table_utf_8(
    delivery: Delivery, encoding: str, name: str, other: str
) -> None:
    for at, row in enumerate(delivery.stations):
        row["note"] = name if at == 1 else other
    delivery.files["stations.csv"] = table(delivery.stations).encode(encoding)
    found = read_tables(delivery.write())
    assert [(each.rule, each.disposition) for each in found.findings] == [("S03", Disposition.NOTE)]


@pytest.mark.parametrize(
    "row", [b"s-1,Kessel S\xfcd,1.0\r", b"\xe9 "], ids=["line ends of a Macintosh", "one long line"]
)
def test_looking_for_utf_8_takes_work_by_the_size_of_a_table(monkeypatch: pytest.MonkeyPatch, row: bytes) -> None:
    ends, looked_at = detected_encoding.line_ends, 0

    def counted(text: str) -> int:
        nonlocal looked_at
        looked_at += len(text)
        return ends(text)

    monkeypatch.setattr(detected_encoding, "line_ends", counted)
    work = []
    for rows in (1000, 2000):
        looked_at = 0
        assert detected_encoding.encoding_of(io.BytesIO(rows * row), "stations.csv") == "cp1252"
        work.append(looked_at / rows)
    assert work[1] <= 1.1 * work[0]
