"""A landing zone that anything may be dropped into: one capture is announced, whatever lies beside it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture360.model import CAPTURE_LENGTH, CaptureKey
from capture360.records import Records
from capture360.settings.register import CONFIG_VARIABLE, Register
from capture360.steps import lease
from capture360.steps import sense as sensing
from capture360.steps.landing_changes import LandingChanges
from capture360.steps.last_sensing import last_sensing
from capture360.steps.sense import Sensed, remember, sense
from capture360.steps.sense_findings import sentences
from capture360.text import is_text

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
GOOD = CaptureKey("hall-7", "may")
NAMES = [
    b"\xff\xfe", b"B\xfcro", b"new\nline", b"carriage\rreturn", b"tab\there", b"\x1b[31mred", b"\x7f", b"\x01",
    "\u202egpj.x".encode(), "\u2028".encode(), "\u200b".encode(), "\u00e9t\u00e9".encode(),
    "e\u0301te\u0301".encode(), "\U0001f4f7".encode(), b"-rf", b"--help", b"..a", b"...", b".. ", b" ", b"may ",
    b" may", b"may.", b"~may", b"$(id)", b"`id`", b"a;b", b"a|b", b"a&b", b"a'b", b'a"b', b"a\\b", b"a:b", b"a*b",
    b"a?b", b"<script>alert(1)</script>", b"[x](http://evil)", b"<!channel>", b"=1+1", b"@SUM(A1)", b"{{7*7}}", b"%s%n",
    b"%2e%2e", b"con", b"x" * 255, ("\u00e4" * 127).encode(), b"x" * CAPTURE_LENGTH, b"x" * (CAPTURE_LENGTH + 1),
    b"May", b"MAY", b"may~1~x", b"notes", b"leases", b"by-date",
]  # fmt: skip


class Site:
    """A site, its landing zone and the sensings of it."""

    def __init__(self, root: Path) -> None:
        self.landing = root / "landing"
        self.landing.mkdir()
        self.records = Records(str(root / "records"))
        self.register = root / "sites.yaml"
        self.register.write_text(
            f"records: {root}/records\nsites:\n  hall-7:\n    landing: {{url: {self.landing}}}\n    space: captures\n"
        )
        self.drop(os.fsencode(GOOD.capture))

    def drop(self, name: bytes) -> bytes:
        folder = os.path.join(os.fsencode(self.landing), name)
        os.makedirs(folder, exist_ok=True)
        for file in (b"stations.csv", b"_READY"):
            Path(os.fsdecode(os.path.join(folder, file))).touch()
        return folder

    def sense(self, hours: float = 0, run: str | None = None) -> Sensed:
        sensed = sense(Register(str(self.register)), self.records, now=NOW + timedelta(hours=hours), run=run)
        remember(self.records, sensed, run)
        return sensed


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_folders_of_any_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        site.drop(name)
    sensed = site.sense()
    announced = {key.capture for key in sensed.ready}
    taken = {"may", "May", "MAY", "con", "x" * CAPTURE_LENGTH, "may.", "notes", "leases", "by-date"}
    assert announced == taken
    ignored = {name for name in NAMES if name.startswith(b".")}
    assert len(sensed.findings) == len(NAMES) + 1 - len(taken) - len(ignored)
    for line in sentences(sensed.findings, most=1_000):
        assert is_text(line)
        line.encode()
    monkeypatch.setenv(CONFIG_VARIABLE, str(site.register))
    changes = LandingChanges()
    changes.poll()
    site.drop(b"\xff\xfd")
    assert [changes.poll()[0] for _ in range(2)] == [True, False]


@pytest.mark.parametrize("seconds", [0, -11_644_473_600, -1, 2**33, 2**40], ids=["1970", "1601", "1969", "2242", "far"])
def test_times_of_files_from_any_clock(site: Site, seconds: int) -> None:
    folder = Path(os.fsdecode(site.drop(b"june")))
    for path in (folder / "stations.csv", folder):
        try:
            os.utime(path, (seconds, seconds))
        except OverflowError:
            pytest.skip("this file system has no such time")
    assert {key.capture for key in site.sense().ready} == {"may", "june"}
    assert site.sense(1).findings == ()


STATE: dict[str, Callable[[Records], str]] = {
    "snapshot": lambda _: "hall-7/june/notes/look.json",
    "sensing": lambda _: "sensing/scanned.json",
    "turns": lambda _: "sensing/turns/hall-7.json",
    "findings": lambda _: "sensing/findings.json",
    "lease": lambda _: "hall-7/june/leases/000001.json",
    "announcement": lambda records: f"hall-7/june/{records.fingerprints(CaptureKey('hall-7', 'june'))[0]}/sense.json",
}


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


def _circle(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path)


def _extreme(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        path.write_text(
            f'{{"at": "{text}", "since": "{text}", "announced": "{text}", "fingerprint": "a", "next": "", "run": "r"}}'
        )


@pytest.mark.parametrize("damage", [_folder, _circle, _extreme])
@pytest.mark.parametrize("kind", STATE)
def test_state_that_cannot_be_read_holds_back_its_own_capture_alone(
    site: Site, damage: Callable[[Path], None], kind: str
) -> None:
    site.drop(b"june")
    site.sense()
    lease.take(site.records, CaptureKey("hall-7", "june"), "run 1", is_finished=bool)
    damage(Path(site.records.url, STATE[kind](site.records)))
    lease.release_ended(site.records, is_finished=lambda _: False)
    register = Register(str(site.register))
    sensed = sense(register, site.records, now=NOW + timedelta(hours=3))
    assert GOOD in sensed.ready
    assert last_sensing(site.records, NOW) is None or kind != "sensing"
    assert all("Errno" not in line for line in sentences(sensed.findings))


def test_a_scan_announces_a_limited_number_and_the_next_ones_the_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensing, "MOST_ANNOUNCED", 2)
    for name in (b"a", b"b", b"c", b"z"):
        site.drop(name)

    def ready(hours: float, run: str | None = None) -> list[str]:
        return [key.capture for key in site.sense(hours, run).ready]

    assert ready(0, "scan 1") == ["a", "b"]
    assert ready(0, "scan 1") == ["a", "b"], "a run that was killed is repeated"
    sensed = site.sense(1.5)
    assert [key.capture for key in sensed.ready] == ["c", "may"]
    assert "the next sensing" in dict(sensed.waiting)[CaptureKey("hall-7", "a")]
    assert ready(1.6) == ["z", "a"], "a new one comes before one that was announced"
    for name in ("a", "b", "c", "may", "z"):
        key = CaptureKey("hall-7", name)
        state = site.records.load(key)
        assert state is not None
        site.records.put(key, state.fingerprint, "verify", {}, run="run 1")
    hours = (datetime.now(UTC) - NOW) / timedelta(hours=1) + 1.1
    handed = [[key.capture for key in site.sense(hours).published] for _ in range(3)]
    assert [len(names) for names in handed] == [2, 2, 1]
    assert sorted(itertools.chain(*handed)) == ["a", "b", "c", "may", "z"], "which come first is open: folders race"
