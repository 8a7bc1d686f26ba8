/** A capture as the viewer knows it: stations, plates, and which of them to look at. */

import { anglesOf, faceDirection, length, middle, solidAngle, subtract, turn } from "./geometry.js";
import { visible } from "./text.js";

const STATES = ["approved", "suggested", "rejected"];
const BIGGEST_SIDE_M = 1e7;

export class Capture {
  /** `source` is the address of the document; addresses in it are relative to that. */
  constructor(document, source) {
    this.name = document.capture;
    this.title = visible(document.title ?? this.name);
    this.link = document.link && new URL(document.link, source).href;
    this.page = document.page && new URL(document.page, source).href;
    this.note = document.note ?? "";
    this.stations = document.stations;
    this.byId = new Map(this.stations.map((station) => [station.id, station]));
    for (const station of this.stations) {
      station.name = visible(station.name);
      station.plates = [];
      station.addresses = new Map(
        Object.entries(station.faces).map(([face, address]) => [face, new URL(address, source)]),
      );
    }
    this.plates = document.plates.filter((plate) => this.byId.has(plate.station));
    this.plates.forEach((plate, number) => {
      const station = this.byId.get(plate.station);
      plate.id = number;
      plate.directions = plate.polygon.map((point) => turn(station.rotation, faceDirection(plate.face, point)));
      plate.size = solidAngle(plate.directions);
      plate.text = visible(plate.text);
      plate.review &&= new URL(plate.review, source).href;
      for (const link of plate.links) {
        link.link &&= new URL(link.link, source).href;
        link.asset = visible(link.asset);
      }
      plate.assets = plate.links.map((link) => link.asset);
      plate.tag = plate.assets[0] ?? plate.text;
      station.plates.push(plate);
    });
    this.byTag = new Map();
    for (const plate of [...this.plates].sort(better)) {
      this.byTag.set(plate.tag, [...(this.byTag.get(plate.tag) ?? []), plate]);
    }
  }

  static async load(source) {
    const address = new URL(source, window.location.href);
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(await reason(answer));
    return new Capture(await answer.json(), address);
  }

  /** The station nearest to a place of the site. */
  nearest(position) {
    const distance = (station) => length(subtract(station.position, position));
    return this.stations.reduce((best, each) => (distance(each) < distance(best) ? each : best));
  }

  /** The stations near one, nearest first. */
  neighbours(station, most, farthest) {
    return this.stations
      .filter((each) => each !== station)
      .map((each) => ({ station: each, distance: length(subtract(each.position, station.position)) }))
      .filter(({ distance }) => distance > 0.05 && distance < Math.min(farthest, BIGGEST_SIDE_M))
      .sort((one, other) => one.distance - other.distance)
      .slice(0, most);
  }

  /** All views of a tag, the best one first. */
  views(tag) {
    return this.byTag.get(tag) ?? [];
  }

  /** One entry a tag whose text or asset holds `text`: the plate to look at, and how many views there are. */
  search(text) {
    const wanted = folded(text);
    const holds = (plate) => [plate.text, ...plate.assets].some((each) => folded(each).includes(wanted));
    return [...this.byTag]
      .filter(([, views]) => views.some(holds))
      .map(([tag, views]) => ({ tag, views }))
      .sort((one, other) => one.tag.localeCompare(other.tag, "en", { numeric: true }));
  }
}

/** The direction to a plate and a field of view that shows it with its surroundings. */
export function viewOf(plate) {
  const centre = middle(plate.directions);
  const wide = Math.max(...plate.directions.map((each) => length(subtract(each, centre)))) * 2;
  return { ...anglesOf(centre), fov: Math.min(75, Math.max(18, (wide * 180 * 5) / Math.PI)) };
}

/** Best view first: approved before suggested, then by rank; without ranks the one that fills most of the view. */
function better(one, other) {
  const byState = STATES.indexOf(one.state) - STATES.indexOf(other.state);
  return byState || (one.rank ?? 0) - (other.rank ?? 0) || other.size - one.size;
}

/** As people type it: no case, blanks or separators. */
function folded(text) {
  return text.toLowerCase().replace(/[\s._/-]+/g, "");
}

/** Why the server refuses something, in a sentence. */
export async function reason(answer) {
  if (answer.status === 401) return "You are not logged in. Log in to Airflow and open this page again.";
  const text = await answer.text();
  try {
    const { detail } = JSON.parse(text);
    if (typeof detail === "string") return detail;
  } catch {
    // not JSON: the status says enough
  }
  return `The server answered ${answer.status}.`;
}
