/** What is drawn over the picture: outlines of plates and, on the floor, the stations to go to. */

import { anglesOf, subtract } from "./geometry.js";

const SVG = "http://www.w3.org/2000/svg";
const EYE_HEIGHT_M = 1.6;
/** Height of a camera above its floor, where nobody says more. */
const RING_M = 0.28;
const RING_POINTS = 24;
const MOST_NEIGHBOURS = 8;
const FARTHEST_M = 25;

export class Marks {
  /** `onPlate` and `onStation` are called with what was chosen. */
  constructor(parent, { onPlate, onStation }) {
    this.svg = svg("svg", { class: "marks" });
    parent.append(this.svg);
    this.onPlate = onPlate;
    this.onStation = onStation;
    this.drawn = [];
  }

  /** Draw the marks of a station. */
  show(capture, station) {
    const neighbours = capture.neighbours(station, MOST_NEIGHBOURS, FARTHEST_M);
    this.drawn = [
      ...neighbours.reverse().map((each) => this.floorMark(station, each)),
      ...station.plates.map((plate) => this.outline(plate)),
    ];
    this.svg.replaceChildren(...this.drawn.map((mark) => mark.element));
  }

  /** Whether a plate is the chosen one, and which states are shown. */
  update(selected, states) {
    for (const { plate, element } of this.drawn) {
      if (!plate) continue;
      element.classList.toggle("selected", plate === selected);
      element.classList.toggle("filtered", plate !== selected && !states.has(plate.state));
    }
  }

  look(camera) {
    for (const mark of this.drawn) mark.place(camera);
  }

  outline(plate) {
    const shape = svg("polygon", {});
    const wide = svg("polygon", { class: "reach" });
    const label = svg("text", {});
    label.textContent = plate.tag;
    const element = button(
      `plate ${plate.state}`,
      `Plate ${label.textContent}, ${plate.state}`,
      [wide, shape, label],
      () => this.onPlate(plate),
    );
    element.dataset.plate = plate.id;
    const place = (camera) => {
      const points = camera.polygon(plate.directions);
      const isSeen = points.length > 2 && points.some((point) => isInside(point, camera, 40));
      element.classList.toggle("away", !isSeen);
      if (!isSeen) return;
      const corners = points.map((point) => point.map((value) => value.toFixed(1)).join(",")).join(" ");
      shape.setAttribute("points", corners);
      wide.setAttribute("points", corners);
      const xs = points.map((point) => point[0]);
      label.setAttribute("x", ((Math.min(...xs) + Math.max(...xs)) / 2).toFixed(1));
      label.setAttribute("y", (Math.min(...points.map((point) => point[1])) - 8).toFixed(1));
      element.classList.toggle("labelled", Math.max(...xs) - Math.min(...xs) > 28);
    };
    return { plate, element, place };
  }

  floorMark(from, { station, distance }) {
    const shape = svg("polygon", {});
    const label = svg("text", {});
    label.textContent = `${station.name} · ${distance < 10 ? distance.toFixed(1) : Math.round(distance)} m`;
    const element = button("station", `Go to station ${station.name}, ${distance.toFixed(1)} metres`, [shape, label], () =>
      this.onStation(station),
    );
    const [x, y, z] = subtract(station.position, from.position);
    const ring = Array.from({ length: RING_POINTS }, (_, at) => {
      const angle = (2 * Math.PI * at) / RING_POINTS;
      return [x + RING_M * Math.cos(angle), y + RING_M * Math.sin(angle), z - EYE_HEIGHT_M];
    });
    const place = (camera) => {
      const points = camera.polygon(ring);
      const centre = camera.project([x, y, z - EYE_HEIGHT_M]);
      const isSeen = points.length > 2 && centre !== null && isInside(centre, camera, 30);
      element.classList.toggle("away", !isSeen);
      if (!isSeen) return;
      shape.setAttribute("points", points.map((point) => point.map((value) => value.toFixed(1)).join(",")).join(" "));
      label.setAttribute("x", centre[0].toFixed(1));
      label.setAttribute("y", (Math.max(...points.map((point) => point[1])) + 16).toFixed(1));
    };
    return { station, element, place };
  }
}

/** The neighbour that lies most nearly in a heading, within 60 degrees of it; undefined if there is none. */
export function neighbourAhead(capture, station, heading) {
  const off = (each) => {
    const towards = anglesOf(subtract(each.station.position, station.position)).heading;
    return Math.abs(((towards - heading + 540) % 360) - 180);
  };
  return capture
    .neighbours(station, MOST_NEIGHBOURS, Infinity)
    .filter((each) => off(each) < 60)
    .sort((one, other) => off(one) / 60 + one.distance / 20 - off(other) / 60 - other.distance / 20)[0]?.station;
}

export function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A part of a drawing that is a button for mouse, finger, keyboard and screen reader alike. */
export function button(kind, label, children, act) {
  const element = svg("g", { class: kind, role: "button", tabindex: "0", "aria-label": label });
  const title = svg("title", {});
  title.textContent = label;
  element.append(title, ...children);
  element.addEventListener("click", act);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  return element;
}

function isInside([x, y], camera, margin) {
  return x > -margin && y > -margin && x < camera.width + margin && y < camera.height + margin;
}
