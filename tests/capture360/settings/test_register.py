"""Mistakes in the site register are reported with the file and the key, never with a traceback."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from fsspec.implementations.local import LocalFileSystem
from typing_extensions import override

from capture360.errors import ConfigError, StoreUnavailableError
from capture360.records import RESERVED
from capture360.settings.register import Register
from capture360.settings.section import Section

SITE = "{space: s, landing: {url: x}}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("sites: {a: text}", "sites.a must hold settings by their names"),
        ("sites: {a: {1: 2}}", "sites.a must hold settings by their names"),
        (f"defaults: [x]\nsites: {{a: {SITE}}}", "defaults must hold settings by their names"),
        ("sites: [a]", "sites is missing"),
        ("[1]", "must hold keys and values"),
    ],
)
def test_a_mistake_is_reported_with_its_key(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=f"sites.yaml.*{sentence}"):
        Register(str(path)).site("a")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("{m: [rn]}", "rn is no single character"),
        ("{rn: [m]}", "rn is no single character"),
        ('{"": [m]}', "is no single character"),
        ("{ß: [B]}", "ß is no single character"),
        ('{"0": [O], Q: [o]}', "o is there twice"),
    ],
)
def test_substitutions_that_no_text_can_be_folded_by_are_refused(tmp_path: Path, given: str, sentence: str) -> None:
    path = tmp_path / "sites.yaml"
    site = f"{{space: s, landing: {{url: x}}, links: {{matching: {{substitutions: {given}}}}}}}"
    path.write_text(f"sites: {{a: {site}}}", encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence):
        Register(str(path)).site("a")


def test_a_site_whose_id_is_a_number_is_found(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(f"sites: {{7: {SITE}}}")
    register = Register(str(path))
    assert [register.site(site).id for site in register.site_ids] == ["7"]


@pytest.mark.parametrize("site", ["012", "1_0", "12:30", "no", "1e3", "0x10", "2026-01-02", "~"])
def test_an_id_is_read_as_it_is_written(tmp_path: Path, site: str) -> None:
    """YAML reads 012 and 10 as one number, and the first of two such sites would be lost without a message."""
    path = tmp_path / "sites.yaml"
    path.write_text(f"sites: {{{site}: {SITE}, 10: {SITE}}}")
    assert Register(str(path)).site_ids == (site, "10")


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EACCES])
def test_a_site_s_own_file_is_missing_only_if_the_store_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    read = register(tmp_path, sites=f"sites: {{a: {SITE}}}", a="checks: {privacy: blurred}")
    assert read.site("a").checks.privacy == "blurred"

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise OSError(code, os.strerror(code))

    read = Register(read.url)
    assert read.site_ids == ("a",)
    for name in ("info", "_open"):
        monkeypatch.setattr(LocalFileSystem, name, refuse)
    with pytest.raises((StoreUnavailableError, ConfigError), match=r"a\.yaml cannot be read"):
        read.site("a")


class Web(BaseHTTPRequestHandler):
    """A register that a web server keeps, whose answer for the site's own file each test chooses."""

    own = 200
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        content = f"sites: {{a: {SITE}}}" if "/sites.yaml" in self.path else "checks: {privacy: blurred}"
        self.send_response(self.own if "/a.yaml" in self.path else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    @override
    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Web.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Web) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/config/sites.yaml?signature=s%2Bs"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "privacy"), [(200, "blurred"), (404, "any")])
def test_a_site_s_own_file_on_a_web_server(
    web: str, monkeypatch: pytest.MonkeyPatch, status: int, privacy: str
) -> None:
    monkeypatch.setattr(Web, "own", status)
    assert Register(web, {}).site("a").checks.privacy == privacy
    assert Web.asked == ["/config/sites.yaml?signature=s%2Bs", "/config/a.yaml?signature=s%2Bs"]


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_web_server_that_does_not_answer_is_not_taken_for_a_missing_file(
    web: str, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(Web, "own", status)
    with pytest.raises(StoreUnavailableError, match=rf"/config/a\.yaml.* cannot be read \(.*{status}") as raised:
        Register(web, {}).site("a")
    assert "s%2Bs" not in str(raised.value)


@pytest.mark.parametrize("site", [*sorted(RESERVED), "By-Date"])
def test_a_site_may_not_have_the_name_of_a_folder_of_the_records(tmp_path: Path, site: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(f"sites: {{{site}: {SITE}}}")
    with pytest.raises(ConfigError, match=f'sites.{site}.id: .*"{site}" is the name of a folder of the records'):
        Register(str(path)).site(site)


def test_a_register_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"sites.yaml is not text in UTF-8 \(byte 0\)"):
        _ = Register(str(path)).site_ids


@pytest.mark.parametrize("url", ["", "foo://bucket/sites.yaml"])
def test_a_register_that_cannot_be_opened_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(.*Point CAPTURE360_CONFIG"):
        _ = Register(url or str(tmp_path)).site_ids


def register(folder: Path, **files: str) -> Register:
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    return Register(str(folder / "sites.yaml"), environment={"LAND": "/land", "EMPTY": ""})


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a": "spacee: x"}, 'a.yaml: a: "spacee" is no setting of a site. Did you mean space?'),
        (
            {"a": "landing: {quiet_period: soon}"},
            'a.yaml: a.landing.quiet_period "soon" is no duration. Write one such as PT10M',
        ),
        ({"a": "id: other"}, 'a.yaml: a.id is not known here: the id of the site is "a". Remove it.'),
        ({"a": "landing: {url: $NONE/x}"}, "a.yaml: a.landing.url names $NONE, which is not set. Set it"),
        (
            {"sites": "defaults: {verify: x}\nsites: {a: {space: s, landing: {url: x}}}"},
            'sites.yaml: defaults.verify "x" is not known. Use off, sample or all.',
        ),
        ({"sites": "sites: {a: {space: s, id: b, landing: {url: x}}}"}, "sites.a.id is not known here"),
        ({"sites": "defaults: {id: b}\nsites: {a: {space: s, landing: {url: x}}}"}, "defaults.id is not known here"),
        (
            {"sites": "sites: {a: {landing: {url: x}}}", "a": "verify: all"},
            "sites.yaml: sites.a.space is missing. Add it.",
        ),
        ({"sites": "sites: {a: {space: s, landing: {url: '${NONE}/x'}}}"}, "sites.a.landing.url names $NONE, which"),
        ({"sites": "sites: {a: {space: s, landing: {url: $EMPTY/x}}}"}, "sites.a.landing.url names $EMPTY, which"),
        (
            {"sites": "sites: {a: {space: s, landing: {url: x, ready_markers: [a, $NONE]}}}"},
            "ready_markers.1 names $NONE",
        ),
        (
            {"sites": "sites: {a: {space: s, landing: {url: x, ready_markers: [a/b]}}}"},
            'sites.a.landing.ready_markers: "a/b" is no file',
        ),
    ],
)
def test_a_mistake_is_reported_where_it_stands(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        register(tmp_path, **{"sites": f"sites: {{a: {SITE}}}", **files}).site("a")
    assert sentence in str(raised.value)


@pytest.mark.parametrize("records", ["$NONE/records", "${NONE}", "x/$EMPTY"])
def test_records_never_lie_in_a_folder_called_like_a_variable(tmp_path: Path, records: str) -> None:
    with pytest.raises(ConfigError, match=r"sites\.yaml: records names \$(NONE|EMPTY), which is not set\. Set it"):
        _ = register(tmp_path, sites=f"records: {records}\nsites: {{a: {SITE}}}").records_url


def test_variables_that_are_set_are_filled_in(tmp_path: Path) -> None:
    content = "records: $LAND/records\nsites: {a: {space: s, name: 'cost $$5 or $5', landing: {url: '${LAND}/a'}}}"
    read = register(tmp_path, sites=content)
    assert (read.records_url, read.site("a").landing.url, read.site("a").name) == (
        "/land/records",
        "/land/a",
        "cost $5 or $5",
    )


def test_a_site_may_be_called_like_the_file_of_the_register(tmp_path: Path) -> None:
    assert register(tmp_path, sites=f"records: r\nsites: {{sites: {SITE}}}").site("sites").id == "sites"


NOT_FINITE = "is no finite number. Write a number."


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("camera_height: .inf", f'sites.a.camera_height "inf" {NOT_FINITE}'),
        ("camera_height: .nan", f'sites.a.camera_height "nan" {NOT_FINITE}'),
        ("camera_height: 0", 'sites.a.camera_height "0" is not more than 0.'),
        ("camera_height: 1.0e+300", 'sites.a.camera_height "1e+300" is not at most 1000000000.'),
        ("camera_height: high", 'sites.a.camera_height "high" is no number.'),
        ("scene: {external_id: x, translation: [0, .inf, 0]}", f'sites.a.scene.translation.1 "inf" {NOT_FINITE}'),
        ("scene: {external_id: x, scale: [1, 1]}", "sites.a.scene.scale.2 is missing. Add it."),
        (
            "checks: {bounds: {minimum: [.nan, 0, 0], maximum: [1, 1, 1]}}",
            f'sites.a.checks.bounds.minimum.0 "nan" {NOT_FINITE}',
        ),
        (
            "checks: {bounds: {minimum: [0, 9, 0], maximum: [1, 1, 1]}}",
            "sites.a.checks.bounds: minimum (0, 9, 0) is larger than maximum (1, 1, 1). Correct one of them.",
        ),
        (
            "checks: {min_file_bytes: 9, max_file_bytes: 8}",
            "sites.a.checks: min_file_bytes 9 is larger than max_file_bytes 8.",
        ),
        ("checks: {quaternion_repairable: 0}", "sites.a.checks: quaternion_tolerance 0.001 is larger than"),
        ("checks: {max_face_resolution: 256}", "sites.a.checks: min_face_resolution 512 is larger than"),
        (
            "links: {matching: {consensus: {max_depth_m: 0.1}}}",
            "sites.a.links.matching.consensus: min_depth_m 0.3 is larger",
        ),
        ("time_zone: EST", 'sites.a.time_zone: "EST" is an abbreviation, which some use with summer time'),
        ("time_zone: Oslo", 'sites.a.time_zone: "Oslo" is no IANA time zone; name one such as Europe/Oslo.'),
        ("checks: {max_megapixels: -1}", 'sites.a.checks.max_megapixels "-1" is not more than 0.'),
        ("checks: {max_file_bytes: 0}", 'sites.a.checks.max_file_bytes "0" is not at least 1.'),
        ("checks: {min_file_bytes: 0x" + "f" * 9999 + "}", 'sites.a.checks.min_file_bytes "0xfff'),
        ("checks: {max_span: .inf}", 'sites.a.checks.max_span "inf" is no duration. Write one such as PT10M'),
        ("links: {ocr: {detector_side: 1.5}}", 'sites.a.links.ocr.detector_side "1.5" is no whole number.'),
        ("links: {detektor: ocr}", 'sites.a: "detektor" is no setting of links. Did you mean detector?'),
        ("links: {ocr: {zzz: 1}}", 'sites.a: "zzz" is no setting of links.ocr. Remove it.'),
        ("links: {detector: orc}", 'sites.a.links.detector "orc" is not known. Use ocr, vision or cdf_3d_job.'),
        (
            "links: {match_on: [name, alias]}",
            'sites.a.links.match_on.1: "alias" is nothing that an asset\'s tag is taken from; write aliases.',
        ),
        (
            "links: {match_on: [externalid]}",
            'sites.a.links.match_on.0: "externalid" is nothing that an asset\'s tag is taken from; write externalId.',
        ),
        (
            "links: {match_on: [metadata.]}",
            'sites.a.links.match_on.0: "metadata." is nothing that an asset\'s tag is taken from; write one of name, '
            "externalId, aliases and metadata.<key>.",
        ),
        ("e57: {space: a b}", 'sites.a.e57.space: "a b" cannot be a space; use letters'),
        ("scene: {external_id: x, space: 1x}", 'sites.a.scene.space: "1x" cannot be a space; use letters'),
        ("data_modeling: {files_space: ä}", 'sites.a.data_modeling.files_space: "ä" cannot be a space; use letters'),
        ("links: {asset_spaces: [a/b]}", 'sites.a.links.asset_spaces.0: "a/b" cannot be a space; use letters'),
        ("links: 5", 'sites.a.links "5" is no group of keys.'),
        ("e57: {indexing_options: {x: .inf}}", 'sites.a.e57.indexing_options.x "inf" is no text.'),
        ("e57: {indexing_options: {x: [1]}}", "sites.a.e57.indexing_options.x (a list) is no text."),
        ("retrigger_after: -PT1H", 'sites.a.retrigger_after "-PT1H" is not at least 0 seconds.'),
        ("watch: {begun_within: P20Y}", 'sites.a.watch.begun_within "P20Y" is not at most 3650 days.'),
        ("files: {face_size: 1023}", 'sites.a.files.face_size "1023" is not a multiple of 2. Correct it.'),
        ("files: {face_size: 8}", 'sites.a.files.face_size "8" is not at least 16.'),
        ("files: {face_size: 60000}", 'sites.a.files.face_size "60000" is not at most 8192.'),
        ("files: {directory: a/b}", 'sites.a.files.directory "a/b" does not match ^/.'),
        ("retract_approvals: 3", 'sites.a.retract_approvals "3" is not known. Use 1 or 2.'),
        ("name: 7", 'sites.a.name "7" is no text. Write it in quotes.'),
        (r'"\u202elinks": 5', r'sites.a: "\u202elinks" is no setting of a site. Did you mean links?'),
        (r'verify: "\u200fall\a"', r'sites.a.verify "\u200fall\x07" is not known.'),
        (r'"\u202e": "$NONE"', r"sites.a.\u202e names $NONE, which is not set."),
    ],
)
def test_a_setting_that_cannot_be_is_reported_with_what_is_allowed(
    tmp_path: Path, settings: str, sentence: str
) -> None:
    content = f"sites: {{a: {{space: s, landing: {{url: x}}, {settings}}}}}"
    with pytest.raises(ConfigError) as raised:
        register(tmp_path, sites=content).site("a")
    assert f"sites.yaml: {sentence}" in str(raised.value)


def test_a_deadline_of_all_sites_that_cannot_be_is_told(tmp_path: Path) -> None:
    content = f"defaults: {{watch: {{sensd_within: P1D}}}}\nsites: {{a: {SITE}}}"
    with pytest.raises(
        ConfigError, match=r'defaults: "sensd_within" is no setting of watch\. Did you mean sensed_within'
    ):
        _ = register(tmp_path, sites=content).watch


def test_deadlines_of_all_sites_are_filled_in_from_the_environment(tmp_path: Path) -> None:
    content = f"defaults: {{watch: {{sensed_within: $SENSED}}}}\nsites: {{a: {SITE}}}"
    (tmp_path / "sites.yaml").write_text(content)
    url = str(tmp_path / "sites.yaml")
    assert Register(url, {"SENSED": "PT1H"}).watch.sensed_within == timedelta(hours=1)
    with pytest.raises(ConfigError, match=r"defaults\.watch\.sensed_within names \$SENSED, which is not set"):
        _ = Register(url, {}).watch


def test_a_scene_by_its_external_id_alone_keeps_where_the_defaults_place_it(tmp_path: Path) -> None:
    defaults = "{scene: {external_id: x, space: scenes, translation: [1, 2, 3]}}"
    sites = "{a: {space: s, landing: {url: x}, scene: hall-scene}, b: {space: s, landing: {url: x}, scene: 5}}"
    (tmp_path / "sites.yaml").write_text(f"defaults: {defaults}\nsites: {sites}")
    read = Register(str(tmp_path / "sites.yaml"), {})
    scene = read.site("a").scene
    assert scene is not None
    assert (scene.external_id, scene.space, scene.translation) == ("hall-scene", "scenes", (1, 2, 3))
    with pytest.raises(ConfigError, match=r'sites\.b\.scene "5" is no group of keys'):
        read.site("b")


@pytest.mark.parametrize("site", ["a\u202eb", "a\u200f", "a\x85b"])
def test_marks_in_the_id_of_a_site_are_escaped(tmp_path: Path, site: str) -> None:
    read = register(tmp_path, sites=f"sites: {{{json.dumps(site)}: {SITE}}}")
    for asked in (site, f"{site}c"):
        with pytest.raises(ConfigError) as raised:
            read.site(asked)
        assert str(raised.value).isprintable()


def _numbers(schema: Any) -> Iterator[dict[str, Any]]:
    """Every number in a JSON schema."""
    if isinstance(schema, dict) and schema.get("type") in ("number", "integer") and "enum" not in schema:
        yield schema
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _numbers(each)


@pytest.mark.parametrize("section", Section.__subclasses__())
def test_numbers_and_durations_of_the_settings_have_two_bounds(section: type[Section]) -> None:
    for number in _numbers(section.model_json_schema()):
        assert {"minimum", "exclusiveMinimum"} & set(number) and "maximum" in number
    durations = [field for field in section.model_fields.values() if field.annotation is timedelta]
    assert all(len(field.metadata) == 2 for field in durations)


def test_a_register_that_is_kept_reads_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(f"records: /r\nsites: {{a: {SITE}}}\n")
    (tmp_path / "a.yaml").write_text("name: Hall A\nreaders: {roles: [OP]}\n")
    register = Register(str(tmp_path / "sites.yaml"))
    first = register.site("a")
    for name in ("sites", "a"):
        (tmp_path / f"{name}.yaml").unlink()
    assert register.site("a") is first
    assert register.readers("a") == first.readers


def test_a_register_far_too_large(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_bytes(b"#" * 11_000_000)
    with pytest.raises(ConfigError, match=r"sites.yaml is larger than 10,000,000 bytes"):
        Register(str(path)).site_ids  # noqa: B018 - reading is what fails


@pytest.mark.parametrize("key", ["records", "landing"])
def test_a_password_in_an_address_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    urls = {"records": str(tmp_path), "landing": str(tmp_path), key: "sftp://me:hush@host/zone"}
    path = tmp_path / "sites.yaml"
    path.write_text(
        f"records: {urls['records']}\nsites:\n  hall-7: {{landing: {{url: '{urls['landing']}'}}, space: captures}}\n"
    )
    register = Register(str(path))
    with pytest.raises(ConfigError, match=r"holds a password.*FSSPEC_SFTP_PASSWORD") as caught:
        register.site("hall-7")
        register.records_url  # noqa: B018 - reading is what fails
    assert "hush" not in str(caught.value)
