"""Scopes of capabilities: those that each ACL of CDF has, and what they open."""

import dataclasses

import pytest
from cognite.client.data_classes import capabilities as sdk
from pydantic import TypeAdapter, ValidationError

from cdf_sandbox.core.capabilities import Capability
from cdf_sandbox_calls import items

VALUES = {"space_ids": "cdf_cdm", "usernames": "u", "instances": "i", "apps": "SEARCH"}
NOT_OFFERED = {"spaceScope", "dataModelScope"}
"""Scopes that the SDK reads of old projects; the specification has none of them."""
TWO_SPELLINGS = [{"idScope", "idscope"}, {"extractionPipelineScope", "extractionpipelinescope"}]
"""Names that the SDK and the specification spell differently; both are taken."""
WRONG = {"datasetScope": {"ids": ["x"]}, "dataSetScope": {"ids": [1]}, "nonsense": {}, "spaceIdScope": {}}


def grant(acl, *actions, **scope):
    return {acl: {"actions": list(actions), "scope": scope or {"all": {}}}}


def _acls(kind=sdk.Capability):
    for each in kind.__subclasses__():
        yield from ([each] if isinstance(vars(each).get("Scope"), type) else [])
        yield from _acls(each)


def _known():
    """The actions of each ACL of the SDK, and its scopes by name, in the form of the API."""
    known = {}
    for acl in _acls():
        for scope in (each for each in vars(acl.Scope).values() if isinstance(each, type)):
            for name, granted in acl([*acl.Action], _example(scope)).dump().items():
                known.setdefault(name, (granted["actions"], {}))[1].update(granted["scope"])
    return known


def _example(scope):
    fields = [field.name for field in dataclasses.fields(scope)]
    values = {"dbs_to_tables": {"db": ["t"]}} | {name: [value] for name, value in VALUES.items()}
    return scope(**{name: values.get(name, []) for name in fields})


def _is_taken(capability):
    try:
        TypeAdapter(Capability).validate_python(capability)
    except ValidationError:
        return False
    return True


def test_each_acl_has_the_scopes_of_the_sdk_and_no_other():
    known = _known()
    assert len(known) > 60
    everywhere = {name: parts for _, scopes in known.values() for name, parts in scopes.items()}
    for first, second in TWO_SPELLINGS:
        everywhere[second] = everywhere[first] = everywhere.get(first) or everywhere[second]
    wrong = []
    for acl, (actions, scopes) in known.items():
        has = set(scopes) - NOT_OFFERED
        has |= {name for names in TWO_SPELLINGS if names & has for name in names}
        taken = {name for name, parts in everywhere.items() if _is_taken(grant(acl, *actions, **{name: parts}))}
        wrong += [(acl, sorted(taken ^ has))] if taken != has else []
        wrong += [(acl, name) for name, parts in WRONG.items() if _is_taken(grant(acl, *actions, **{name: parts}))]
    assert not wrong


@pytest.mark.parametrize(
    ("acl", "scope"),
    [
        ("filesAcl", {"spaceIdScope": {"spaceIds": ["cdf_cdm"]}}), ("filesAcl", {"dataSetScope": {"ids": [1]}}),
        ("filesAcl", {"datasetScope": {"ids": []}, "all": {}}), ("filesAcl", {"datasetScope": {"ids": [], "x": []}}),
        ("filesAcl", {"all": {"x": []}}), ("filesAcl", {"datasetScope": {"ids": [True]}}),
        ("datasetsAcl", {"datasetScope": {"ids": []}}), ("annotationsAcl", {"datasetScope": {"ids": []}}),
        ("sessionsAcl", {"currentuserscope": {}}), ("dataModelsAcl", {"spaceIdScope": {"spaceIds": [1]}}),
        ("dataModelsAcl", {"spaceIdScope": {"spaceIds": "cdf_cdm"}}), ("groupsAcl", {"currentUserScope": {}}),
    ],
)  # fmt: skip
def test_a_group_cannot_grant_what_no_scope_of_the_acl_is(http, acl, scope):
    action = {"sessionsAcl": "CREATE", "groupsAcl": "LIST"}.get(acl, "READ")
    refused = http.post("/groups", json=items({"name": "g", "capabilities": [grant(acl, action, **scope)]}))
    assert refused.status_code == 400, refused.text
    assert acl in refused.text or "scope" in refused.text


@pytest.fixture(scope="module")
def plant(running):
    """The ids of two data sets, of a pipeline in each, and of a security category."""
    with running.http() as http:
        sets = http.post("/datasets", json=items({"externalId": "one"}, {"externalId": "two"})).json()["items"]
        pipelines = [
            {"externalId": f"p{number}", "name": "n", "dataSetId": each["id"]} for number, each in enumerate(sets)
        ]
        made = http.post("/extpipes", json=items(*pipelines)).raise_for_status().json()["items"]
        categories = http.post("/securitycategories", json=items({"name": "a"}, {"name": "b"})).json()["items"]
    return {
        "data sets": [each["id"] for each in sets],
        "pipelines": [each["id"] for each in made],
        "categories": [each["id"] for each in categories],
    }


@pytest.mark.parametrize("scope", ["idScope", "idscope"])
def test_data_sets_by_their_ids(running, plant, scope):
    mine, other = plant["data sets"]
    may = [grant("datasetsAcl", "READ", "WRITE", **{scope: {"ids": [mine]}})]
    with running.http(*running.make_client("owner", may)) as http:
        assert [each["id"] for each in http.post("/datasets/list", json={}).json()["items"]] == [mine]
        for identifier, status in ((mine, 200), (other, 403)):
            assert http.post("/datasets/byids", json=items({"id": identifier})).status_code == status
            change = items({"id": identifier, "update": {"name": {"set": "n"}}})
            assert http.post("/datasets/update", json=change).status_code == status
        assert http.post("/datasets", json=items({"name": "new"})).status_code == 403


@pytest.mark.parametrize("of", ["idScope", "idscope", "datasetScope"])
def test_pipelines_by_their_ids_or_data_sets(running, plant, of):
    mine, other = plant["pipelines"]
    named = plant["data sets"][0] if of == "datasetScope" else mine
    may = [grant("extractionPipelinesAcl", "READ", "WRITE", **{of: {"ids": [named]}}), grant("datasetsAcl", "READ")]
    with running.http(*running.make_client("keeper", may)) as http:
        assert [each["id"] for each in http.get("/extpipes").json()["items"]] == [mine]
        for identifier, status in ((mine, 200), (other, 403)):
            assert http.get(f"/extpipes/{identifier}").status_code == status
            assert http.post("/extpipes/byids", json=items({"id": identifier})).status_code == status
            change = items({"id": identifier, "update": {"name": {"set": "n"}}})
            assert http.post("/extpipes/update", json=change).status_code == status
        away = items({"id": mine, "update": {"dataSetId": {"set": plant["data sets"][1]}}})
        assert http.post("/extpipes/update", json=away).status_code == 403
        new = {"externalId": f"new_{of}", "name": "n", "dataSetId": plant["data sets"][0]}
        assert http.post("/extpipes", json=items(new)).status_code == (200 if of == "datasetScope" else 403)
        if of == "datasetScope":
            http.post("/extpipes/delete", json=items({"externalId": new["externalId"]})).raise_for_status()


@pytest.mark.parametrize("of", ["extractionPipelineScope", "extractionpipelinescope", "datasetScope"])
def test_runs_by_pipelines_or_data_sets(running, plant, of):
    named = plant["data sets" if of == "datasetScope" else "pipelines"][0]
    may = [grant("extractionRunsAcl", "READ", "WRITE", **{of: {"ids": [str(named)]}}), grant("datasetsAcl", "READ")]
    with running.http(*running.make_client("reporter", may)) as http:
        for pipeline, status in (("p0", 200), ("p1", 403)):
            run = items({"externalId": pipeline, "status": "seen"})
            assert http.post("/extpipes/runs", json=run).status_code == status
            assert http.get("/extpipes/runs", params={"externalId": pipeline}).status_code == status


def test_security_categories_by_their_ids(running, plant):
    mine, other = plant["categories"]
    may = [grant("securityCategoriesAcl", "LIST", "CREATE", "DELETE", idscope={"ids": [str(mine)]})]
    with running.http(*running.make_client("keeper", may)) as http:
        assert [each["id"] for each in http.get("/securitycategories").json()["items"]] == [mine]
        assert http.post("/securitycategories", json=items({"name": "c"})).status_code == 403
        assert http.post("/securitycategories/delete", json=items(other)).status_code == 403


def test_groups_of_the_current_user(running, http):
    may = [grant("groupsAcl", "LIST", "CREATE", "DELETE", currentuserscope={}), grant("projectsAcl", "LIST")]
    other = http.post("/groups", json=items({"name": "other"})).json()["items"][0]["id"]
    with running.http(*running.make_client("member", may)) as member:
        assert member.get(f"{running.base_url}/api/v1/token/inspect").status_code == 200
        (own,) = member.get("/groups").json()["items"]
        assert member.get("/groups", params={"all": "true"}).status_code == 403
        assert member.post("/groups", json=items({"name": "new"})).status_code == 403
        assert member.post("/groups/delete", json=items(other)).status_code == 403
        assert member.post("/groups/delete", json=items(own["id"])).status_code == 200
    http.post("/groups/delete", json=items(other)).raise_for_status()


@pytest.mark.parametrize("there", [True, False])
def test_groups_name_by_id_what_exists(http, plant, there):
    for acl, scope, kind in (
        ("datasetsAcl", "idScope", "data sets"), ("extractionPipelinesAcl", "idScope", "pipelines"),
        ("extractionRunsAcl", "extractionPipelineScope", "pipelines"),
        ("extractionConfigsAcl", "extractionPipelineScope", "pipelines"),
        ("extractionPipelinesAcl", "datasetScope", "data sets"), ("eventsAcl", "datasetScope", "data sets"),
        ("securityCategoriesAcl", "idscope", "categories"),
    ):  # fmt: skip
        ids = [*plant[kind], *([] if there else [123])]
        action = "MEMBEROF" if kind == "categories" else "READ"
        group = {"name": "g", "capabilities": [grant(acl, action, **{scope: {"ids": ids}})]}
        answer = http.post("/groups", json=items(group))
        if there:
            http.post("/groups/delete", json=items(answer.json()["items"][0]["id"])).raise_for_status()
        else:
            message = answer.json()["error"]["message"]
            assert (answer.status_code, message) == (400, "invalid capability reference(s): 123"), acl
