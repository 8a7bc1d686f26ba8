"""Security categories: only members of all categories of a file may see it."""

import pytest
from cognite.client.data_classes import SecurityCategoryWrite
from cognite.client.exceptions import CogniteDuplicatedError

from cdf_sandbox_calls import items
from local_cdf import PLAIN


def test_security_categories_by_the_sdk(client):
    made = client.iam.security_categories.create([SecurityCategoryWrite("b"), SecurityCategoryWrite("a")])
    assert [category.name for category in client.iam.security_categories.list()] == ["a", "b"]
    assert [category.name for category in client.iam.security_categories.list(sort="DESC")] == ["b", "a"]
    with pytest.raises(CogniteDuplicatedError):
        client.iam.security_categories.create(SecurityCategoryWrite("a"))
    client.iam.security_categories.delete([category.id for category in made])
    assert len(client.iam.security_categories.list()) == 0


def test_pages_of_security_categories(http):
    ids = [
        each["id"]
        for each in http.post("/securitycategories", json=items(*({"name": n} for n in "xyz"))).json()["items"]
    ]
    seen, cursor = [], None
    while True:
        query = {"limit": 2, "sort": "DESC"} | ({"cursor": cursor} if cursor else {})
        page = http.get("/securitycategories", params=query).raise_for_status().json()
        seen += [each["name"] for each in page["items"]]
        if (cursor := page.get("nextCursor")) is None:
            break
    assert seen == ["z", "y", "x"]
    assert http.get("/securitycategories", params={"cursor": "MQ"}).status_code == 400
    http.post("/securitycategories/delete", json=items(*ids)).raise_for_status()
    assert http.post("/securitycategories/delete", json=items(*ids)).status_code == 400


def _all(acl, *actions, **scope):
    return {acl: {"actions": list(actions), "scope": scope or {"all": {}}}}


@pytest.fixture
def plant(running, http):
    """The ids of two categories, and a file in the first and one in both."""
    made = http.post("/securitycategories", json=items({"name": "one"}, {"name": "two"})).json()["items"]
    one, two = (each["id"] for each in made)
    for name, categories in (("free", []), ("first", [one]), ("both", [one, two])):
        body = {"name": name, "externalId": name, "securityCategories": categories}
        answer = http.post("/files", json=body, params={"overwrite": "true"}).raise_for_status().json()
        PLAIN.put(answer["uploadUrl"], content=b".").raise_for_status()
    yield one, two
    http.post("/securitycategories/delete", json=items(one, two)).raise_for_status()


@pytest.mark.parametrize("scope", ["idscope", "idScope"])
def test_files_are_for_members_of_all_their_categories(running, plant, scope):
    one, two = plant
    grants = [
        _all("filesAcl", "READ", "WRITE"), _all("annotationsAcl", "READ"),
        _all("securityCategoriesAcl", "MEMBEROF", **{scope: {"ids": [one]}}),
    ]  # fmt: skip
    with running.http(*running.make_client("member", grants)) as member:
        listed = member.post("/files/list", json={}).json()["items"]
        assert sorted(each["name"] for each in listed) == ["first", "free"]
        named = items({"externalId": "both"})
        on_file = {"annotatedResourceType": "file", "annotatedResourceIds": named["items"]}
        calls = [
            ("/files/byids", named), ("/files/downloadlink", named), ("/files/delete", named),
            ("/files/update", items({"externalId": "both", "update": {"source": {"set": "s"}}})),
            ("/files/update", items({"externalId": "free", "update": {"securityCategories": {"set": [two]}}})),
            ("/files", {"name": "n", "securityCategories": [two]}),
            ("/files/uploadlink", named),
            ("/annotations/list", {"filter": on_file}),
        ]  # fmt: skip
        for path, body in calls:
            refused = member.post(path, json=body)
            assert refused.status_code == 403, path
            assert "securityCategoriesAcl:MEMBEROF" in refused.json()["error"]["message"]
        member.post("/files/byids", json=items({"externalId": "first"})).raise_for_status()


def test_a_category_that_does_not_exist_is_refused(http):
    answer = http.post("/files", json={"name": "n", "securityCategories": [5]})
    assert (answer.status_code, answer.json()["error"]["missing"]) == (400, [{"id": 5}])


def test_a_file_keeps_categories_that_were_deleted(http):
    made = http.post("/securitycategories", json=items({"name": "short-lived"})).json()["items"][0]["id"]
    http.post("/files", json={"name": "n", "externalId": "kept", "securityCategories": [made]}).raise_for_status()
    http.post("/securitycategories/delete", json=items(made)).raise_for_status()
    change = {"externalId": "kept", "update": {"source": {"set": "s"}}}
    (shown,) = http.post("/files/update", json=items(change)).raise_for_status().json()["items"]
    assert shown["securityCategories"] == [made]
