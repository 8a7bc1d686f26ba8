/** Station and direction in the fragment of the page's address, so that it can be sent to somebody. */

/** What the address says; numbers only if they are finite. */
export function read() {
  const given = new URLSearchParams(window.location.hash.slice(1));
  const number = (name) => {
    const value = given.get(name);
    return value !== null && value !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
  };
  return {
    station: given.get("station") ?? undefined,
    heading: number("heading"),
    pitch: number("pitch"),
    fov: number("fov"),
    beside: given.get("with") ?? undefined,
  };
}

/** Make the address say it; no step of the browser's history. */
export function write({ station, heading, pitch, fov, beside }) {
  const said = new URLSearchParams({ station, heading: heading.toFixed(1), pitch: pitch.toFixed(1), fov: fov.toFixed(0) });
  if (beside) said.set("with", beside);
  const fragment = `#${said}`;
  if (fragment !== window.location.hash) window.history.replaceState(null, "", fragment);
}
