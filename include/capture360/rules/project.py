"""Project rules (D): what a CDF project must provide before anything is written to it."""

from __future__ import annotations

from functools import partial

from capture360.rules.finding import Disposition
from capture360.rules.rule import Family, says

PROJECT = Family("D", "CDF project: can it take what is to be written?")
WHERE = "CDF project"
"""The place of every finding of this family."""
_rule = partial(PROJECT.rule, disposition=Disposition.STOP, scope="project", stage="project", longest_value=300)

D01 = _rule(
    "D01",
    "The credentials have every capability that is needed",
    why="A right that is missing would stop the work half way.",
    messages=says(
        "{value} is not granted in project {project}. Ask its administrator for it.",
        bad="no right to read files",
        value="filesAcl:READ",
        project="plant",
    ),
)
D02 = _rule(
    "D02",
    "The connection's mode fits the project",
    why="Each kind of project keeps images and links in another place.",
    messages=says(
        "Project {project} says that it is {value}, but its connection has {mode}. "
        "Set the connection's mode to {fitting}.",
        bad="mode: asset_centric for a project that is data modeling only",
        project="plant",
        value="DATA_MODELING_ONLY",
        mode="mode asset_centric",
        fitting="data_modeling or another that fits",
    ),
)
D03 = _rule(
    "D03",
    "The views of 360° images are there",
    why="Without its view no instance can be written or read.",
    messages=says(
        "The view {value} is not in project {project}, or may not be read. "
        'Ask its administrator to enable it and to grant dataModelsAcl:READ for space "{space}".',
        bad="a project without the classic image model",
        value="cdf_360_image_schema/Image360/v1",
        project="plant",
        space="cdf_360_image_schema",
    )
    | says(
        "The views {value} are not in project {project}, or may not be read. "
        'Ask its administrator to enable them and to grant dataModelsAcl:READ for space "{space}".',
        name="several",
        bad="a project without the core data model",
        value="cdf_cdm/Cognite360Image/v1, cdf_cdm/CogniteFile/v1",
        project="plant",
        space="cdf_cdm",
    ),
)
D04 = _rule(
    "D04",
    "The spaces are there or may be created",
    why="Instances need their space.",
    messages=says(
        'Space "{value}" is not in project {project}. Create it, or set create_space.',
        bad="a space that nobody has created",
        value="captures",
        project="plant",
    )
    | says(
        'Space "{value}" belongs to CDF itself (global), and nothing else can be kept in it. '
        "Name a space of your own in the settings.",
        name="global",
        bad="space: cdf_cdm",
        value="cdf_cdm",
    ),
)
D05 = _rule(
    "D05",
    "The data set of the files can be used",
    why="Who may read a classic file is decided by its data set.",
    messages=says(
        "{sentence}",
        bad="files.data_set names a data set that is not there",
        sentence='The data set "captures" is not in the project. Create it, or correct files.data_set.',
    )
    | says(
        'files.data_set is "{value}", but instances are in no data set. Remove it: who may read them is decided by '
        "their space.",
        name="instances",
        bad="files.data_set in a data modeling project",
        value="captures",
    ),
)
D06 = _rule(
    "D06",
    "The project has room for the instances",
    why="A project that is full refuses the second half of a capture.",
    messages=says(
        "Project {project} holds {held} of at most {limit} instances, and {panoramas} panoramas need about {more} "
        "more. Delete what is no longer needed, or ask Cognite for a higher limit.",
        bad="a project that is nearly full",
        project="plant",
        held="4,999,990",
        limit="5,000,000",
        panoramas="10",
        more="110",
    ),
)
D07 = _rule(
    "D07",
    "The 360 image model that the site names is there",
    why="Images of a model that is not there are shown nowhere.",
    messages=says(
        'data_modeling.model is "{value}", but space "{space}" holds no such Cognite360ImageModel. '
        "Correct it, or remove it to have one made.",
        bad="data_modeling.model names a model that somebody deleted",
        value="hall-7-model",
        space="captures",
    ),
)
D08 = _rule(
    "D08",
    "The labels of the files are there",
    why="CDF refuses a classic file with a label that it does not know.",
    messages=says(
        "Project {project} has no label {value}. Create what is missing, or correct files.labels.",
        bad="files.labels names a label that nobody has created",
        project="plant",
        value='"360"',
    ),
)
