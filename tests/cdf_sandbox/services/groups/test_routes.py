"""Groups: what they grant is what a token may do."""

import pytest
from cognite.client.data_classes import GroupWrite
from cognite.client.data_classes.capabilities import FilesAcl
from cognite.client.exceptions import CogniteAPIError

from cdf_sandbox_calls import items

READ_FILES = {"filesAcl": {"actions": ["READ"], "scope": {"all": {}}}}


@pytest.fixture
def bare(running):
    """A client that may do nothing, over HTTP, and its id."""
    client_id, secret = running.make_client("bare", [])
    with running.http(client_id, secret) as session:
        yield session, client_id


@pytest.mark.parametrize("membership", ["sourceId", "members"])
def test_a_token_may_do_what_its_groups_grant(http, bare, membership):
    session, client_id = bare
    assert session.post("/files/list", json={}).status_code == 403
    member = client_id if membership == "sourceId" else [client_id]
    group = {"name": "readers", "capabilities": [READ_FILES], membership: member}
    made = http.post("/groups", json=items(group)).raise_for_status()
    assert made.status_code == 201
    (shown,) = made.json()["items"]
    assert shown == group | {"id": shown["id"], "isDeleted": False}
    assert session.post("/files/list", json={}).status_code == 200
    assert [each["name"] for each in session.get("/groups").json()["items"]] == sorted(
        ["bare", "readers"], key=lambda name: {"readers": shown["id"]}.get(name, own_id(session, client_id))
    )
    assert http.post("/groups/delete", json=items(shown["id"])).json() == {}
    assert session.post("/files/list", json={}).status_code == 403


def own_id(session, client_id):
    return next(each["id"] for each in session.get("/groups").json()["items"] if each["name"] == client_id)


LIST = {"actions": ["LIST"], "scope": {"all": {}}}


def test_a_token_is_inspected_by_who_may_list_projects_and_groups(running, start_sandbox):
    path = "/api/v1/token/inspect"
    for acls, told in (((), "projectsAcl"), (["projectsAcl"], "groupsAcl"), (["groupsAcl"], "projectsAcl")):
        with running.http(*running.make_client("asks", [{acl: LIST} for acl in acls])) as session:
            refused = session.get(running.base_url + path)
            assert (refused.status_code, told in refused.text) == (403, True)
            assert session.get("/groups").status_code == 200
    with running.http(*running.make_client("asks", [{"projectsAcl": LIST}, {"groupsAcl": LIST}])) as session:
        assert session.get(running.base_url + path).status_code == 200
    with (
        start_sandbox(inspection_needs_capabilities=False) as loose,
        loose.http(*loose.make_client("asks", [])) as session,
    ):
        assert session.get(loose.base_url + path).status_code == 200


def test_the_token_names_its_groups(running, http):
    may = [{"projectsAcl": LIST}, {"groupsAcl": LIST}]
    with running.http(*running.make_client("member", may)) as session:
        names_its_groups(running, session)
    full = http.get(f"{running.base_url}/api/v1/token/inspect").json()
    assert all(each["projectScope"] == {"projects": ["capture360"]} for each in full["capabilities"])


def names_its_groups(running, session):
    told = session.get(f"{running.base_url}/api/v1/token/inspect").json()
    assert told["projects"] == [
        {"projectUrlName": "capture360", "groups": [each["id"] for each in session.get("/groups").json()["items"]]}
    ]


def test_only_those_who_may_list_see_all_groups(http, bare):
    session, _ = bare
    assert len(session.get("/groups").json()["items"]) == 1
    assert session.get("/groups", params={"all": "true"}).status_code == 403
    assert len(http.get("/groups", params={"all": "true"}).json()["items"]) >= 2
    for path, body in (("/groups", items({"name": "n"})), ("/groups/delete", items(1))):
        assert session.post(path, json=body).status_code == 403


@pytest.mark.parametrize("there", [True, False])
def test_scopes_of_a_group_name_what_exists(http, there):
    http.post("/models/spaces", json=items({"space": "scoped"})).raise_for_status()
    (data_set,) = http.post("/datasets", json=items({"name": "scoped"})).raise_for_status().json()["items"]
    for acl, scope in (
        ("dataModelInstancesAcl", {"spaceIdScope": {"spaceIds": ["scoped", "cdf_cdm", *([] if there else ["none"])]}}),
        ("filesAcl", {"datasetScope": {"ids": [data_set["id"], *([] if there else ["123"])]}}),
    ):
        group = {"name": "g", "capabilities": [{acl: {"actions": ["READ"], "scope": scope}}]}
        answer = http.post("/groups", json=items(group))
        if there:
            http.post("/groups/delete", json=items(answer.json()["items"][0]["id"])).raise_for_status()
        else:
            assert answer.status_code == 400
            assert "invalid capability reference(s)" in answer.json()["error"]["message"]


def test_the_source_of_a_group_may_be_empty(http):
    (made,) = http.post("/groups", json=items({"name": "g", "sourceId": ""})).raise_for_status().json()["items"]
    assert made["sourceId"] == ""
    http.post("/groups/delete", json=items(made["id"])).raise_for_status()


def test_groups_by_the_sdk(client):
    made = client.iam.groups.create(
        GroupWrite("sdk", capabilities=[FilesAcl([FilesAcl.Action.Read], FilesAcl.Scope.All())], source_id="x")
    )
    assert made.id in {group.id for group in client.iam.groups.list(all=True)}
    client.iam.groups.delete(made.id)
    with pytest.raises(CogniteAPIError) as refused:
        client.iam.groups.delete(made.id)
    assert (refused.value.code, refused.value.missing) == (400, [{"id": made.id}])


@pytest.mark.parametrize(
    "group",
    [
        {}, {"name": ""}, {"name": "n", "sourceId": "s", "members": "allUserAccounts"}, {"name": "n", "members": "all"},
        {"name": "n", "capabilities": [{}]}, {"name": "n", "capabilities": [{"nothingAcl": READ_FILES["filesAcl"]}]},
        {"name": "n", "capabilities": [{"filesAcl": {"actions": ["FLY"], "scope": {"all": {}}}}]},
        {"name": "n", "capabilities": [{"filesAcl": {"actions": ["READ"], "scope": {}}}]},
        {"name": "n", "capabilities": [{"filesAcl": {"actions": [], "scope": {"all": {}}}}]},
        {"name": "n", "capabilities": [{"filesAcl": {"actions": ["READ"], "scope": {"datasetScope": {"ids": 5}}}}]},
        {"name": "n", "capabilities": [{"filesAcl": {"actions": ["READ"], "scope": {"datasetScope": {"ids": "5"}}}}]},
        {"name": "n", "capabilities": [READ_FILES | {"assetsAcl": READ_FILES["filesAcl"]}]},
    ],
)  # fmt: skip
def test_groups_that_are_refused(http, group):
    assert http.post("/groups", json=items(group)).status_code == 400
