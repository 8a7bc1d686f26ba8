"""Mistakes in the site register are told with the file and the key, never with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.errors import ConfigError
from capture360.records import RESERVED
from capture360.settings.register import Register

SITE = "{space: s, landing: {url: x}}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("sites: {a: text}", "sites.a must hold settings by their names"),
        ("sites: {a: {1: 2}}", "sites.a must hold settings by their names"),
        (f"defaults: [x]\nsites: {{a: {SITE}}}", "defaults must hold settings by their names"),
        ("sites: [a]", "sites is missing"),
        ("[1]", "must hold keys and values"),
    ],
)
def test_a_mistake_is_told_with_its_key(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=f"sites.yaml.*{told}"):
        Register(str(path)).site("a")


def test_a_site_whose_id_is_a_number_is_found(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(f"sites: {{7: {SITE}}}")
    register = Register(str(path))
    assert [register.site(site).id for site in register.site_ids] == ["7"]


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
    with pytest.raises(ConfigError, match=r"cannot be read: .*Point CAPTURE360_CONFIG"):
        _ = Register(url or str(tmp_path)).site_ids


def register(folder: Path, **files: str) -> Register:
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    return Register(str(folder / "sites.yaml"), environment={"LAND": "/land", "EMPTY": ""})


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a": "spacee: x"}, "a.yaml: a.spacee: Extra inputs are not permitted."),
        ({"a": "landing: {quiet_period: soon}"}, "a.yaml: a.landing.quiet_period: "),
        ({"a": "id: other"}, 'a.yaml: a.id is not known here: the id of the site is "a". Remove it.'),
        ({"a": "landing: {url: $NONE/x}"}, "a.yaml: a.landing.url names $NONE, which is not set. Set it"),
        (
            {"sites": "defaults: {verify: x}\nsites: {a: {space: s, landing: {url: x}}}"},
            "sites.yaml: defaults.verify: ",
        ),
        ({"sites": "sites: {a: {space: s, id: b, landing: {url: x}}}"}, "sites.a.id is not known here"),
        ({"sites": "defaults: {id: b}\nsites: {a: {space: s, landing: {url: x}}}"}, "defaults.id is not known here"),
        (
            {"sites": "sites: {a: {landing: {url: x}}}", "a": "verify: all"},
            "sites.yaml: sites.a.space: Field required.",
        ),
        ({"sites": "sites: {a: {space: s, landing: {url: '${NONE}/x'}}}"}, "sites.a.landing.url names $NONE, which"),
        ({"sites": "sites: {a: {space: s, landing: {url: $EMPTY/x}}}"}, "sites.a.landing.url names $EMPTY, which"),
        (
            {"sites": "sites: {a: {space: s, landing: {url: x, ready_markers: [a, $NONE]}}}"},
            "ready_markers.1 names $NONE",
        ),
        (
            {"sites": "sites: {a: {space: s, landing: {url: x, ready_markers: [a/b]}}}"},
            'sites.a.landing.ready_markers: Value error, "a/b" is no file',
        ),
    ],
)
def test_a_mistake_is_reported_where_it_stands(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        register(tmp_path, **{"sites": f"sites: {{a: {SITE}}}", **files}).site("a")
    assert told in str(raised.value)


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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("records: /a\nrecords: /b\nsites: {}\n", 'line 2 is not valid YAML: "records" is there twice'),
        ("records: /a\nsites:\n  h: {space: a}\n  h: {space: b}\n", 'line 4 is not valid YAML: "h" is there twice'),
    ],
)
def test_a_key_that_is_there_twice_is_named(tmp_path: Path, content: str, told: str) -> None:
    """YAML takes the last one: the first site of the name would be gone without a word."""
    path = tmp_path / "sites.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=told):
        _ = Register(str(path), {}).site_ids


def test_a_key_that_replaces_a_merged_one_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    site = "&a {space: a, landing: {url: /a}}\n  yard: {<<: *a, space: b}"
    path.write_text(f"records: /a\nsites:\n  hall-7: {site}\n")
    assert Register(str(path), {}).site("yard").space == "b"
