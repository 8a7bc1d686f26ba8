/** The six faces round the eye: fetched small first, then full, and drawn by WebGL or, without it, by the processor. */

import { reason } from "./capture.js";
import { FACES, dot, turn } from "./geometry.js";
import { SoftwareRenderer } from "./software.js";
import { WebGlRenderer } from "./webgl.js";

const NAMES = Object.keys(FACES);

export class Cube {
  constructor(parent) {
    this.box = document.createElement("div");
    this.box.className = "cube";
    this.box.setAttribute("aria-hidden", "true");
    parent.append(this.box);
    this.shown = 0;
    this.use(WebGlRenderer.create(() => this.use(new SoftwareRenderer())) ?? new SoftwareRenderer());
  }

  /** Draw by this renderer from now on; one takes over what the one before has shown. */
  use(renderer) {
    this.renderer = renderer;
    this.box.dataset.renderer = renderer.name;
    this.box.replaceChildren(renderer.canvas);
    for (const [name, picture] of this.pictures ?? []) renderer.put(name, picture);
    this.draw();
  }

  /**
   * Show a station: small faces as they come, then the full ones; those in the direction `ahead` come first. Resolves
   * to how many faces cannot be shown, and why, when all small ones are there or have failed.
   */
  async show(station, ahead) {
    const number = ++this.shown;
    const current = () => number === this.shown;
    const towards = (name) => dot(turn(station.rotation, FACES[name].centre), ahead);
    const names = NAMES.filter((name) => station.addresses.has(name)).sort((one, other) => towards(other) - towards(one));
    this.box.dataset.quality = "none";
    const begin = () => {
      this.rotation = station.rotation;
      this.pictures = new Map();
      this.renderer.clear();
    };
    let isNew = false;
    let failed;
    const put = (name, picture) => {
      if (!isNew) begin();
      isNew = true;
      this.pictures.set(name, picture);
      this.renderer.put(name, picture);
      this.draw();
    };
    await Promise.all(
      names.map(async (name) => {
        const picture = await fetched(station.addresses.get(name), "small");
        if (!picture) failed = name;
        else if (current()) put(name, picture);
      }),
    );
    const why = failed && current() ? await refusal(station.addresses.get(failed)) : "";
    if (!current()) return { missing: 0, why };
    if (!isNew) {
      begin();
      this.draw();
    }
    this.box.dataset.quality = "small";
    this.sharpen(station, names, current, put);
    return { missing: NAMES.length - this.pictures.size, why };
  }

  /** Full faces one after the other; given up when another station is shown. */
  async sharpen(station, names, current, put) {
    for (const name of names) {
      const picture = await fetched(station.addresses.get(name), "full");
      if (!current()) return;
      if (picture) put(name, picture);
    }
    this.box.dataset.quality = "full";
  }

  /** Look through a camera. */
  look(camera) {
    this.camera = camera;
    this.draw();
  }

  draw() {
    if (this.camera && this.rotation) this.renderer.draw(this.camera, this.rotation);
  }
}

function sized(face, size) {
  const address = new URL(face);
  address.searchParams.set("size", size);
  return address.href;
}

/** Why a small face could not be had, in a sentence: a picture that fails does not tell. */
async function refusal(face) {
  try {
    const answer = await fetch(sized(face, "small"), { credentials: "same-origin" });
    return answer.ok ? "Open the station again." : await reason(answer);
  } catch {
    return "The server does not answer.";
  }
}

/** The picture of that size; null if it could not be had. */
async function fetched(face, size) {
  const picture = new Image();
  picture.src = sized(face, size);
  try {
    await picture.decode();
    return picture;
  } catch {
    return null;
  }
}
