"""Query parameters: those of the published specification at every route, and filters of lists in the query string."""

import json
import re
from pathlib import Path

import pytest
from cognite.client.data_classes import AssetWrite

from cdf_sandbox.core.app import SERVICES
from specification_bodies import Bodies

SPECIFIED = json.loads(Path(__file__).with_name("query_names.json").read_text())
"""The query parameters of each operation in Cognite's published specification."""

# CDF was seen to want this one in lower case, whatever the specification says.
SEEN_OTHERWISE = {("GET", "/3d/models"): {"includeRevisionInfo": "includerevisioninfo"}}


def _shape(path):
    """A path with nameless placeholders."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_every_query_parameter_of_the_specification_is_taken():
    routes = {
        (method, _shape(route.path)): set(route.query_kinds)
        for service in SERVICES
        for route in service.router.routes
        for method in route.methods
    }
    compared = 0
    gaps = []
    for operation, names in SPECIFIED.items():
        method, _, path = operation.partition(" ")
        own = routes.get((method, _shape(path)))
        if own is None:
            continue
        expected = {SEEN_OTHERWISE.get((method, path), {}).get(name, name) for name in names}
        compared += 1
        if expected - own:
            gaps.append((operation, sorted(expected - own)))
    assert not gaps
    assert compared > 80


@pytest.fixture(scope="module")
def described(shared):
    """The query parameters of each operation: name -> schema."""
    bodies = Bodies(json.loads((shared / "reference" / "cdf-openapi-subset.json").read_text()))
    found = {}
    for path, methods in bodies.document["paths"].items():
        for method, operation in methods.items():
            parameters = [*operation.get("parameters", ()), *methods.get("parameters", ())]
            merged = [bodies.resolved(each["$ref"]) if "$ref" in each else each for each in parameters]
            found[method.upper(), path] = {
                each["name"]: bodies.merged(each["schema"]) for each in merged if each["in"] == "query"
            }
    return found


def test_the_names_are_those_of_the_specification(described):
    assert {f"{method} {path}": sorted(schemas) for (method, path), schemas in described.items()} == SPECIFIED


TAKEN_BEYOND = {("instanceExternalId", "a b.c"), ("instanceExternalId", "9")}
"""Values that the specification refuses: data modeling allows more external ids than its pattern."""
REFUSED_BEYOND = {("limit", "0"), ("limit", "-1"), ("severity", "-1"), ("severity", "0")}
"""Values that the specification takes: the numbers of nothing."""
COMPANIONS = {
    ("/extpipes/runs", "limit"): {"externalId": "x"}, ("/extpipes/runs", "cursor"): {"externalId": "x"},
    ("/files/initmultipartupload", "parts"): {"parts": "1"}, ("/files/multiuploadlink", "parts"): {"parts": "1"},
    ("/files/icon", "space"): {"instanceExternalId": "x"}, ("/files/icon", "instanceExternalId"): {"space": "s"},
}  # fmt: skip
"""What is required beside a parameter."""


def _queries(schema):
    """Values of a parameter, and whether the specification takes them."""
    kind, form = schema.get("type"), schema.get("format", "")
    least, most = schema.get("minimum"), schema.get("maximum")
    if kind == "integer":
        yield from ((text, False) for text in ("x", "1.5", "", "1e3", " 1", "true"))
        yield from ((str(number), True) for number in (least, most) if number is not None)
        yield from (("0", least is None or least <= 0), ("-1", least is None), (str(2**64), False))
        yield from ((str(number), False) for number in (least and least - 1, most and most + 1) if number)
    elif kind == "boolean":
        yield from (("true", True), ("false", True), ("maybe", False), ("1", False), ("", False))
    elif kind == "array" or form.startswith("jsonArray"):
        yield from ((text, False) for text in ("[", "{}", "[[]]", '{"a": 1}', "[1.5]", "[null]"))
        of_texts = form == "jsonArray(string)"
        yield from (("[1]", not of_texts), ('["a"]', of_texts)) if form else ()
        yield from (("x", False), ("", False)) if form else ()
        yield from (("[1, 1]", False), (str(list(range(1, 102))), False), ("[]", False)) if "maxItems" in schema else ()
    else:
        shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
        yield from ((text, True) for text in schema.get("enum", ()))
        yield from (("", False),) if shortest else ()
        yield from (("unlisted", False),) if "enum" in schema else ()
        yield from (("a b.c", False), ("9", False)) if "pattern" in schema else ()
        yield from (("a" * longest, True), ("a" * (longest + 1), False)) if longest else ()


def test_values_of_parameters_are_taken_and_refused_as_the_specification_says(http, described):
    """Refused is what gets another answer of 400 than the request has without the parameter."""

    def sent(method, path, query):
        url = re.sub(r"\{[^}]*\}", "5", path)
        return http.request(method, url, params=query, json=None if method == "GET" else {})

    compared, wrong = 0, []
    for (method, path), schemas in described.items():
        for name, schema in schemas.items():
            called = SEEN_OTHERWISE.get((method, path), {}).get(name, name)
            without = COMPANIONS.get((path, name), {})
            plain = sent(method, path, without).text
            for text, fits in _queries(schema):
                compared += 1
                answer = sent(method, path, without | {called: text})
                refused = answer.status_code == 400 and answer.text != plain and "not found" not in answer.text
                known = (name, text) in (REFUSED_BEYOND if fits else TAKEN_BEYOND)
                if refused == fits and not known:
                    wrong.append((method, path, name, text[:40], answer.status_code, answer.text[:100]))
    assert not wrong, "\n".join(map(str, wrong))
    assert compared > 300


@pytest.fixture(scope="module")
def plant(running):
    client = running.client()
    data_set = client.post(
        f"/api/v1/projects/{running.connection['project']}/datasets", {"items": [{"externalId": "set"}]}
    ).json()["items"][0]["id"]
    root, child = client.assets.create(
        [
            AssetWrite(name="root", external_id="q_root", source="sap", metadata={"a": "b"}),
            AssetWrite(name="child", external_id="q_child", parent_external_id="q_root"),
        ]
    )
    file = client.files.upload_bytes(
        b".", name="f.bin", external_id="q_file", asset_ids=[child.id], data_set_id=data_set, source="sap",
        mime_type="a/b", source_created_time=5, source_modified_time=7,
    )  # fmt: skip
    client.files.upload_bytes(b".", name="other", external_id="other")
    return {"root": root.id, "child": child.id, "file": file.id, "set": data_set}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"parentIds": "[{root}]"}, ["child"]),
        ({"parentExternalIds": '["q_root"]'}, ["child"]),
        ({"rootIds": "[{root}]"}, ["child", "root"]),
        ({"assetSubtreeIds": "[{child}]"}, ["child"]),
        ({"assetSubtreeExternalIds": '["q_child"]'}, ["child"]),
        ({"source": "sap"}, ["root"]),
        ({"root": "true"}, ["root"]),
        ({"root": "false"}, ["child", "root"]),
        ({"minCreatedTime": "1", "maxLastUpdatedTime": "9000000000000"}, ["child", "root"]),
        ({"maxCreatedTime": "1"}, []),
        ({"minLastUpdatedTime": "9000000000000"}, []),
        ({"externalIdPrefix": "q_c"}, ["child"]),
        ({"name": "child", "partition": "1/1"}, ["child"]),
    ],
)
def test_assets_by_query(http, plant, query, found):
    query = {
        name: text.replace("{root}", str(plant["root"])).replace("{child}", str(plant["child"]))
        for name, text in query.items()
    }
    answer = http.get("/assets", params=query).raise_for_status()
    assert sorted(item["name"] for item in answer.json()["items"]) == found


def test_assets_without_their_metadata(http, plant):
    shown = http.get("/assets", params={"includeMetadata": "false"}).json()["items"]
    whole = http.get("/assets").json()["items"]
    assert {plant["root"], plant["child"]} <= {item["id"] for item in shown} == {item["id"] for item in whole}
    assert all("metadata" not in item for item in shown)
    assert all("metadata" in item for item in whole)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"assetIds": "[{child}]"}, ["f.bin"]),
        ({"assetIds": ["{root}", "{child}"]}, ["f.bin"]),
        ({"assetExternalIds": '["q_child"]'}, ["f.bin"]),
        ({"dataSetIds": '[{{"externalId": "set"}}]'}, ["f.bin"]),
        ({"rootAssetIds": "[{root}]"}, ["f.bin"]),
        ({"assetSubtreeIds": "[{root}]"}, ["f.bin"]),
        ({"assetSubtreeExternalIds": '["q_root"]'}, ["f.bin"]),
        ({"mimeType": "a/b", "source": "sap", "uploaded": "true"}, ["f.bin"]),
        ({"minSourceCreatedTime": "5", "maxSourceCreatedTime": "5"}, ["f.bin"]),
        ({"minSourceModifiedTime": "7", "maxSourceModifiedTime": "7"}, ["f.bin"]),
        ({"minUploadedTime": "1", "minCreatedTime": "1", "minLastUpdatedTime": "1"}, ["f.bin", "other"]),
        ({"maxUploadedTime": "1"}, []),
        ({"maxCreatedTime": "1"}, []),
        ({"maxLastUpdatedTime": "1"}, []),
        ({"externalIdPrefix": "q_", "partition": "1/1"}, ["f.bin"]),
    ],
)
def test_files_by_query(http, plant, query, found):
    def filled(text):
        return (
            text.replace("{root}", str(plant["root"]))
            .replace("{child}", str(plant["child"]))
            .replace("{{", "{")
            .replace("}}", "}")
        )

    params = {
        name: [filled(each) for each in text] if isinstance(text, list) else filled(text)
        for name, text in query.items()
    }
    answer = http.get("/files", params=params).raise_for_status()
    assert sorted(item["name"] for item in answer.json()["items"]) == found


@pytest.mark.parametrize("name", ["assetIds", "dataSetIds"])
def test_a_query_that_is_nested_too_deeply_is_refused(http, name):
    answer = http.get("/files", params={name: "[" * 20_000})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("path", ["projects", "projects/capture360", "token/inspect"])
def test_what_is_no_service_of_a_project_has_no_unknown_parameters_either(running, http, path):
    url = f"{running.base_url}/api/v1/{path}"
    assert http.get(url).status_code == 200
    refused = http.get(url, params={"foo": "1"})
    assert (refused.status_code, "Unrecognized query parameter foo" in refused.text) == (400, True)


@pytest.mark.parametrize(("path", "name"), [("/assets", "rootIds"), ("/files", "rootAssetIds")])
def test_a_filter_of_roots_names_roots(http, plant, path, name):
    assert http.get(path, params={name: f"[{plant['root']}]"}).json()["items"]
    assert http.get(path, params={name: f"[{plant['child']}]"}).json()["items"] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/files?limit=5.0", "limit"), ("/files?limit=%205", "limit"), ("/files?limit=1_0", "limit"),
        ("/files?limit=%2B5", "limit"), ("/files?limit=1&limit=2", "limit was given 2 times"),
        ("/files?limit=", "limit"), ("/files?uploaded=1", "uploaded"), ("/files?uploaded=yes", "uploaded"),
        ("/files?minCreatedTime=5.0", "minCreatedTime"), ("/files?name=a&name=b", "name was given 2 times"),
        ("/files?assetIds=5.0", "assetIds"), ("/assets?root=on", "root"), ("/groups?all=1", "all"),
        ("/models/views?includeGlobal=t", "includeGlobal"), ("/3d/models?published=0", "published"),
        ("/files/5.0", "file_id"), ("/assets/+5", "asset_id"), ("/extpipes/1_0", "pipeline_id"),
        ("/annotations/%205", "annotation_id"), ("/3d/models/5.0/revisions/5", "model_id"),
        ("?withDataModelingStatus=yes", "withDataModelingStatus"),
    ],
)  # fmt: skip
def test_values_are_as_strict_as_in_bodies(running, http, path, said):
    url = f"{running.base_url}/api/v1/projects{path}" if path.startswith("?") else path
    refused = http.get(url)
    assert (refused.status_code, said in refused.json()["error"]["message"]) == (400, True), refused.text


@pytest.mark.parametrize("path", ["/files?uploaded=True", "/groups?all=TRUE", "/3d/models?published=False"])
def test_flags_are_taken_in_whatever_case(http, path):
    assert http.get(path).status_code == 200
