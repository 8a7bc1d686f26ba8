/** One picture with its marks, and how mouse, finger and keys turn it. */

import { Cube } from "./cube.js";
import { Camera, directionOf } from "./geometry.js";
import { Marks, neighbourAhead } from "./marks.js";

const SLOP = 5;
/** Pixels that a click may move. */
const FOV = { least: 8, most: 110 };

export class Pane {
  /** `view` is shared by all panes: heading, pitch, fov. `on` has turned, plate, station and announced. */
  constructor(parent, view, on) {
    this.view = view;
    this.on = on;
    this.element = document.createElement("section");
    this.element.className = "pane";
    this.stage = document.createElement("div");
    this.stage.className = "stage";
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "application");
    this.stage.setAttribute("aria-roledescription", "panorama");
    this.stage.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight ArrowUp ArrowDown + - PageUp Home");
    this.caption = document.createElement("p");
    this.caption.className = "caption";
    this.problem = document.createElement("p");
    this.problem.className = "problem";
    this.problem.hidden = true;
    this.element.append(this.stage, this.caption, this.problem);
    parent.append(this.element);
    this.cube = new Cube(this.stage);
    this.marks = new Marks(this.stage, {
      onPlate: (plate) => on.plate(this, plate),
      onStation: (station) => on.station(this, station),
    });
    this.pointers = new Map();
    this.dragged = false;
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.stage);
  }

  /** Show a station of a capture; resolves when its small faces are there. */
  async show(capture, station) {
    this.capture = capture;
    this.station = station;
    this.caption.textContent = `${capture.title} · ${station.name}`;
    this.stage.setAttribute("aria-label", `${station.name} of ${capture.title}. Arrow keys turn, plus and minus zoom, Page Up goes ahead.`);
    this.marks.show(capture, station);
    this.draw();
    this.problem.hidden = true;
    this.stage.classList.add("loading");
    const { missing, why } = await this.cube.show(station, directionOf(this.view.heading, this.view.pitch));
    if (this.station !== station) return;
    this.stage.classList.remove("loading");
    this.problem.hidden = missing === 0;
    this.problem.textContent = `${missing} of 6 faces of ${station.name} cannot be shown. ${why}`.trimEnd();
  }

  get camera() {
    return new Camera(this.view, this.stage.clientWidth, this.stage.clientHeight);
  }

  draw() {
    if (!this.station || !this.stage.clientWidth) return;
    const camera = this.camera;
    this.cube.look(camera);
    this.marks.svg.setAttribute("viewBox", `0 0 ${camera.width} ${camera.height}`);
    this.marks.look(camera);
  }

  turn(change) {
    const { heading, pitch, fov } = { ...this.view, ...change };
    this.view.heading = ((heading % 360) + 360) % 360;
    this.view.pitch = Math.min(90, Math.max(-90, pitch));
    this.view.fov = Math.min(FOV.most, Math.max(FOV.least, fov));
    this.on.turned(this);
  }

  listen() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      if (this.pointers.size === 0) this.dragged = false;
      this.pointers.set(event.pointerId, this.at(event));
      this.grabbed = { view: { ...this.view }, pointers: new Map(this.pointers) };
    });
    stage.addEventListener(
      "click",
      (event) => {
        if (this.dragged && event.detail > 0) event.stopPropagation(); // the end of a drag; a key's click has no detail
        this.dragged = false;
      },
      { capture: true },
    );
    stage.addEventListener("pointermove", (event) => this.moved(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      stage.addEventListener(kind, (event) => {
        this.pointers.delete(event.pointerId);
        this.grabbed = { view: { ...this.view }, pointers: new Map(this.pointers) };
        stage.classList.toggle("grabbing", this.pointers.size > 0 && this.dragged);
      });
    }
    stage.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.turn({ fov: this.view.fov * Math.exp(Math.max(-100, Math.min(100, event.deltaY)) * 0.0015) });
      },
      { passive: false },
    );
    stage.addEventListener("keydown", (event) => this.pressed(event));
  }

  at(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  moved(event) {
    if (!this.pointers.has(event.pointerId)) return;
    if (event.pointerType === "mouse" && event.buttons === 0) {
      this.pointers.delete(event.pointerId); // released outside, before the drag had begun
      return;
    }
    this.pointers.set(event.pointerId, this.at(event));
    const { pointers, view } = this.grabbed;
    const [first, second] = [...this.pointers.keys()];
    const start = pointers.get(first);
    const now = this.pointers.get(first);
    const far = Math.hypot(now[0] - start[0], now[1] - start[1]);
    if (!this.dragged && far < SLOP && second === undefined) return;
    if (!this.dragged) {
      this.dragged = true;
      this.stage.setPointerCapture(event.pointerId);
      this.stage.classList.add("grabbing");
    }
    if (second === undefined) {
      const camera = new Camera(view, this.stage.clientWidth, this.stage.clientHeight);
      const degrees = 180 / Math.PI / camera.focal;
      this.turn({
        heading: view.heading - ((now[0] - start[0]) * degrees) / Math.max(0.25, Math.cos((view.pitch * Math.PI) / 180)),
        pitch: view.pitch + (now[1] - start[1]) * degrees,
      });
    } else {
      const apart = (from) => Math.hypot(from.get(first)[0] - from.get(second)[0], from.get(first)[1] - from.get(second)[1]);
      this.turn({ fov: (view.fov * apart(pointers)) / Math.max(1, apart(this.pointers)) });
    }
  }

  pressed(event) {
    const step = this.view.fov / 8;
    const { heading, pitch, fov } = this.view;
    const acts = {
      ArrowLeft: () => this.turn({ heading: heading - step }),
      ArrowRight: () => this.turn({ heading: heading + step }),
      ArrowUp: () => this.turn({ pitch: pitch + step }),
      ArrowDown: () => this.turn({ pitch: pitch - step }),
      "+": () => this.turn({ fov: fov / 1.2 }),
      "=": () => this.turn({ fov: fov / 1.2 }),
      "-": () => this.turn({ fov: fov * 1.2 }),
      Home: () => this.turn({ pitch: 0, fov: 85 }),
      PageUp: () => {
        const ahead = neighbourAhead(this.capture, this.station, heading);
        if (ahead) this.on.station(this, ahead);
        else this.on.announced("There is no station ahead. Turn, or choose one on the plan.", true);
      },
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }
}

/** The eight points of the compass, with +Y as north. */
export function compass(heading) {
  const names = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];
  return names[Math.round(heading / 45) % 8];
}
