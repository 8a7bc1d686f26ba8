"""Validating the tables of a large capture, side by side with the same checks written by hand in pandas.

CPU seconds and peak memory of one process each, imports apart; what matters are the ratios. Both read the same CSV
tables as text, check them, and name the bad rows; neither opens a picture. Faulty tables show that the cost stays flat
from few bad rows to all of them.

    python benchmarks/validation.py [face rows]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEFAULT_ROWS = 1_000_000
FACES = ("front", "back", "left", "right", "top", "bottom")
BOUNDS = {"minimum": [-10, -10, -10], "maximum": [2000, 2000, 20]}
MANIFEST = """schema: capture/1
site_id: hall-7
capture_id: large
kind: cubemap
frame: {name: site, up: z, unit: m, handedness: right}
rotation: {kind: quaternion, direction: camera_to_world}
time: {base: utc}
"""


def write(folder: Path, rows: int, bad: float) -> None:
    """Tables of so many face rows; of the stations, `bad` (a fraction) are in millimetres."""
    import numpy as np
    import pandas as pd

    folder.mkdir(parents=True)
    (folder / "capture.yaml").write_text(MANIFEST)
    count = rows // 6
    number = np.arange(count)
    ids = pd.Series(number).map("s-{:07d}".format)
    scale = np.where(np.arange(count) % 1000 < round(bad * 1000), 1000.0, 1.0)
    half = np.radians(number % 360) / 2
    side = int(np.sqrt(count)) + 1
    stations = pd.DataFrame(
        {
            "station_id": ids,
            "x": np.round((1 + number % side * 4.0) * scale, 3),
            "y": np.round((1 + number // side * 4.0) * scale, 3),
            "z": np.round(1.5 * scale, 3),
            "qw": np.round(np.cos(half), 9),
            "qx": 0,
            "qy": 0,
            "qz": np.round(np.sin(half), 9),
            "time_taken": (pd.Timestamp("2026-04-17T06:00Z") + pd.to_timedelta(number, unit="s")).strftime(
                "%Y-%m-%dT%XZ"
            ),
        }
    )
    stations.to_csv(folder / "stations.csv", index=False)
    repeated = ids.repeat(6).to_numpy()
    face = np.tile(FACES, count)
    files = pd.Series("images/" + repeated + "/" + face + ".jpg")
    pd.DataFrame({"station_id": repeated, "face": face, "file": files}).to_csv(folder / "faces.csv", index=False)


def ours(folder: Path) -> dict[str, object]:
    """Readers, gate and Great Expectations of the project, to the verdict and the accepted capture."""
    import great_expectations
    import pandas as pd
    import pyarrow.csv

    import capture360.checks.expectations
    from capture360.checks import check as checks
    from capture360.landing.folder import CaptureFolder
    from capture360.settings.checks import CheckSettings
    from capture360.settings.landing import Landing
    from capture360.settings.site import Site

    assert great_expectations and pyarrow.csv and capture360.checks.expectations
    names = pd.read_csv(folder / "faces.csv", usecols=["file"])["file"]
    capture = CaptureFolder(str(folder))
    # The pictures are not written: only their names and sizes count, and no picture is opened.
    capture.__dict__["sizes"] = dict.fromkeys(names, 5000) | capture.sizes
    checks._files = lambda *args: iter(())  # the third stage is per file, not per row
    site = Site(
        id="hall-7",
        name="Hall 7",
        landing=Landing(url=str(folder.parent)),
        space="captures",
        checks=CheckSettings.model_validate({"bounds": BOUNDS, "max_listed_images": 10**9}),
    )
    del names
    return measured(lambda: str(checks.check_capture(capture, site=site).headline))


def by_hand(folder: Path) -> dict[str, object]:
    """The same rules, written down for this one kind of table."""
    import numpy as np
    import pandas as pd

    sizes = set(pd.read_csv(folder / "faces.csv", usecols=["file"])["file"])

    def run() -> str:
        stations = pd.read_csv(folder / "stations.csv", dtype=str, keep_default_na=False)
        faces = pd.read_csv(folder / "faces.csv", dtype=str, keep_default_na=False)
        numbers = stations[["x", "y", "z", "qw", "qx", "qy", "qz"]].apply(pd.to_numeric, errors="coerce")
        taken = pd.to_datetime(stations["time_taken"], utc=True, errors="coerce", format="ISO8601")
        place = numbers[["x", "y", "z"]]
        pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$"
        bad = pd.DataFrame(
            {
                "I01": ~stations["station_id"].str.match(pattern),
                "I02": stations["station_id"].duplicated(keep=False),
                "S06": numbers.isna().any(axis=1),
                "P01": ~np.isfinite(numbers).all(axis=1),
                "P02": ((place < BOUNDS["minimum"]) | (place > BOUNDS["maximum"])).any(axis=1),
                "P04": (np.linalg.norm(numbers[["qw", "qx", "qy", "qz"]], axis=1) - 1).__abs__() > 1e-3,
                "P08": place.round(1).duplicated(keep=False),
                "T01": taken.isna(),
                "T04": (taken < "2000-01-01") | (taken > pd.Timestamp.now(tz="UTC")),
            }
        )
        bad_faces = pd.DataFrame(
            {
                "F02": ~faces["face"].isin(FACES),
                "F03": ~faces["file"].str.match(r"(?i)^.+\.(?:jpe?g|png)$"),
                "F04": faces["file"].duplicated(keep=False),
                "F06": ~faces["station_id"].isin(stations["station_id"]),
                "S07": ~faces["file"].isin(sizes) | faces["file"].str.contains(r"(?:^|/)\.\.(?:/|$)", regex=True),
            }
        )
        whole = faces.groupby("station_id")["face"].nunique().reindex(stations["station_id"]).fillna(0).to_numpy() == 6
        held = set(stations.loc[bad.any(axis=1) | ~whole, "station_id"])
        held |= set(faces.loc[bad_faces.any(axis=1), "station_id"])
        good = stations[~stations["station_id"].isin(held)]
        media = faces[faces["station_id"].isin(good["station_id"])].groupby("station_id")[["face", "file"]].agg(list)
        return f"{len(good)} of {len(stations)} accepted, {len(media)} with pictures"

    return measured(run)


def measured(run: object) -> dict[str, object]:
    assert callable(run)
    before, started = peak(), time.process_time()
    outcome = run()
    cpu = time.process_time() - started
    return {"cpu": cpu, "peak": peak(), "more": peak() - before, "outcome": str(outcome)[:150]}


def peak() -> float:
    """Megabytes of resident memory at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_own_process(what: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, what, str(folder)], capture_output=True, text=True, check=False, timeout=900
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main(rows: int) -> int:
    from figures import Figure, report

    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        for bad, name in ((0.0, "sound"), (0.001, "0.1 % in millimetres"), (1.0, "all in millimetres")):
            folder = Path(scratch) / "hall-7" / name.replace(" ", "-") / "large"
            write(folder, rows, bad)
            peer = in_own_process("by_hand", folder)
            own = in_own_process("ours", folder)
            print(f"{name}: by hand {peer['outcome']}; capture360 {own['outcome']}")
            figures += [
                Figure(f"{name}: ours / by hand in pandas, CPU", own["cpu"] / peer["cpu"], at_most=2.0),
                Figure(f"{name}: ours, CPU", own["cpu"], "s"),
                Figure(f"{name}: ours / by hand, peak memory", own["peak"] / peer["peak"]),
            ]
    return report(f"Validating {rows:,} face rows", figures)


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["by_hand"]):
        print(json.dumps({"ours": ours, "by_hand": by_hand}[sys.argv[1]](Path(sys.argv[2]))))
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_ROWS))
