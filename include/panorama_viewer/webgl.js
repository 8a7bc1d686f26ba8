/** Draws the cube by WebGL: every pixel asks the face that its ray meets. */

import { FACES, turnBack } from "./geometry.js";

const NAMES = Object.keys(FACES);
const VERTEX = `
attribute vec2 corner;
varying vec2 place;
void main() { place = corner; gl_Position = vec4(corner, 0.0, 1.0); }`;
const FRAGMENT = `
precision highp float;
varying vec2 place;
uniform vec3 forward, right, down;
${NAMES.map((name) => `uniform sampler2D ${name}_face;`).join("\n")}
void main() {
  vec3 ray = forward + place.x * right - place.y * down;
  vec3 size = abs(ray);
  vec2 uv;
${NAMES.map(branch).join("\n")}
}`;

/** The shader's code for one face: where its axis is the longest and points to its side. */
function branch(name) {
  const { centre, right, down } = FACES[name];
  const axis = "xyz"[centre.findIndex(Boolean)];
  const others = [..."xyz"].filter((each) => each !== axis);
  const sign = centre.some((value) => value > 0) ? ">" : "<";
  const along = (vector) => {
    const at = vector.findIndex(Boolean);
    return `${vector[at] > 0 ? "" : "-"}ray.${"xyz"[at]}`;
  };
  return `  if (size.${axis} >= size.${others[0]} && size.${axis} >= size.${others[1]} && ray.${axis} ${sign} 0.0) {
    uv = vec2(${along(right)}, ${along(down)}) / size.${axis} * 0.5 + 0.5;
    gl_FragColor = texture2D(${name}_face, uv);
    return;
  }`;
}

export class WebGlRenderer {
  name = "webgl";

  /** A renderer, or null where there is no WebGL; `onLost` is called if it goes away later. */
  static create(onLost) {
    const canvas = document.createElement("canvas");
    const gl = canvas.getContext("webgl", { alpha: false, antialias: false, preserveDrawingBuffer: false });
    if (!gl || gl.getParameter(gl.MAX_TEXTURE_IMAGE_UNITS) < NAMES.length) return null;
    const program = linked(gl);
    if (!program) return null;
    canvas.addEventListener("webglcontextlost", onLost, { once: true });
    return new WebGlRenderer(canvas, gl, program);
  }

  constructor(canvas, gl, program) {
    Object.assign(this, { canvas, gl });
    gl.useProgram(program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    this.uniforms = ["forward", "right", "down"].map((name) => gl.getUniformLocation(program, name));
    NAMES.forEach((name, unit) => gl.uniform1i(gl.getUniformLocation(program, `${name}_face`), unit));
    this.most = Math.min(4096, gl.getParameter(gl.MAX_TEXTURE_SIZE));
    this.textures = NAMES.map(() => gl.createTexture());
    this.clear();
  }

  /** Show nothing until faces are put. */
  clear() {
    const { gl } = this;
    NAMES.forEach((_, unit) => {
      this.bind(unit);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, 1, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, new Uint8Array([12, 16, 19]));
      this.filter(gl.LINEAR);
    });
  }

  put(name, picture) {
    const { gl } = this;
    this.bind(NAMES.indexOf(name));
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, squared(picture, this.most));
    gl.generateMipmap(gl.TEXTURE_2D);
    this.filter(gl.LINEAR_MIPMAP_LINEAR);
  }

  bind(unit) {
    this.gl.activeTexture(this.gl.TEXTURE0 + unit);
    this.gl.bindTexture(this.gl.TEXTURE_2D, this.textures[unit]);
  }

  filter(smaller) {
    const { gl } = this;
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, smaller);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }

  draw(camera, rotation) {
    const { canvas, gl } = this;
    const density = window.devicePixelRatio;
    const [width, height] = [Math.round(camera.width * density), Math.round(camera.height * density)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    const sides = [1, camera.width / 2 / camera.focal, camera.height / 2 / camera.focal];
    [camera.forward, camera.right, camera.down].forEach((axis, at) => {
      gl.uniform3fv(this.uniforms[at], turnBack(rotation, axis).map((value) => value * sides[at]));
    });
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}

/** The picture with a side that is a power of two, as WebGL 1 wants it for mipmaps. */
function squared(picture, most) {
  const side = Math.min(most, 2 ** Math.ceil(Math.log2(picture.naturalWidth)));
  if (picture.naturalWidth === side && picture.naturalHeight === side) return picture;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0, side, side);
  return canvas;
}
