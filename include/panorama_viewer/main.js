/** The page: one capture, or two of a place side by side, and what is around them. */

import * as address from "./address.js";
import { Capture, viewOf } from "./capture.js";
import { Details, STATES, Search, StateFilter, element, listPlates } from "./panel.js";
import { anglesOf, subtract } from "./geometry.js";
import { Pane, compass } from "./pane.js";
import { Plan } from "./plan.js";

const byId = (id) => document.getElementById(id);
const given = (name) => document.querySelector(`meta[name="panorama-${name}"]`).content;
const START = { heading: 0, pitch: -5, fov: 85 };
const SETTLED_MS = 250;

class Viewer {
  constructor(capture) {
    this.view = { ...START };
    this.states = new Set(STATES);
    this.plan = new Plan(byId("plan"), { onStation: (station) => this.go(this.main, station) });
    this.details = new Details(byId("details"), {
      onOther: (plate) => this.turnTo(plate),
      onClose: () => this.select(null),
    });
    this.filter = new StateFilter(byId("states"), this.states, () => this.refresh());
    this.search = new Search({ form: byId("search"), input: byId("tag"), list: byId("found") }, (plate) => {
      this.turnTo(plate);
      this.main.stage.focus({ preventScroll: true });
    });
    this.main = this.addPane();
    this.open(capture);
    this.listen();
  }

  addPane() {
    return new Pane(byId("panes"), this.view, {
      turned: () => this.draw(),
      plate: (pane, plate) => this.select(plate, pane),
      station: (pane, station) => this.go(pane, station),
      announced: announce,
    });
  }

  open(capture) {
    this.capture = capture;
    this.search.capture = capture;
    byId("heading").replaceChildren(
      capture.page ? element("a", { href: capture.page, text: capture.title }) : capture.title,
    );
    byId("note").textContent = capture.note;
    byId("note").hidden = !capture.note;
    document.title = `${capture.title} · panoramas`;
    if (/^https?:\/\//.test(capture.link)) {
      byId("cdf").href = capture.link;
      byId("cdf").hidden = false;
    }
    this.plan.show(capture);
    this.follow();
  }

  /** Do as the page's address says, or begin at the first station. */
  follow() {
    const wanted = address.read();
    const station = this.capture.byId.get(wanted.station) ?? this.capture.stations[0];
    if (wanted.station && station.id !== wanted.station) {
      announce("The station of this link is not in the capture any more. This is its first one.");
    }
    const [next] = this.capture.neighbours(station, 1, Infinity);
    const ahead = next ? anglesOf(subtract(next.station.position, station.position)) : START;
    const facing = station.plates.length ? viewOf(station.plates[0]) : ahead;
    this.main.turn({
      heading: wanted.heading ?? facing.heading,
      pitch: wanted.pitch ?? START.pitch,
      fov: wanted.fov ?? START.fov,
    });
    this.go(this.main, station);
    if (wanted.beside) this.compareWith(wanted.beside);
    else this.closeOther();
  }

  go(pane, station) {
    if (pane.station !== station || pane.capture !== (pane === this.main ? this.capture : this.beside)) {
      if (this.selected && this.selected.station !== station.id) this.select(null);
    }
    const shown = pane.show(pane === this.main ? this.capture : this.beside, station);
    const counterpart = pane === this.main ? this.other : this.main;
    if (counterpart && (pane !== this.main || this.beside)) {
      const capture = counterpart === this.main ? this.capture : this.beside;
      const near = capture.nearest(station.position);
      if (counterpart.station !== near) counterpart.show(capture, near);
    }
    this.refresh();
    this.draw();
    announce(`Station ${station.name}, looking ${compass(this.view.heading)}`);
    return shown;
  }

  /** Go where a plate is seen, turn to it and tell about it. */
  turnTo(plate) {
    const station = this.capture.byId.get(plate.station);
    Object.assign(this.view, viewOf(plate));
    this.selected = plate;
    this.selectedIn = this.main;
    if (this.main.station !== station) this.go(this.main, station);
    this.select(plate);
    this.draw();
  }

  select(plate, pane = this.main) {
    this.selected = plate;
    this.selectedIn = pane;
    const capture = pane === this.main ? this.capture : this.beside;
    const views = plate ? capture.views(plate.tag) : [];
    this.details.onOther = pane === this.main ? (other) => this.turnTo(other) : (other) => this.turnOther(other);
    this.details.show(plate, views);
    this.refresh();
    if (plate) announce(`${plate.tag}, ${plate.state}`);
  }

  turnOther(plate) {
    Object.assign(this.view, viewOf(plate));
    this.go(this.other, this.beside.byId.get(plate.station));
    this.select(plate, this.other);
    this.draw();
  }

  refresh() {
    const { station } = this.main;
    if (!station) return;
    this.filter.show(station);
    listPlates(byId("plates"), station, this.selected, this.states, (plate) => this.turnTo(plate));
    this.main.marks.update(this.selected, this.states);
    this.other?.marks.update(this.selected, this.states);
  }

  /** Draw once a frame, however many events ask for it. */
  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.main.draw();
      this.other?.draw();
      if (!this.main.station) return;
      this.plan.look(this.main.station, this.view);
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.remember(), SETTLED_MS);
    });
  }

  remember() {
    address.write({ station: this.main.station.id, ...this.view, beside: this.beside?.name });
  }

  async compareWith(name) {
    if (this.beside?.name === name) return;
    byId("beside").hidden = false;
    byId("compare").ariaExpanded = "true";
    byId("other").value = name;
    try {
      const entry = (await others(name)).find((each) => each.name === name);
      if (!entry) throw new Error(`There is no capture ${name} of this site.`);
      const capture = await Capture.load(new URL(entry.view, new URL(given("captures"), window.location.href)));
      this.forget(this.other);
      this.beside = capture;
      this.other ??= this.addPane();
      byId("panes").classList.add("two");
      await this.other.show(capture, capture.nearest(this.main.station.position));
      this.refresh();
      this.draw();
      announce(`${capture.title} beside ${this.capture.title}`);
    } catch (error) {
      announce(error.message, true);
    }
  }

  /** Choose no plate of this pane any longer. */
  forget(pane) {
    if (pane && this.selected && this.selectedIn === pane) this.select(null);
  }

  closeOther() {
    this.forget(this.other);
    this.other?.element.remove();
    this.other = this.beside = undefined;
    byId("panes").classList.remove("two");
    byId("beside").hidden = true;
    byId("compare").ariaExpanded = "false";
    this.draw();
  }

  listen() {
    window.addEventListener("hashchange", () => this.follow());
    byId("copy").addEventListener("click", async () => {
      this.remember();
      try {
        await navigator.clipboard.writeText(window.location.href);
        announce("The link is copied.", true);
      } catch {
        announce(`Copy the link from here: ${window.location.href}`, true);
      }
    });
    byId("compare").addEventListener("click", async () => {
      const form = byId("beside");
      form.hidden = !form.hidden;
      byId("compare").ariaExpanded = String(!form.hidden);
      if (form.hidden) return;
      byId("other").focus();
      await this.suggest();
    });
    byId("other").addEventListener("input", () => this.suggest());
    byId("alone").addEventListener("click", () => this.closeOther());
    byId("beside").addEventListener("submit", (event) => {
      event.preventDefault();
      if (byId("other").value.trim()) this.compareWith(byId("other").value.trim());
    });
    document.addEventListener("keydown", (event) => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key === "/" && !isTyping) {
        event.preventDefault();
        byId("tag").focus();
      } else if (event.key === "Escape" && this.selected && !isTyping) {
        this.select(null);
      }
    });
  }

  async suggest() {
    try {
      const found = await others(byId("other").value.trim());
      const names = found.map((each) => each.name).filter((name) => name !== this.capture.name);
      byId("others").replaceChildren(...names.map((name) => element("option", { value: name })));
    } catch (error) {
      announce(error.message, true);
    }
  }
}

/** The captures of the site whose names hold `like`. */
async function others(like) {
  const list = new URL(given("captures"), window.location.href);
  list.searchParams.set("like", like);
  const answer = await fetch(list, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`The list of captures could not be read (${answer.status}).`);
  return answer.json();
}

/** Say something to people who listen, and show it to all where `isShown`. */
function announce(text, isShown = false) {
  const status = byId("status");
  status.textContent = text;
  status.classList.toggle("shown", isShown);
  clearTimeout(announce.timer);
  if (isShown) announce.timer = setTimeout(() => status.classList.remove("shown"), 6000);
}

try {
  const capture = await Capture.load(given("source"));
  new Viewer(capture);
} catch (error) {
  const problem = element("p", { className: "problem", text: error.message });
  problem.setAttribute("role", "alert");
  byId("panes").replaceChildren(problem);
}
