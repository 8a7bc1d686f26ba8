"""The capture rule that only an ingest can check: what is published is compared with what is made of a delivery."""

from __future__ import annotations

from capture360.checks.captures import CAPTURES
from capture360.rules.finding import Disposition
from capture360.rules.rule import says

_CONFIRM = "If that is meant, write revision: {revision} in capture.yaml and deliver again."

C07 = CAPTURES.rule(
    "C07",
    "What is published changes only on purpose",
    why="Users have seen the images; what changes without a word cannot be trusted.",
    disposition=Disposition.STOP,
    scope="station",
    stage="ingest",
    judges="pictures, poses and scans, against what is published",
    frame="site",
    messages=says(
        f'The {{value}} of station "{{station}}" differ from what is published. {_CONFIRM}',
        bad="other pictures of an ingested station",
        value="pictures",
        station="s-02",
        revision="2",
    )
    | says(
        f'The scan "{{where}}" differs from the one that is published. {_CONFIRM}',
        name="scan",
        bad="another scan under the name of an ingested one",
        where="hall.e57",
        revision="2",
    ),
)
