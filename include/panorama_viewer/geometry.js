/**
 * Directions, faces and the camera: pure mathematics, no page.
 *
 * The site frame is right-handed, metres, Z up. A heading is in degrees clockwise from +Y, a pitch in degrees upwards.
 * The cube frame is CDF's: front = -Y, back = +Y, left = +X, right = -X, top = +Z, bottom = -Z; its faces are upright
 * photos seen from inside. A face point (u, v) is in 0..1, x right, y down.
 */

/** By face: its centre, and where its picture's right and down point, in the cube frame. */
export const FACES = {
  front: { centre: [0, -1, 0], right: [-1, 0, 0], down: [0, 0, -1] },
  back: { centre: [0, 1, 0], right: [1, 0, 0], down: [0, 0, -1] },
  left: { centre: [1, 0, 0], right: [0, -1, 0], down: [0, 0, -1] },
  right: { centre: [-1, 0, 0], right: [0, 1, 0], down: [0, 0, -1] },
  top: { centre: [0, 0, 1], right: [-1, 0, 0], down: [0, -1, 0] },
  bottom: { centre: [0, 0, -1], right: [-1, 0, 0], down: [0, 1, 0] },
};

const DEGREE = Math.PI / 180;
const NEAR = 1e-3;

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const subtract = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const length = (a) => Math.hypot(...a);

export function unit(a) {
  const size = length(a) || 1;
  return a.map((value) => value / size);
}

/** Turn a vector by a unit quaternion (w, x, y, z). */
export function turn([w, ...axis], vector) {
  const twice = cross(axis, vector).map((value) => 2 * value);
  const across = cross(axis, twice);
  return vector.map((value, at) => value + w * twice[at] + across[at]);
}

/** Turn a vector back by a unit quaternion (w, x, y, z). */
export function turnBack([w, x, y, z], vector) {
  return turn([w, -x, -y, -z], vector);
}

/** The direction in the cube frame of a face point. */
export function faceDirection(face, [u, v]) {
  const { centre, right, down } = FACES[face];
  return unit(centre.map((value, at) => value + (2 * u - 1) * right[at] + (2 * v - 1) * down[at]));
}

/** Heading and pitch in degrees of a direction of the site; heading in 0..360. */
export function anglesOf(direction) {
  const [x, y, z] = direction;
  return {
    heading: (Math.atan2(x, y) / DEGREE + 360) % 360,
    pitch: Math.atan2(z, Math.hypot(x, y)) / DEGREE,
  };
}

/** The unit vector of the site that a heading and a pitch look along. */
export function directionOf(heading, pitch) {
  const level = Math.cos(pitch * DEGREE);
  return [
    Math.sin(heading * DEGREE) * level,
    Math.cos(heading * DEGREE) * level,
    Math.sin(pitch * DEGREE),
  ];
}

/**
 * A pinhole camera. `focal` is in pixels; the field of view belongs to the longer side of the picture, so that a phone
 * held upright sees as much as one held across.
 */
export class Camera {
  constructor({ heading, pitch, fov }, width, height) {
    this.width = width;
    this.height = height;
    this.focal = Math.max(width, height) / 2 / Math.tan((fov * DEGREE) / 2);
    this.forward = directionOf(heading, pitch);
    this.right = [Math.cos(heading * DEGREE), -Math.sin(heading * DEGREE), 0];
    this.down = cross(this.forward, this.right);
  }

  /** Right, down and depth of a direction of the site. */
  seen(direction) {
    return [dot(this.right, direction), dot(this.down, direction), dot(this.forward, direction)];
  }

  /** Pixels of a seen direction; null behind the camera. */
  pixel([right, down, depth]) {
    if (depth < NEAR) return null;
    return [this.width / 2 + (this.focal * right) / depth, this.height / 2 + (this.focal * down) / depth];
  }

  /** Pixels of a direction of the site; null behind the camera. */
  project(direction) {
    return this.pixel(this.seen(direction));
  }

  /** Pixels of a polygon of directions, cut where it passes behind the camera; empty if nothing of it is in front. */
  polygon(directions) {
    const seen = directions.map((direction) => this.seen(direction));
    const kept = [];
    seen.forEach((one, at) => {
      const next = seen[(at + 1) % seen.length];
      if (one[2] >= NEAR) kept.push(one);
      if (one[2] >= NEAR !== next[2] >= NEAR) {
        const share = (NEAR - one[2]) / (next[2] - one[2]);
        kept.push([one[0] + share * (next[0] - one[0]), one[1] + share * (next[1] - one[1]), NEAR]);
      }
    });
    return kept.map((each) => this.pixel(each));
  }

  /** The direction of the site that a pixel looks along. */
  direction([x, y]) {
    const across = (x - this.width / 2) / this.focal;
    const below = (y - this.height / 2) / this.focal;
    return unit(this.forward.map((value, at) => value + across * this.right[at] + below * this.down[at]));
  }
}

/** Solid angle in steradians of a small polygon of unit vectors: what a plate fills of the view. */
export function solidAngle(directions) {
  let doubled = [0, 0, 0];
  directions.forEach((one, at) => {
    const side = cross(one, directions[(at + 1) % directions.length]);
    doubled = doubled.map((value, axis) => value + side[axis]);
  });
  return length(doubled) / 2;
}

/** The unit vector to the middle of a polygon of directions. */
export function middle(directions) {
  return unit([0, 1, 2].map((axis) => directions.reduce((sum, each) => sum + each[axis], 0)));
}
