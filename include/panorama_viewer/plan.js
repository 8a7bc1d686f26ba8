/** The stations from above, +Y up, with where one stands and looks. */

import { directionOf } from "./geometry.js";
import { button, svg } from "./marks.js";

const SIZE = 320;
const MARGIN = 52;
/** Wider than what is seen from a station at the edge. */
const LEAST_SPAN_M = 4;
const MOST_LABELS = 14;
const RADIUS = 7;
/** Approximate width of a letter and height of a line, in units of the drawing. */
const [LETTER, LINE] = [6.2, 12];

export class Plan {
  constructor(parent, { onStation }) {
    this.svg = svg("svg", { class: "plan", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "group" });
    parent.append(this.svg);
    this.onStation = onStation;
    this.cone = svg("path", { class: "cone" });
  }

  show(capture) {
    this.capture = capture;
    this.svg.setAttribute("aria-label", `Plan of the ${capture.stations.length} stations of ${capture.title}`);
    const [low, high] = [Math.min, Math.max].map((pick) =>
      [0, 1].map((axis) => capture.stations.reduce((best, each) => pick(best, each.position[axis]), capture.stations[0].position[axis])),
    );
    const span = Math.max(high[0] - low[0], high[1] - low[1], LEAST_SPAN_M);
    const scale = (SIZE - 2 * MARGIN) / span;
    const height = Math.max(110, (high[1] - low[1]) * scale + 2 * MARGIN);
    this.svg.setAttribute("viewBox", `0 0 ${SIZE} ${height.toFixed(0)}`);
    this.at = ([x, y]) => [
      SIZE / 2 + (x - (low[0] + high[0]) / 2) * scale,
      height / 2 - (y - (low[1] + high[1]) / 2) * scale,
    ];
    const isCrowded = capture.stations.length > MOST_LABELS;
    const labels = isCrowded ? new Map() : this.labels(height);
    this.dots = new Map(capture.stations.map((station) => [station, this.dot(station, isCrowded, labels.get(station))]));
    this.svg.replaceChildren(this.cone, ...this.dots.values(), this.bar(scale, span, height));
  }

  /** Where the middle of each name stands, above or below its dot; a name that would cover something is left out. */
  labels(height) {
    const places = this.capture.stations.map((station) => this.at(station.position));
    const taken = places.map(([x, y]) => [x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS]);
    const labels = new Map();
    this.capture.stations.forEach((station, number) => {
      const [x, y] = places[number];
      const half = (LETTER * station.name.length) / 2;
      for (const base of [y - RADIUS - 4, y + RADIUS + LINE]) {
        const box = [x - half, base - LINE + 2, x + half, base + 2];
        const isInside = box[0] >= 0 && box[1] >= 0 && box[2] <= SIZE && box[3] <= height - LINE;
        const covers = (other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3];
        if (!isInside || taken.some(covers)) continue;
        taken.push(box);
        labels.set(station, { x, y: base });
        break;
      }
    });
    return labels;
  }

  dot(station, isCrowded, at) {
    const [x, y] = this.at(station.position);
    const radius = isCrowded ? Math.max(2.5, RADIUS - this.capture.stations.length / 60) : RADIUS;
    const parts = [
      svg("circle", { cx: x, cy: y, r: Math.max(radius + 3, 9), class: "reach" }),
      svg("circle", { cx: x, cy: y, r: radius }),
    ];
    if (at) {
      const label = svg("text", at);
      label.textContent = station.name;
      parts.push(label);
    }
    const plates = station.plates.length;
    const said = `Station ${station.name}, ${plates} ${plates === 1 ? "plate" : "plates"}`;
    return button("dot", said, parts, () => this.onStation(station));
  }

  /** A bar of a round length in metres. */
  bar(scale, span, height) {
    const power = 10 ** Math.floor(Math.log10(span / 4));
    const metres = [5, 2, 1].map((factor) => factor * power).find((each) => each <= (span / 4) * 1.0001);
    const group = svg("g", { class: "bar", "aria-hidden": "true" });
    const label = svg("text", { x: 8 + metres * scale + 6, y: height - 6 });
    label.textContent = `${metres} m`;
    group.append(svg("path", { d: `M8 ${height - 10} h${(metres * scale).toFixed(1)}` }), label);
    return group;
  }

  /** Mark the station that is shown and the part of the plan that is seen. */
  look(station, { heading, fov }) {
    for (const [each, dot] of this.dots) {
      dot.classList.toggle("here", each === station);
      if (each === station) dot.setAttribute("aria-current", "location");
      else dot.removeAttribute("aria-current");
    }
    const [x, y] = this.at(station.position);
    const corners = [-fov / 2, fov / 2].map((off) => {
      const [east, north] = directionOf(heading + off, 0);
      return `${(x + 46 * east).toFixed(1)} ${(y - 46 * north).toFixed(1)}`;
    });
    this.cone.setAttribute("d", `M${x.toFixed(1)} ${y.toFixed(1)} L${corners[0]} A46 46 0 0 1 ${corners[1]} Z`);
  }
}
