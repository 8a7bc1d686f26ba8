"""The viewer in a real browser: what is outlined is what stands there, by the plant's own truth."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from scipy.spatial.transform import Rotation

import viewer
from browser import DESKTOP, launched
from capture360.model import FACES, Match
from capture360.names import image_id
from capture360.steps.context import StepContext
from shown_capture import FIRST, SECOND, matches_of, record_matches

if TYPE_CHECKING:
    from conftest import Served

pytestmark = pytest.mark.browser
PHONE = {"width": 375, "height": 740}
RENDERERS = {"webgl": (), "software": ("--disable-3d-apis",)}
_LEAST_WIDE = 0.08
"""Of a face: plates that are worth comparing pixel by pixel."""


@pytest.fixture(scope="module", params=RENDERERS)
def renderer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def browser(renderer: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launched(playwright, *RENDERERS[renderer])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A page of somebody who is logged in. No error, no refused content and no foreign address is accepted."""
    made = served.reader(browser, viewport=dict(DESKTOP))
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    made.on("request", lambda asked: None if asked.url.startswith((served.url, "data:")) else wrong.append(asked.url))
    yield made
    made.context.close()
    assert wrong == []


def opened(page: Page, served: Served, fragment: str = "") -> Page:
    page.goto(f"{served.url}/capture360/view/{FIRST}{fragment}")
    whole(page)
    return page


def whole(page: Page) -> None:
    """Wait until the full faces are shown."""
    expect(page.locator(".cube").first).to_have_attribute("data-quality", "full", timeout=60_000)


def where(page: Page) -> dict[str, str]:
    """What the address says, once the view rests."""
    expect(page).to_have_url(re.compile("station="))
    return dict(part.split("=", 1) for part in page.evaluate("location.hash.slice(1)").split("&"))


def chosen(page: Page, tag: str) -> None:
    page.locator("#tag").fill(tag)
    page.locator("#found button", has_text=re.compile(f"^{re.escape(tag)}")).first.click()
    expect(page.locator("#details h2")).to_have_text(tag)
    page.wait_for_timeout(400)  # the address follows when the view has rested for a moment
    whole(page)


def truth(served: Served, match: Match) -> dict[str, Any]:
    """The plant's plate of a link, and the station that sees it."""
    folder = served.shown.plant.truth
    plates = json.loads((folder / "plates.json").read_text())["plates"]
    stations = json.loads((folder / "poses.json").read_text())["stations"]
    plate = next(each for each in plates if each["tag"] == match.detection.text)
    station = next(each for each in stations if image_id(FIRST, each["station"]) == match.detection.image)
    return {
        "corners": np.array(plate["corners"]),
        "position": np.array(station["position"]),
        "station": station["station"],
    }


def worth(served: Served) -> list[Match]:
    """Each tag's best view, as far as it is wide enough to be compared."""
    best: dict[str, tuple[float, Match]] = {}
    for match in served.shown.matches:
        xs = [x for x, _ in match.detection.polygon]
        assert match.asset is not None
        if max(xs) - min(xs) > best.get(match.asset.name, (_LEAST_WIDE, match))[0]:
            best[match.asset.name] = max(xs) - min(xs), match
    return [match for _, match in best.values()]


def outline(page: Page) -> NDArray[np.float32]:
    """Corners of the chosen plate in pixels of the page."""
    box = page.locator(".stage").first.bounding_box()
    assert box is not None
    shape = page.locator(".marks .plate.selected polygon:not(.reach)")
    points = [point.split(",") for point in str(shape.get_attribute("points")).split()]
    return np.array([[float(x) + box["x"], float(y) + box["y"]] for x, y in points], dtype=np.float32)


def picture(page: Page) -> NDArray[np.uint8]:
    """The page without the marks."""
    page.evaluate("document.querySelector('.marks').style.visibility = 'hidden'")
    page.wait_for_timeout(400)  # until the view rests and is drawn smoothly
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    page.evaluate("document.querySelector('.marks').style.visibility = ''")
    return shot


def difference(served: Served, match: Match, corners: NDArray[np.float32], shot: NDArray[np.uint8]) -> float:
    """Mean difference in grey levels between the delivered plate, put into the outline, and what is on the screen."""
    found = truth(served, match)
    face = served.shown.plant.folder / f"images/{found['station']}/{match.detection.face}.jpg"
    pixels = np.asarray(Image.open(face).convert("RGB"))
    delivered = np.array(match.detection.polygon, dtype=np.float32) * pixels.shape[0]
    change = cv2.findHomography(delivered, corners)[0]
    height, width = shot.shape[:2]
    there = cv2.warpPerspective(pixels, change, (width, height), flags=cv2.INTER_LINEAR).astype(float)
    mask = cv2.fillConvexPoly(np.zeros((height, width), np.uint8), corners.round().astype(np.int32), 1)
    return float(np.abs(there - shot)[mask == 1].mean())


def test_outlines_fall_on_plates_in_the_direction_where_they_are(page: Page, served: Served, renderer: str) -> None:
    opened(page, served)
    assert page.locator(".cube").get_attribute("data-renderer") == renderer
    compared = 0
    for match in worth(served)[:6]:
        assert match.asset is not None
        chosen(page, match.asset.name)
        if where(page)["station"] != match.detection.image:
            continue
        found = truth(served, match)
        towards = found["corners"].mean(axis=0) - found["position"]
        heading = math.degrees(math.atan2(towards[0], towards[1])) % 360
        pitch = math.degrees(math.atan2(towards[2], math.hypot(*towards[:2])))
        assert float(where(page)["heading"]) == pytest.approx(heading, abs=0.7)
        assert float(where(page)["pitch"]) == pytest.approx(pitch, abs=0.7)
        corners, shot = outline(page), picture(page)
        right = difference(served, match, corners, shot)
        shift = np.array([[np.ptp(corners[:, 0]) / 3, 0]], dtype=np.float32)
        aside = difference(served, match, corners + shift, shot)
        print(f"{match.asset.name}: {right:.1f} grey levels on the plate, {aside:.1f} beside it")
        assert 4 * right < aside, "plates of more contrast differ more, in place and out of it"
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("reverses", [False, True])
def test_a_search_turns_to_the_view_that_is_ranked_first(page: Page, served: Served, reverses: bool) -> None:
    plates: list[dict[str, Any]] = []

    def ranked(route: Route) -> None:
        answer = route.fetch()
        document = answer.json()
        for plate in document["plates"]:
            plate["rank"] *= -1 if reverses else 1
        plates[:] = document["plates"]
        route.fulfill(response=answer, json=document)

    page.route("**/views/**", ranked)
    opened(page, served)
    views: dict[str, list[dict[str, Any]]] = {}
    for plate in plates:
        if plate["state"] == "approved":
            views.setdefault(plate["links"][0]["asset"], []).append(plate)
    tag = next(name for name, some in views.items() if len({each["station"] for each in some}) > 1)
    chosen(page, tag)
    assert where(page)["station"] == min(views[tag], key=lambda each: each["rank"])["station"]


def test_its_mathematics_is_that_of_the_public_viewer(page: Page, served: Served) -> None:
    """For poses that lean in every way: a face point lies in the direction in which the public viewer shows it."""
    opened(page, served)
    random = np.random.default_rng(7)
    cases, expected = [], []
    for rotation in Rotation.random(40, random_state=7):
        ex, ez, ey = rotation.as_euler("XZY")
        image = {"eulerRotationX": ex, "eulerRotationY": ey, "eulerRotationZ": ez}
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        face, u, v = viewer.look(image, direction)
        cases.append([face, u, v, np.roll(rotation.as_quat(), 1).tolist()])
        expected.append(direction)
    got = page.evaluate(
        """async (cases) => {
          const { faceDirection, turn } = await import("/capture360/static/geometry.js");
          return cases.map(([face, u, v, rotation]) => turn(rotation, faceDirection(face, [u, v])));
        }""",
        cases,
    )
    assert {case[0] for case in cases} == set(FACES)
    np.testing.assert_allclose(got, expected, atol=1e-9)


def test_an_address_brings_a_colleague_to_the_same_view(page: Page, served: Served) -> None:
    station = image_id(FIRST, "s-002")
    opened(page, served, f"#station={station}&heading=123.4&pitch=-12.5&fov=40")
    expect(page.locator(".caption")).to_contain_text("Hall stop 2")
    assert where(page) == {"station": station, "heading": "123.4", "pitch": "-12.5", "fov": "40"}
    opened(page, served, "#station=gone&heading=1")
    expect(page.locator(".caption")).to_contain_text("Hall stop 1")
    expect(page.locator("#status")).to_contain_text("looking")


def test_keys_turn_zoom_and_walk(page: Page, served: Served) -> None:
    opened(page, served, f"#station={image_id(FIRST, 's-001')}&heading=270&pitch=0&fov=80")
    page.locator(".stage").focus()
    for key in ("ArrowLeft", "ArrowUp", "+"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(r"heading=260\.0"))
    assert (where(page)["pitch"], where(page)["fov"]) == ("10.0", "67")
    page.keyboard.press("PageUp")
    expect(page.locator(".caption")).to_contain_text("Hall stop 2")
    page.keyboard.press("PageUp")
    expect(page.locator(".caption")).to_contain_text("Hall stop 3")
    page.keyboard.press("PageUp")
    expect(page.locator("#status")).to_have_text("There is no station ahead. Turn, or choose one on the plan.")


def test_stations_are_reached_on_the_floor_and_on_the_plan(page: Page, served: Served) -> None:
    opened(page, served, f"#station={image_id(FIRST, 's-001')}&heading=270&pitch=-25&fov=90")
    page.locator(".marks .station:not(.away)", has_text="Hall stop 2").click()
    expect(page.locator(".caption")).to_contain_text("Hall stop 2")
    page.get_by_role("button", name=re.compile("^Station Hall stop 3")).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".caption")).to_contain_text("Hall stop 3")
    expect(page.locator(".plan [aria-current=location]")).to_have_attribute("aria-label", re.compile("Hall stop 3"))


def test_a_drag_turns_and_chooses_nothing(page: Page, served: Served) -> None:
    opened(page, served, f"#station={image_id(FIRST, 's-001')}&heading=100&pitch=0&fov=80")
    box = page.locator(".stage").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 200, middle[1] + 40, steps=5)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"heading=100\.0"))
    assert float(where(page)["heading"]) < 95
    assert float(where(page)["pitch"]) > 1
    expect(page.locator("#details")).to_be_hidden()


def test_keys_choose_marks_after_a_drag(page: Page, served: Served) -> None:
    opened(page, served, f"#station={image_id(FIRST, 's-001')}&heading=270&pitch=-25&fov=90")
    box = page.locator(".stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 30, steps=3)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(r"heading=270\.0"))
    page.locator(".marks .station:not(.away)", has_text="Hall stop 2").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".caption")).to_contain_text("Hall stop 2")


def test_a_plate_tells_its_state_and_leads_to_cdf(page: Page, served: Served) -> None:
    opened(page, served)
    match = next(each for each in worth(served) if each.status == "suggested")
    assert match.asset is not None
    chosen(page, match.asset.name)
    details = page.locator("#details")
    expect(details).to_contain_text("suggested")
    link = details.get_by_role("link", name=f"{match.asset.name} in CDF")
    expect(link).to_have_attribute("href", f"{served.shown.running.base_url}/?asset={match.asset.ref}")
    letters = page.evaluate(
        """tag => [...document.querySelectorAll("#details *, #plates *, #found *, .marks text")]
        .filter(each => each.children.length === 0 && each.textContent.includes(tag))
        .map(each => getComputedStyle(each).fontFamily)""",
        match.asset.name,
    )
    assert len(letters) >= 5
    assert all("Mono" in each for each in letters), "0 and O look alike"
    rejected = served.shown.matches[-1]
    assert rejected.asset is not None
    page.goto(f"{served.url}/capture360/view/{FIRST}#station={rejected.detection.image}")
    expect(page.locator(".marks .plate.rejected")).to_have_count(1)
    page.get_by_role("checkbox", name="rejected").uncheck()
    expect(page.locator(".marks .plate.rejected.filtered")).to_have_count(1)


def test_two_captures_of_a_place_turn_together(page: Page, served: Served) -> None:
    opened(page, served, f"#station={image_id(FIRST, 's-002')}&heading=10&pitch=0&fov=80")
    page.get_by_role("button", name="Compare").click()
    page.locator("#other").fill(str(SECOND))
    page.get_by_role("button", name="Show").click()
    captions = page.locator(".caption")
    expect(captions.nth(1)).to_contain_text(f"{SECOND} · Hall stop 2")
    page.locator(".stage").nth(1).focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"heading=20\.0"))
    assert where(page)["with"] == str(SECOND).replace("/", "%2F")
    page.get_by_role("button", name=re.compile("^Station Hall stop 1")).click()
    expect(captions.nth(1)).to_contain_text("Hall stop 1")
    page.locator("#beside").get_by_role("button", name="Close").click()
    expect(captions).to_have_count(1)


@pytest.fixture
def plates_in_both(served: Served) -> Iterator[None]:
    """SECOND has plates too."""
    shown = served.shown
    ctx = StepContext(shown.site, shown.records, shown.cdf, "test", lambda _: None)
    record_matches(ctx, SECOND, list(matches_of(SECOND, shown.plant)))
    yield
    record_matches(ctx, SECOND, ())


@pytest.mark.usefixtures("plates_in_both")
@pytest.mark.parametrize("then", ["closed", "replaced"])
def test_a_plate_of_the_second_capture_is_forgotten_with_it(page: Page, served: Served, then: str) -> None:
    asset = worth(served)[0].asset
    assert asset is not None
    opened(page, served, f"#with={SECOND.site}%2F{SECOND.capture}")
    second = page.locator(".pane").nth(1)
    expect(second.locator(".caption")).to_contain_text(str(SECOND))
    chosen(page, asset.name)
    page.keyboard.press("Escape")
    second.locator(".marks .plate:not(.away)", has_text=asset.name).first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#details h2")).to_have_text(asset.name)
    if then == "closed":
        page.locator("#beside").get_by_role("button", name="Close").click()
    else:
        page.locator("#other").fill(str(FIRST))
        page.get_by_role("button", name="Show", exact=True).click()
        expect(second.locator(".caption")).to_contain_text(str(FIRST))
    expect(page.locator("#details")).to_be_hidden()


def test_a_note_of_what_is_missing_is_shown(page: Page, served: Served) -> None:
    page.route(
        "**/views/**", lambda route: route.fulfill(json={**route.fetch().json(), "note": "<b>3</b> are missing."})
    )
    opened(page, served)
    expect(page.locator("#note")).to_have_text("<b>3</b> are missing.")


def test_faces_that_are_refused_say_why(browser: Browser, served: Served) -> None:
    page = opened(served.reader(browser), served, f"#station={image_id(FIRST, 's-001')}")
    page.context.clear_cookies()
    page.get_by_role("button", name=re.compile("^Station Hall stop 3")).click()
    problem = page.locator(".pane .problem")
    expect(problem).to_have_text(re.compile("^6 of 6 faces of Hall stop 3 cannot be shown. You are not logged in."))
    page.context.close()


def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, served: Served) -> None:
    page = opened(served.reader(browser, viewport=PHONE, has_touch=True, is_mobile=True), served)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    heights = page.locator("button:visible").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert min(heights) >= 40
    page.context.close()


def test_without_login_the_page_is_not_there(browser: Browser, served: Served) -> None:
    page = browser.new_page()
    answer = page.goto(f"{served.url}/capture360/view/{FIRST}")
    assert answer is not None
    assert page.url == f"{served.url}/auth/login?next=%2Fcapture360%2Fview%2Fhall-7%2Fwalk-1"
    assert page.locator("canvas, #panes").count() == 0
    page.close()


def test_a_capture_that_is_not_in_cdf_is_told_in_a_sentence(browser: Browser, served: Served) -> None:
    page = served.reader(browser)
    page.goto(f"{served.url}/capture360/view/hall-7/never")
    expect(page.get_by_role("alert")).to_contain_text("hall-7/never has no images in CDF. The site has 2")
    page.context.close()
