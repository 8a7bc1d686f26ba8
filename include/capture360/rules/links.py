"""Link rules (L): texts that were read on the images, and the links made from them."""

from __future__ import annotations

from functools import partial

from capture360.rules.finding import Disposition
from capture360.rules.rule import Family, says

LINKS = Family("L", "Texts and links: were the plates read, and do the stations agree?")
_rule = partial(LINKS.rule, stage="contextualize", longest_value=500)

L01 = _rule(
    "L01",
    "Stations that see one plate read the same tag",
    why="One of two readings of a plate is wrong, and a wrong link is worse than none.",
    disposition=Disposition.WARN,
    scope="link",
    messages=says(
        "Stations read one plate as {value}. Look at it and approve the right one.",
        bad="one station reads 21-PT-1019A, another 21-PT-1019B",
        value="21-PT-1019A and 21-PT-1019B",
    ),
)
L02 = _rule(
    "L02",
    "The plates of an asset are in one place",
    why="A plate far from the others of its asset may belong to another one.",
    disposition=Disposition.NOTE,
    scope="link",
    messages=says(
        "Plates of {where} hang {value} apart. Two plates of one asset, or one of them is not its.",
        bad="two plates of one asset at both ends of a hall",
        where="21-PT-1019",
        value="12.3 m",
    ),
)
L03 = _rule(
    "L03",
    "The lines of sight to one plate meet",
    why="Lines that usually miss each other come from wrong poses, not from wrong plates.",
    disposition=Disposition.WARN,
    scope="capture",
    messages=says(
        "The lines of sight to one plate usually miss each other by {value}. Check the order of the quaternion or "
        "Euler angles, the image yaw offset, and that no face is mirrored.",
        bad="an image yaw offset of 180 degrees that is not stated",
        value="31.0 degrees",
    ),
)
L04 = _rule(
    "L04",
    "Every face can be read by the detector",
    why="Texts of a face that cannot be read are missing from the links.",
    disposition=Disposition.WARN,
    scope="face",
    messages=says(
        "{error} No text was looked for on this face.",
        bad="a face file that does not decode",
        error="image-1 front is cut off. Copy it again.",
    )
    | says(
        "Vision could not read this face: {error}. Its texts are missing.",
        name="vision",
        bad="a face file that Vision refuses",
        error="the file is not uploaded",
    )
    | says(
        "The file of this face, {value}, is not in CDF.",
        name="no_file",
        bad="a face file that was deleted",
        value="hall-7_2026-04-17_s-02_front_0123456789abcdef",
    ),
)
L05 = _rule(
    "L05",
    "A text is not longer than CDF stores",
    why="CDF refuses an annotation whose text is too long.",
    disposition=Disposition.NOTE,
    scope="face",
    messages=says(
        "A text of {length} characters was cut to {limit}, the most that CDF stores.",
        bad="a whole notice read as one text",
        length="412",
        limit="128",
    ),
)
L06 = _rule(
    "L06",
    "The outline of a text lies on a face",
    why="A text without a place on a face cannot be linked.",
    disposition=Disposition.WARN,
    scope="image",
    messages=says(
        "The text polygon does not intersect any face. The text was left out.",
        bad="an outline of a single point",
    ),
)
L07 = _rule(
    "L07",
    "The list of critical assets names assets of the site",
    why="What the list names and the site lacks is never counted as seen.",
    disposition=Disposition.WARN,
    scope="capture",
    messages=says(
        "{error} The coverage of critical assets is not counted.",
        bad="a list that is not there",
        error="lists/critical.csv is not there. Correct links.critical_assets or leave it out.",
    )
    | says(
        "{count} tags of the list of critical assets are no assets of the site, such as {value}. Correct the list, or "
        "the assets that links.asset_subtrees, links.asset_spaces and links.match_on choose.",
        name="unknown",
        bad="a tag that was renamed",
        count="3",
        value="21-PT-1019",
    ),
)
L08 = _rule(
    "L08",
    "What people decided holds for the pictures that are shown",
    why="A decision about a picture that was replaced may be about another plate than what is in its place now.",
    disposition=Disposition.NOTE,
    scope="link",
    messages=says(
        "{count} decisions are about pictures that were replaced since, and the same tag is not read in their place: "
        "{value}. They are not applied; people are asked again where the plate is read.",
        bad="a station that was photographed again from elsewhere",
        count="3",
        value="21-PT-1019 approved by Ada",
    ),
)
L09 = _rule(
    "L09",
    "What people decided is about assets of the site",
    why="A link to an asset that was deleted cannot be made, and must not keep the plate from its successor.",
    disposition=Disposition.WARN,
    scope="link",
    messages=says(
        "{count} decisions are about assets that are none of the site: {value}. They are not applied, and the plates "
        "are matched as if undecided. If the assets exist, correct links.asset_subtrees or links.asset_spaces.",
        bad="an asset list that was imported anew, with new ids",
        count="3",
        value="21-PT-1019 approved by Ada",
    ),
)
L10 = _rule(
    "L10",
    "A plate is where an earlier capture of the site saw it",
    why="A plate that was moved between two captures may be on other equipment now.",
    disposition=Disposition.NOTE,
    scope="link",
    messages=says(
        "The plate of {where} is {value} away from where {capture} saw it. It was moved, or one of the two links is "
        "wrong.",
        bad="a plate that was taken to another pump",
        where="21-PT-1019",
        value="6.1 m",
        capture="hall-7/2026-04-17",
    )
    | says(
        "Plates are usually {value} away from where {where} saw them. Check that both captures are in the site frame. "
        "What people decided there is not applied.",
        name="frame",
        bad="a capture that was registered to another point",
        disposition=Disposition.WARN,
        where="hall-7/2026-04-17",
        value="12.3 m",
    ),
)
L11 = _rule(
    "L11",
    "A tag names one asset",
    why="Nothing is linked to a tag that several assets have, and nobody is asked about it.",
    disposition=Disposition.WARN,
    scope="capture",
    messages=says(
        "{count} texts name tags that several assets have, such as {value}. Nothing is linked to them. "
        "Narrow the assets to the site's (links.asset_subtrees, links.asset_spaces), or name them in links.manual.",
        bad="two sites with the same tags in one project",
        count="12",
        value="21-PT-1019",
    ),
)
L12 = _rule(
    "L12",
    "Rows of the manual matches meet a text",
    why="A row that is spelled otherwise than its plate is read decides nothing.",
    disposition=Disposition.NOTE,
    scope="capture",
    messages=says(
        "{count} rows of {where} meet no text of this capture: {value}. If their plates are seen in it, write the "
        "texts as the match report shows them, numbers divided as there.",
        bad="a row for a plate that another capture shows",
        count="2",
        where="links.manual",
        value="21-PT-1019 STANDBY, P-101A",
    ),
)
