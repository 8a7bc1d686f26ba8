"""The page for reviewing suggested links, and the routes that its script calls.

    review/<site>/<capture>            the page
    review/<site>/<capture>/answers    POST: answers about plates, stored at once; 409 if a newer one is there
    review/<site>/<capture>/finish     POST: answers the run that asks, which then writes to CDF
    review/<site>/<capture>/assets     assets of the site by a part of their tags, as JSON

Whoever may answer Required Actions of **captures_review** decides; the others who may read it see the page.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Literal

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from cachetools import LRUCache
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from airflow_capture360.web.kept import Kept
from airflow_capture360.web.panoramas import CaptureId, SiteId
from airflow_capture360.web.responses import Json, html_page
from airflow_capture360.web.review_run import ReviewRun, finish_run, may_decide, run_state
from airflow_capture360.web.site_register import site_register
from capture360 import dag_names
from capture360.errors import CdfError, UnavailableError
from capture360.model import Asset, CaptureKey
from capture360.text import without_secrets

if TYPE_CHECKING:
    from capture360.records import Records
    from capture360.steps.review_page import OpenReview
    from capture360.steps.review_plates import Question

log = logging.getLogger(__name__)
router = APIRouter(dependencies=[Depends(requires_access_dag("GET", param_dag_id=dag_names.REVIEW))])

_MOST_ANSWERS = 1000
_ASSETS_UNUSED_S, _ASSETS_OLDEST_S = 300, 600
_LEAST_FOR_CDF = 3
"""Letters and digits of a text that CDF's assets are searched for."""
_SITES_REMEMBERED = 8
_REVIEWS_REMEMBERED = 16
_LONGEST_LIST_S = 60.0
"""Seconds that whoever asks waits for a list of assets, which takes minutes where there are very many."""
kept_assets: Kept[str, Mapping[str, Asset]] = Kept(
    2 * _SITES_REMEMBERED, _ASSETS_UNUSED_S, _ASSETS_OLDEST_S, longest_s=_LONGEST_LIST_S
)
"""Two lists of each site."""
_reviews: LRUCache[tuple[CaptureKey, str], OpenReview] = LRUCache(_REVIEWS_REMEMBERED)
"""Reviews by their digests, so that an answer does not read its review as a whole."""
_lock = threading.Lock()


class GivenAnswer(BaseModel):
    """A person's answer about a plate, based on `version` of its answers; `asset` is a reference.

    `open` takes the person's own answers back: that of version `before` holds again, as another person gave it.
    """

    model_config = ConfigDict(extra="forbid")

    plate: str = Field(pattern=r"^[0-9a-f]{16}$")
    version: int = Field(ge=0, le=999_998)
    choice: Literal["approve", "reject", "leave", "open"]
    asset: str | None = Field(default=None, max_length=600)
    before: int = Field(default=0, ge=0, le=999_998)


class GivenAnswers(BaseModel):
    """Answers to the review with this digest."""

    model_config = ConfigDict(extra="forbid")

    review: str = Field(pattern=r"^[0-9a-f]{16}$")
    answers: list[GivenAnswer] = Field(min_length=1, max_length=_MOST_ANSWERS)


class Finished(BaseModel):
    """The review that a person finishes."""

    model_config = ConfigDict(extra="forbid")

    review: str = Field(pattern=r"^[0-9a-f]{16}$")


def from_our_page(request: Request) -> None:
    """Refuse cross-site requests with 403: forms cannot send JSON, and browsers state the origin."""
    sent_from = request.headers.get("sec-fetch-site", "same-origin")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent_from not in {"same-origin", "none"} or media_type != "application/json":
        raise HTTPException(403, "Answers are taken as JSON from the review page alone.")


_DECIDES = [
    Depends(requires_access_dag("PUT", DagAccessEntity.HITL_DETAIL, param_dag_id=dag_names.REVIEW)),
    Depends(from_our_page),
]


@router.get("/review/{site}/{capture}")
def review(session: SessionDep, user: GetUserDep, site: SiteId, capture: CaptureId) -> Response:
    """Return the page; it has no plates if there is no review."""
    from capture360.reports.review_cards import Head, render_review
    from capture360.steps.review_page import asked_plates, outdated

    key = CaptureKey(site, capture)
    records, found = _opened(key)
    if found is None:
        return html_page(render_review(Head(key, "", "", may_decide(user), ""), [], lambda _: "", lambda _: {}))
    run = run_state(session, found.run)
    plates = asked_plates(records, found)
    closed = run.closed or outdated(records, found)
    head = Head(key, found.digest, run.address and f"../../../{run.address}", may_decide(user), closed, run.kept)
    base = f"../../reports/{key}/{found.fingerprint}"
    content = render_review(head, plates, lambda view: (name := found.picture(view)) and f"{base}/{name}", found.place)
    return html_page(content)


@router.post("/review/{site}/{capture}/answers", dependencies=_DECIDES)
def answer(session: SessionDep, user: GetUserDep, site: SiteId, capture: CaptureId, given: GivenAnswers) -> Response:
    """Store answers; return for each the newest answer about its plate, and whether it is the one that was sent."""
    from dataclasses import asdict

    from capture360.matching.questions import tags_of
    from capture360.steps.review_answers import Answer, give, take_back
    from capture360.steps.review_page import said

    key = CaptureKey(site, capture)
    records, found = _current(key, given.review)
    _refuse_closed(session, records, found)
    plates = found.plates
    now = datetime.now(UTC).isoformat(timespec="seconds")
    chosen = []
    for each in given.answers:  # before any is stored: a request that is refused changes nothing
        if each.plate not in plates:
            raise HTTPException(404, "This review has no such plate. Load the page again.")
        chosen.append(_asset(site, plates[each.plate], each))
    results = []
    for each, asset in zip(given.answers, chosen, strict=True):
        offered = tuple(tag.ref for tag, _ in tags_of(plates[each.plate].match))
        given_now = Answer(each.choice, asset, user.get_name(), now, shown=offered)
        if each.choice == "open":
            newest, taken = take_back(records, key, each.plate, each.version, each.before, given_now, found.run)
        else:
            newest, taken = give(records, key, each.plate, each.version, given_now)
        shown = said(newest or Answer("open", None, "", ""))
        results.append({"plate": each.plate, "taken": taken, **asdict(shown)})
    if run_state(session, found.run).closed:
        raise HTTPException(409, "Somebody has just finished this review. Load it again to see what counts.")
    status = 200 if all(each["taken"] for each in results) else 409
    return Json({"results": results}, status, headers={"Cache-Control": "no-store"})


@router.post("/review/{site}/{capture}/finish", dependencies=_DECIDES)
def finish(session: SessionDep, user: GetUserDep, site: SiteId, capture: CaptureId, done: Finished) -> Response:
    """Answer the review's Required Action: what is decided on the page is written, the rest is left."""
    key = CaptureKey(site, capture)
    records, found = _current(key, done.review)
    run = _refuse_closed(session, records, found)
    if not run.asking:
        raise HTTPException(409, "Airflow does not ask yet. Finish again in some seconds.")
    finish_run(session, user, run)
    return Json({"sentence": "Done. captures_review writes it to CDF now."}, headers={"Cache-Control": "no-store"})


@router.get("/review/{site}/{capture}/assets")
def assets(
    site: SiteId,
    capture: CaptureId,  # noqa: ARG001 - a part of the address
    like: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Return assets of the site with `like` in their names or tags.

    CDF, which lists its assets for long, is asked for what is no mere beginning of a word; while it does not answer,
    what is kept has to do.
    """
    from capture360.matching.normalise import key as comparable
    from capture360.steps.review_page import assets_like

    lists = assets_of(site)
    found = assets_like(next(lists), like)
    if not found and len(comparable(like)) >= _LEAST_FOR_CDF:
        try:
            found = assets_like(next(lists), like)
        except (CdfError, UnavailableError) as error:
            log.warning("Assets of %s are searched in the kept list alone: %s", site, without_secrets(str(error)))
    return Json(found, headers={"Cache-Control": "private, no-store"})


def _asset(site: str, question: Question, given: GivenAnswer) -> Asset | None:
    """Return the approved asset; 422 if neither the plate nor the site has it."""
    from capture360.steps.review_page import candidates

    if given.choice != "approve":
        return None
    lists = chain([candidates(question)], assets_of(site)) if given.asset else ()
    asset = next(filter(None, (each.get(given.asset or "") for each in lists)), None)
    if asset is None:
        raise HTTPException(422, "The site has no such asset. Choose another one.")
    return asset


def _opened(key: CaptureKey) -> tuple[Records, OpenReview | None]:
    """Return the newest review of a capture, to be shown."""
    from capture360.steps.review_page import newest_review

    records = _records(key)
    found = newest_review(records, key)
    if found is not None:
        _remember(found)
    return records, found


def _records(key: CaptureKey) -> Records:
    from capture360.records import Records

    register = site_register()
    register.site(key.site)
    return Records(register.records_url)


def _remember(review: OpenReview) -> None:
    with _lock:
        _reviews[review.key, review.digest] = review


def _current(key: CaptureKey, digest: str) -> tuple[Records, OpenReview]:
    """Return the review that a page shows; 409 if there is a newer one."""
    from capture360.steps.review_page import review_with

    records = _records(key)
    with _lock:
        known = _reviews.get((key, digest))
    found = review_with(records, key, digest, known)
    if found is None:
        raise HTTPException(409, f"{key} was asked about again since this page was loaded. Load it again.")
    _remember(found)
    return records, found


def _refuse_closed(session: SessionDep, records: Records, review: OpenReview) -> ReviewRun:
    """Return the run of a review; 409 if it takes no more answers, or what it asks about is no longer shown."""
    from capture360.steps.review_page import outdated

    run = run_state(session, review.run)
    if reason := run.closed or outdated(records, review):
        raise HTTPException(409, reason)
    return run


def assets_of(site: str) -> Iterator[Mapping[str, Asset]]:
    """Yield lists of a site's assets by reference, each cached for some minutes: look in the next if one lacks it.

    The first is what its texts were matched to last, which lies beside the records, the other that of CDF, which lists
    them page by page.
    """
    yield kept_assets.get(f"the asset list of {site}", lambda: _read_kept(site))
    yield kept_assets.get(f"the assets of {site} in CDF", lambda: _read_from_cdf(site))


def _read_kept(site: str) -> Mapping[str, Asset]:
    from capture360.records import Records
    from capture360.steps.asset_list import asset_list

    kept = asset_list(Records(site_register().records_url), site)
    return {asset.ref: asset for asset in kept.assets} if kept else {}


def _read_from_cdf(site: str) -> Mapping[str, Asset]:
    from airflow_capture360.hooks import CogniteCdfHook
    from capture360.cdf.registry import mode_of

    settings = site_register().site(site)
    cdf = CogniteCdfHook(settings.connection).project()
    return {asset.ref: asset for asset in mode_of(cdf).assets(cdf, settings.links).assets()}
