"""Reconciliation rules (R): differences between the records and CDF."""

from __future__ import annotations

from functools import partial

from capture360.rules.finding import Disposition
from capture360.rules.rule import Family, says

RECONCILIATION = Family("R", "Reconciliation: do the records and CDF agree?")
_rule = partial(RECONCILIATION.rule, disposition=Disposition.WARN, stage="reconcile", longest_sentence=4_000)

R01 = _rule(
    "R01",
    "The records of a capture are known and can be read",
    why="Without its records nobody can tell what of a capture was published.",
    scope="capture",
    messages=says(
        "{sentence}",
        bad="a records folder that was deleted",
        sentence="Collections of captures without records: hall-7_2026-04-17. Restore their "
        "folders in file:///records from a backup.",
    ),
)
R02 = _rule(
    "R02",
    "What is remembered of the links is whole",
    why="A rejected link whose rejection is forgotten comes back.",
    scope="capture",
    messages=says(
        "{sentence}",
        bad="a note of the links that was deleted",
        sentence="Missing from the records: 12 decisions of people. Restore decisions.json from the newest backup.",
    ),
)
R03 = _rule(
    "R03",
    "The texts and matches of a linked capture are recorded",
    why="Links cannot be compared with matches that are lost.",
    scope="capture",
    messages=says(
        "{sentence}",
        bad="a record of the matches that was deleted",
        sentence="Missing from the records: the texts and their matches, suggestions among them. Run "
        "captures_contextualize for it: it reads them again.",
    ),
)
R04 = _rule(
    "R04",
    "Every image in CDF is of the records",
    why="An image that no record knows is never updated and never removed.",
    scope="image",
    messages=says(
        "{sentence}",
        bad="an image that somebody made by hand",
        sentence="Images that CDF shows and no record knows: hall-7_2026-04-17_s-99. Delete in CDF those"
        " that nobody else needs; a higher revision removes those by capture360.",
    ),
)
R05 = _rule(
    "R05",
    "No image of an earlier extraction is left",
    why="Viewers show it beside the one that was extracted again.",
    scope="image",
    messages=says(
        "{sentence}",
        bad="an E57 capture that CDF extracted twice",
        sentence="Images of earlier deliveries that CDF extracted itself and still shows: Stop-3. Delete them in CDF.",
    ),
)
R06 = _rule(
    "R06",
    "Every published image is in CDF",
    why="Somebody deleted it, and viewers do not show it.",
    scope="image",
    messages=says(
        "{sentence}",
        bad="an image that was deleted in CDF",
        sentence="Images that CDF does not show: hall-7_2026-04-17_s-02. Run captures_ingest for it: what "
        "is there is not written again.",
    ),
)
R07 = _rule(
    "R07",
    "Every image in CDF has its six faces",
    why="An image with a face missing makes viewers refuse its collection.",
    scope="image",
    messages=says(
        "{sentence}",
        bad="a face file that was deleted in CDF",
        sentence="Images that lack faces: hall-7_2026-04-17_s-02. Run captures_ingest for it: what is "
        "there is not written again.",
    ),
)
R08 = _rule(
    "R08",
    "Every recorded link is in CDF",
    why="Somebody deleted it without rejecting it.",
    scope="link",
    messages=says(
        "{sentence}",
        bad="a link that was deleted in CDF",
        sentence="Links that the records hold and CDF does not: 21-PT-1019A on s-02. In its last run of "
        "captures_contextualize (trigger a new one if Airflow has none) clear the task annotate.",
    ),
)
R09 = _rule(
    "R09",
    "The assets of the links are there",
    why="A link to an asset that is deleted leads nowhere.",
    scope="link",
    messages=says(
        "{sentence}",
        bad="an asset that was deleted after it was linked",
        sentence="Links to assets that no longer exist: 21-PT-1019A on s-02. In its last run of "
        "captures_contextualize (trigger a new one if Airflow has none) clear the task match with all downstream.",
    ),
)
R10 = _rule(
    "R10",
    "Every link by capture360 is recorded",
    why="A link that no record holds is never updated and never removed.",
    scope="link",
    messages=says(
        "{sentence}",
        bad="records that were restored from an old backup",
        sentence="Links by capture360 that no record contains: 21-PT-1019A on s-02. In its last run of "
        "captures_contextualize (trigger a new one if Airflow has none) clear the task annotate.",
    ),
)
R11 = _rule(
    "R11",
    "No link keeps viewers out of an image",
    why="Viewers fail on an image with a link whose asset was deleted.",
    scope="link",
    messages=says(
        "{sentence}",
        bad="an asset that was deleted in a data modeling project",
        sentence="Links whose asset was deleted, which keeps viewers out of the image: 21-PT-1019A on s-02. In"
        " its last run of captures_contextualize (trigger a new one if Airflow has none) "
        "clear the task annotate: it removes those "
        "by capture360; delete the others, or set object3D of their assets.",
    ),
)
R12 = _rule(
    "R12",
    "Every link by capture360 is marked as its own",
    why="A link by capture360 that counts as another's is never removed.",
    scope="link",
    messages=says(
        "{sentence}",
        bad="a run that was killed between creating links in a data modeling project and marking them",
        sentence="Links with exactly capture360's outlines that are not marked as its own: 21-PT-1019A on s-02. In"
        " its last run of captures_contextualize (trigger a new one if Airflow has none) "
        "clear the task annotate: it marks them.",
    ),
)
R13 = _rule(
    "R13",
    "Every recorded box of an asset is in CDF",
    why="Somebody emptied it, and viewers no longer show where the asset is.",
    scope="link",
    messages=says(
        "{sentence}",
        bad="the values xMin to zMax of a Cognite3DObject that were deleted in CDF",
        sentence="Boxes of assets that the records hold and CDF does not: plant/cog_3d_object_1. In its last run of "
        "captures_contextualize (trigger a new one if Airflow has none) clear the task annotate.",
    ),
)
