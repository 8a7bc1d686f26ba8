"""3D jobs as a detector: one job a delivery, results by one parser, and what is unknown is kept and never guessed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

import core_project as core
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.paging import all_items
from capture360.cdf.ports import Collection
from capture360.cdf.three_d.jobs import TextJobs
from capture360.detection.job_results import UnknownResultError, parse, structure
from capture360.detection.job_wait import JobsPending, JobWait
from capture360.detection.jobs import JobDetector
from capture360.errors import CdfError, CdfUnavailableError
from capture360.model import Detection, Pose, PublishedImage
from capture360.settings.detection import JobSettings
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox

COLLECTION = Collection(core.SPACE, "collection")
JOBS = "*/3d/jobs"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(
        tmp_path_factory.mktemp("cdf"), ProjectMode.DATA_MODELING, detection_queue=0, detection_processing=0
    )
    with run_sandbox(options) as sandbox:
        client = sandbox.client()
        core.make_collection(client)
        faces = dict.fromkeys(core.FACES, core.picture())
        core.make_image(client, "one", faces | {"left": core.picture(("21-PT-1019A", (90, 230)))})
        core.make_image(client, "two", faces | {"top": core.picture(("V-204", (90, 230)))})
        yield sandbox


class Desk:
    """A detector with what it kept and said."""

    def __init__(self, running: RunningSandbox) -> None:
        connection = Connection.from_mapping({**running.connection, "mode": "data_modeling"}, "test")
        self.cdf = CdfProject(connection)
        self.jobs = TextJobs(self.cdf)
        self.kept: dict[str, bytes] = {}
        self.said: list[str] = []

    def detector(self, job: str, patience: JobWait | None = None, **settings: Any) -> JobDetector:
        return JobDetector(
            self.jobs, {COLLECTION: job}, core.SPACE, JobSettings(**settings), self._keep, self.said.append,
            patience or JobWait(),
        )  # fmt: skip

    def _keep(self, name: str, content: bytes) -> str:
        self.kept[name] = content
        return f"memory://{name}"


@pytest.fixture
def desk(running: RunningSandbox) -> Desk:
    return Desk(running)


def images(*names: str) -> list[PublishedImage]:
    return [PublishedImage(name, core.SPACE, "station", Pose((0, 0, 0), (1, 0, 0, 0)), {}) for name in names]


def texts(found: list[Detection]) -> list[tuple[str, str, str]]:
    return sorted((each.image, each.face, each.text) for each in found)


BOTH = [("one", "left", "21-PT-1019A"), ("two", "top", "V-204")]


def made(desk: Desk, name: str) -> int:
    """How many jobs of a name there are."""
    client = desk.cdf.client
    url = f"/api/v1/projects/{client.config.project}/3d/jobs/list"
    return sum(
        item["externalId"] == name for item in all_items("Listing", lambda cursor: client.post(url, dict(cursor)))
    )


def test_texts_come_back_on_their_faces(desk: Desk) -> None:
    found = list(desk.detector("plain").detect(images("one", "two")))
    assert texts(found) == BOTH
    (plate,) = [each for each in found if each.image == "one"]
    (left, top), _, (right, bottom), _ = plate.polygon
    assert 0.1 < left < 0.2 < right < 0.9
    assert 0.4 < top < bottom < 0.6


def test_batches_and_repetitions_share_one_job(running: RunningSandbox, desk: Desk) -> None:
    assert texts(list(desk.detector("shared").detect(images("one")))) == BOTH[:1]
    before = running.mutating()
    assert texts(list(desk.detector("shared").detect(images("two")))) == BOTH[1:]
    assert running.mutating() == before


@pytest.mark.parametrize("repeats", [True, False], ids=["the client repeats", "the client gives up"])
def test_a_lost_answer_leaves_one_job(
    desk: Desk, order: Callable[..., None], monkeypatch: pytest.MonkeyPatch, repeats: bool
) -> None:
    if not repeats:
        monkeypatch.setattr("cognite.client.global_config.max_retries", 0)
    order(method="POST", path=JOBS, effect="commit-then-reset")
    name = f"lost-{repeats}"
    assert texts(list(desk.detector(name).detect(images("one", "two")))) == BOTH
    assert made(desk, name) == 1


def test_what_never_arrived_is_told(desk: Desk, order: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cognite.client.global_config.max_retries", 0)
    order(method="POST", path=JOBS, effect="status", status=503)
    with pytest.raises(CdfUnavailableError, match="Starting a 3D job"):
        list(desk.detector("never").detect(images("one")))
    assert made(desk, "never") == 0


def test_a_caller_that_does_not_wait_finds_its_job_again(desk: Desk) -> None:
    patience = JobWait.between_looks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextJobs, "find", lambda *_: None)  # it was only just scheduled
        with pytest.raises(JobsPending):
            list(desk.detector("patient", patience).detect(images("one")))
    patience.sleeps = True
    assert texts(list(desk.detector("patient", patience).detect(images("one")))) == BOTH[:1]
    assert made(desk, "patient") == 1


def test_many_jobs_before_ours(desk: Desk) -> None:
    for number in range(12):
        desk.jobs.start(core.SPACE, f"other-{number}", "other", COLLECTION)
    assert texts(list(desk.detector("late").detect(images("one")))) == BOTH[:1]
    assert list(desk.detector("late").detect(images("nobody"))) == []


def test_a_job_that_failed_says_so_and_is_started_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdf_sandbox.core.ocr import CannotRead

    def broken(*_: object) -> None:
        raise CannotRead("on order")

    with monkeypatch.context() as patch:
        patch.setattr("cdf_sandbox.services.three_d.text_detection.read_texts", broken)
        with pytest.raises(CdfError, match=r"ended as Failed\. CDF does not say why"):
            list(desk.detector("again").detect(images("one")))
    assert texts(list(desk.detector("again").detect(images("one")))) == BOTH[:1]
    assert any("starting it again" in line for line in desk.said)
    assert made(desk, "again") == 1


def test_a_job_that_does_not_end_is_given_up(desk: Desk, running: RunningSandbox) -> None:
    from dataclasses import replace

    slow = running.sandbox.options
    running.sandbox.options = replace(slow, detection_queue=100)
    try:
        with pytest.raises(CdfError, match=r"still Scheduled after .* Raise links\.cdf_3d_job\.deadline"):
            list(desk.detector("slow", deadline=timedelta(seconds=0.1)).detect(images("one")))
    finally:
        running.sandbox.options = slow
    running.advance(200)
    assert texts(list(desk.detector("slow").detect(images("one")))) == BOTH[:1]


@pytest.mark.parametrize("status", [400, 404], ids=["no content yet", "no file yet"])
def test_a_result_that_is_listed_before_its_content_is_there_is_asked_for_again(
    desk: Desk, order: Callable[..., None], status: int
) -> None:
    order(method="POST", path="*/files/downloadlink", effect="status", status=status)
    with pytest.raises(CdfUnavailableError, match="Downloading"):
        list(desk.detector(f"early-{status}").detect(images("one")))
    assert texts(list(desk.detector(f"early-{status}").detect(images("one")))) == BOTH[:1]
    assert made(desk, f"early-{status}") == 1


def test_what_people_rejected_is_left_out(desk: Desk, running: RunningSandbox) -> None:
    assert len(list(desk.detector("judged").detect(images("one", "two")))) == 2
    job = desk.jobs.find(core.SPACE, "judged")
    assert job is not None
    (result,) = desk.jobs.results(job)
    (text,) = [each for each in parse(desk.jobs.content(result)) if each.image == "one"]
    body = {
        "job": {"space": core.SPACE, "externalId": "judged"},
        "result": core.ref(result.external_id), "add": [text.key],
    }  # fmt: skip
    with running.http() as http:
        http.post("/3d/job/result/rejections", json=body).raise_for_status()
    assert texts(list(desk.detector("judged").detect(images("one", "two")))) == BOTH[1:]


def test_an_unknown_result_is_kept_and_its_structure_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = json.dumps({"version": "3.0", "annotations": [{"label": "SECRET-1", "quad": [1, 2.5]}]}).encode()
    list(desk.detector("strange").detect(images("one")))
    monkeypatch.setattr(TextJobs, "content", lambda *_: strange)
    with pytest.raises(UnknownResultError, match=r"kept at memory://.*\.json") as caught:
        list(desk.detector("strange").detect(images("one")))
    assert list(desk.kept.values()) == [strange]
    (said,) = [line for line in desk.said if line.startswith("Structure")]
    assert "annotations[].label: str\nannotations[].quad[]: int\nannotations[].quad[]: float" in said
    assert "SECRET-1" not in said + str(caught.value)


GOOD: dict[str, Any] = {
    "version": "1.0",
    "items": [
        {
            "key": "k",
            "image360": {"instanceId": {"space": "s", "externalId": "x"}},
            "text": "P-1",
            "confidence": 1,
            "polygon": {"version": "2.0.0", "data": [3, 1.5, 0.1, 1.5, 0.2, 1.6, 0.2]},
        }
    ],
}


def changed(path: str, to: Any) -> bytes:
    document = json.loads(json.dumps(GOOD))
    *way, last = path.split(".")
    holder: Any = document
    for part in way:
        holder = holder[int(part) if part.isdecimal() else part]
    holder[last] = to
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"{", b"[]", b"null", b"\xff", changed("version", "1.1"), changed("items", None), changed("more", 1),
        changed("items.0.text", 5), changed("items.0.confidence", "high"), changed("items.0.polygon.version", "1.0.1"),
        changed("items.0.polygon.data", [2, 1, 1]), changed("items.0.polygon.data", [3, 1, 1]),
        changed("items.0.image360", {"id": 5}), changed("items.0.extra", True), changed("items.0.confidence", 62.0),
        changed("items.0.confidence", -0.1),
    ],
)  # fmt: skip
def test_only_the_known_form_is_read(content: bytes) -> None:
    assert [text.text for text in parse(json.dumps(GOOD).encode())] == ["P-1"]
    with pytest.raises(UnknownResultError):
        parse(content)


def test_a_structure_is_short_however_long_the_document() -> None:
    assert structure([{"a": 1}] * 1000) == "[].a: int"
    assert structure({str(n): n for n in range(100)}).endswith("and 40 more fields")
    assert structure([]) == "[]: empty"
