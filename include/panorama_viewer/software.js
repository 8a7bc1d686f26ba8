/** Draws the cube by the processor: coarse while the view turns, smooth when it rests. Works in every browser. */

import { FACES, turnBack } from "./geometry.js";

const NAMES = Object.keys(FACES);
const EMPTY = 0xff13100c;
const COARSE_PIXELS = 250_000;
const SMOOTH_PIXELS = 3_000_000;
const REST_MS = 120;
const SIDES = [256, 512, 1024, 2048];
/** Pixels of a face at the levels of detail. */

export class SoftwareRenderer {
  name = "software";

  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.clear();
  }

  /** Show nothing until faces are put. */
  clear() {
    this.faces = new Map();
  }

  put(name, picture) {
    this.faces.set(name, { picture, levels: new Map() });
  }

  draw(camera, rotation) {
    this.render(camera, rotation, COARSE_PIXELS, false);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.render(camera, rotation, SMOOTH_PIXELS, true), REST_MS);
  }

  render(camera, rotation, most, isSmooth) {
    const density = Math.min(window.devicePixelRatio, Math.sqrt(most / (camera.width * camera.height)));
    const width = Math.max(1, Math.round(camera.width * density));
    const height = Math.max(1, Math.round(camera.height * density));
    const focal = (camera.focal * width) / camera.width;
    const levels = NAMES.map((name) => this.level(name, focal));
    const image = this.context.createImageData(width, height);
    const axes = [camera.forward, camera.right, camera.down].map((axis) => turnBack(rotation, axis));
    trace(new Uint32Array(image.data.buffer), width, height, focal, axes, levels, isSmooth ? smooth : nearest);
    Object.assign(this.canvas, { width, height });
    this.context.putImageData(image, 0, 0);
  }

  /** Pixels of a face with about as much detail as the view shows; null if the face is not there. */
  level(name, focal) {
    const face = this.faces.get(name);
    if (!face) return null;
    const largest = SIDES.findLast((side) => side <= face.picture.naturalWidth) ?? SIDES[0];
    const wanted = SIDES.find((side) => side >= 1.6 * focal) ?? largest;
    const side = Math.min(wanted, largest);
    if (!face.levels.has(side)) face.levels.set(side, { side, pixels: pixelsOf(face.picture, side) });
    return face.levels.get(side);
  }
}

function pixelsOf(picture, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, side, side);
  return new Uint32Array(context.getImageData(0, 0, side, side).data.buffer);
}

/** Fill `target` by the ray of each pixel; axes are forward, right and down in the cube frame. */
function trace(target, width, height, focal, [forward, right, down], levels, sample) {
  const [front, back, left, rightFace, top, bottom] = levels;
  let at = 0;
  for (let row = 0; row < height; row++) {
    const below = (row + 0.5 - height / 2) / focal;
    for (let column = 0; column < width; column++) {
      const across = (column + 0.5 - width / 2) / focal;
      const x = forward[0] + across * right[0] + below * down[0];
      const y = forward[1] + across * right[1] + below * down[1];
      const z = forward[2] + across * right[2] + below * down[2];
      const [a, b, c] = [x < 0 ? -x : x, y < 0 ? -y : y, z < 0 ? -z : z];
      if (b >= a && b >= c) {
        target[at++] = y < 0 ? sample(front, -x / b, -z / b) : sample(back, x / b, -z / b);
      } else if (a >= c) {
        target[at++] = x > 0 ? sample(left, -y / a, -z / a) : sample(rightFace, y / a, -z / a);
      } else {
        target[at++] = z > 0 ? sample(top, -x / c, -y / c) : sample(bottom, -x / c, y / c);
      }
    }
  }
}

/** The pixel of a face at (a, b) in -1..1. */
function nearest(level, a, b) {
  if (level === null) return EMPTY;
  const { side, pixels } = level;
  const column = Math.min(side - 1, ((a + 1) * 0.5 * side) | 0);
  const row = Math.min(side - 1, ((b + 1) * 0.5 * side) | 0);
  return pixels[row * side + column];
}

/** The mean of the four pixels round (a, b), by how near they are. */
function smooth(level, a, b) {
  if (level === null) return EMPTY;
  const { side, pixels } = level;
  const last = side - 1;
  const u = Math.min(last, Math.max(0, (a + 1) * 0.5 * side - 0.5));
  const v = Math.min(last, Math.max(0, (b + 1) * 0.5 * side - 0.5));
  const column = Math.min(side - 2, u | 0);
  const row = Math.min(side - 2, v | 0);
  const [fx, fy] = [u - column, v - row];
  const at = row * side + column;
  const [one, two, three, four] = [pixels[at], pixels[at + 1], pixels[at + side], pixels[at + side + 1]];
  const [p, q, r, s] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
  const red = (one & 255) * p + (two & 255) * q + (three & 255) * r + (four & 255) * s;
  const green = ((one >> 8) & 255) * p + ((two >> 8) & 255) * q + ((three >> 8) & 255) * r + ((four >> 8) & 255) * s;
  const blue = ((one >> 16) & 255) * p + ((two >> 16) & 255) * q + ((three >> 16) & 255) * r + ((four >> 16) & 255) * s;
  return 0xff000000 | ((blue + 0.5) << 16) | ((green + 0.5) << 8) | (red + 0.5);
}
