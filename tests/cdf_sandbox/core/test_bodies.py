"""The body of every request takes and refuses what the published specification takes and refuses."""

import json
import re
from collections import Counter

import pytest
from pydantic import TypeAdapter, ValidationError

from cdf_sandbox.core.app import SERVICES
from cdf_sandbox.core.errors import ApiError
from specification_bodies import Bodies

SMALLEST = {
    "annotationType": "images.AssetLink",
    "creatingAppVersion": "1.0.0",
    "data": {"assetRef": {"id": 1}, "text": "a", "textRegion": {"xMin": 0, "xMax": 0.5, "yMin": 0, "yMax": 0.5}},
}

# What is refused though the specification takes it: the path, the place in the body, what is said, and why.
REFUSED = [
    (r"", r"", r"String should have at least 1 character", "an empty identifier names nothing"),
    (r"", r"", r"Input should be greater than or equal to [01]$", "an internal id or a time is never negative"),
    (r"", r"", r"give exactly one of (id, )?externalId|give exactly one of id", "a resource without a name"),
    (
        r"/update$",
        r"(?<! null)$",
        r"give either set|Input should be True|'set'\)Field req",
        "a patch that says nothing",
    ),
    (r"^/(?!extpipes).*/update$", r" null$", r"give either set|'set'\)Field required", "null counts as left out"),
    (
        r"/extpipes/update$",
        r"(add|remove|Id.set|Config.set|contacts.0.set) null$",
        r"give either|Field req",
        "likewise",
    ),
    (r"", r"\*? longest$", r"metadata is \d+ bytes", "the limit of all metadata together"),
    (
        r"",
        r"^$|items(\[\] (empty|too few)| left out| null|)$",
        r"at least 1 item|'items',\)Field required",
        "about nothing",
    ),
    (r"/vision", r"features", r"at least 1 item", "about nothing"),
    (r"/sessions", r"id with a fraction", r"valid integer", "the schema says number"),
    (r"/files", r"directory", r"absolute, unix-style path", "said in words only"),
    (r"/(files|assets)", r"geoLocation|advanced", r"coordinates are not those of", "GeoJSON: rings of four, something"),
    (r"/assets/list", r"advancedFilter.*advancedFilter", r"", "the published schema nests the field in itself"),
    (r"/assets/list", r"advancedFilter|sort", r"unknown property|cannot be sorted|exactly one of and", "['a'] is none"),
    (r"/assets/list", r"advancedFilter", r"too_long|at most|valid (string|number|integer)|give one of gt", "in words"),
    (r"/annotations", r"annotationType|annotatedResourceType|data\|", r"", "data fits its type; of images only"),
    (r"/annotations", r"creatingAppVersion", r"match pattern", "semantic versioning, said in words"),
    (r"/3d/jobs", r"configuration", r"Extra inputs", "nothing can be configured"),
    (r"/3d/job", r"space with a space", r"match pattern", "the schema of these has no pattern"),
    (r"/3d/models/.*(update|delete)", r"space with a space", r"match pattern", "the schema of these has no pattern"),
    (r"/extpipes", r"email", r"match pattern", "format: email"),
    (r"/extpipes/runs$", r"most", r"at most 1 item", "one run a request, says the description"),
    (r"/models/", r"targetUnits", r"Extra inputs", "units are not converted"),
    (r"/models/.*(query|sync)", r"\|2\|[012]", r"Field required|valid string", "sets are combined by name, not nested"),
    (r"/models/.*(query|sync)", r"edges\.(limitEach|maxDistance)", r"Field required", "in words: distances from 1 on"),
    (r"/models/.*aggregate", r"interval", r"greater than 0", "a bucket has a width"),
    (r"/models/instances$", r"delete", r"occurs more than once|hold 1000 instances together", "in words"),
    (
        r"/models/containers",
        r"",
        r"defaultValue: expected|maxListSize is only|a unit is only|is none of the val",
        "words",
    ),
    (r"/models/containers", r"", r"autoIncrement is not supported", "refused aloud"),
    (r"/models/containers", r"usedFor=record", r"", "records are another API"),
    (
        r"/models/containers",
        r"",
        r"names properties that do not exist|valid dictionary|at least 1 item|rties'\)Field req",
        "words",
    ),
    (r"/models/containers", r"constraints", r"require'\)Field required", "the other kind of constraint is told"),
]
# What is taken by the model of the body though the specification refuses it; something else refuses it then.
TAKEN = [
    (r"/files|/vision", r"externalId with a space", "the published pattern refuses ids that data modeling allows"),
    (r"/models/", r"filter|Filter", "checked when it is compiled: test_filters_that_the_specification_refuses"),
    (r"/models/instances/(query|sync)", r"identifier with a space", "no view has such a property"),
    (r"/models/instances/(query|sync)", r"parameters", "checked by the type of what it is compared with"),
    (r"/models/containers", r"type\|[34]", "the published number of values of an enumeration is put on each value"),
    (r"/models/instances$", r"properties\.a left out", "no property is the same as those that are null"),
    (r"/datasets/byids|/3d/models", r"twice", "409 with `duplicated`: test_identifiers"),
    (r"/extpipes/update", r"too long", "checked when it is applied"),
    (r"revisions$", r"too many", "one at a time in data modeling projects only"),
    (r"/models/instances$", r"properties\.\*", "checked by the type of the property"),
    (r"/annotations/update", r"data", "checked by the type of the annotation"),
    (r"/datasets/update", r"metadata", "checked when it is applied"),
]


def _shape(path):
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def _requests(document):
    routes = {
        (method, _shape(route.path)): route
        for service in SERVICES
        for route in service.router.routes
        for method in route.methods
    }
    bodies = Bodies(document)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            request = operation.get("requestBody", {})
            content = (bodies.resolved(request["$ref"]) if "$ref" in request else request).get("content", {})
            if "application/json" in content:
                body = routes[method.upper(), _shape(path)].body_field.field_info.annotation
                yield path, content["application/json"]["schema"], TypeAdapter(body)


def _refusal(model, body):
    try:
        model.validate_python(body)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{first['loc']}{first['msg']}"
    except ApiError as error:
        return error.message
    return None


@pytest.fixture(scope="module")
def document(shared):
    return json.loads((shared / "reference" / "cdf-openapi-subset.json").read_text())


def test_bodies_are_taken_and_refused_as_the_specification_says(document):
    bodies = Bodies(document, SMALLEST)
    compared, used, differences = 0, Counter(), []
    for path, schema, model in _requests(document):
        for case in bodies.of(schema):
            compared += 1
            fits = bodies.fits(case.value, schema) if case.fits is None else case.fits
            refusal = _refusal(model, case.value)
            if fits == (refusal is None):
                continue
            known = REFUSED if fits else TAKEN
            reason = next(
                (
                    line
                    for line in known
                    if re.search(line[0], path)
                    and re.search(line[1], case.place)
                    and (not fits or re.search(line[2], refusal))
                ),
                None,
            )
            used[reason] += 1
            if reason is None:
                differences.append((path, case.place, refusal or "taken"))
    assert not differences, "\n".join(map(str, differences[:40]))
    assert compared > 10000
    assert set(used) == {*REFUSED, *TAKEN}, "a difference that is no more"


def test_filters_that_the_specification_refuses_are_refused(document, http):
    """Filters of instances are checked when they are compiled, so each is sent."""
    bodies = Bodies(document, {"property": ["node", "externalId"], "scope": ["node", "type"], "value": "a"})
    schema = {"$ref": "#/components/schemas/FilterDefinition"}
    answers = Counter()
    for case in bodies.of(schema):
        fits = case.fits is not False and bodies.fits(case.value, schema)
        answer = http.post("/models/instances/list", json={"filter": case.value})
        answers[fits, answer.status_code] += 1
        assert fits or answer.status_code == 400, (case.place, case.value)
    assert answers[False, 400] > 100
    assert answers[True, 200] > 50
