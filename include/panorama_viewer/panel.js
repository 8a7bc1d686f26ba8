/** What stands beside the picture: the chosen plate, the plates of the station, and what a search finds. */

export const STATES = ["approved", "suggested", "rejected"];
const MOST_FOUND = 50;

/** An element with text in it; never markup. */
export function element(name, { text, ...properties } = {}, children = []) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

/** A tag, in letters that tell 0 from O and 1 from l. */
function tagged(text) {
  return element("span", { text, className: "tag" });
}

/** Only addresses of the web are links, whatever a document says. */
function linkTo(address, children) {
  const isWeb = /^https?:\/\//.test(address);
  return element(...(isWeb ? ["a", { href: address, target: "_blank", rel: "noopener" }] : ["span", {}]), children);
}

export class Details {
  constructor(place, { onOther, onClose }) {
    this.place = place;
    this.onOther = onOther;
    this.onClose = onClose;
  }

  /** Tell about a plate; `views` are all views of its tag. */
  show(plate, views) {
    if (!plate) {
      this.place.hidden = true;
      return;
    }
    const close = element("button", { text: "Close", type: "button", className: "close", onclick: this.onClose });
    const parts = [
      element("div", { className: "row" }, [element("h2", { text: plate.tag, className: "tag" }), close]),
      element("p", {}, [element("span", { className: `state ${plate.state}`, text: plate.state }), ", reads ", tagged(plate.text)]),
      ...plate.links.map((link) => this.link(link, plate.links.length > 1)),
    ];
    if (plate.review) parts.push(element("p", {}, [linkTo(plate.review, ["Decide in the review"])]));
    if (views.length > 1) parts.push(this.others(plate, views));
    this.place.replaceChildren(...parts);
    this.place.hidden = false;
  }

  link(link, isOneOfSome) {
    const said = [isOneOfSome && link.state, link.confidence !== null && `${Math.round(link.confidence * 100)} %`];
    const inBrackets = said.filter(Boolean).join(", ");
    const parts = [element("p", {}, [linkTo(link.link, [tagged(link.asset), " in CDF"]), inBrackets && ` (${inBrackets})`])];
    if (link.reason) parts.push(element("p", { className: "quiet", text: link.reason }));
    return element("div", { className: "link" }, parts);
  }

  others(plate, views) {
    const at = views.indexOf(plate);
    const go = (step) => () => this.onOther(views[(at + step + views.length) % views.length]);
    return element("div", { className: "row" }, [
      element("button", { text: "‹", type: "button", ariaLabel: "Previous view", onclick: go(-1) }),
      element("span", { text: `View ${at + 1} of ${views.length}` }),
      element("button", { text: "›", type: "button", ariaLabel: "Next view", onclick: go(1) }),
    ]);
  }
}

/** The states as boxes to tick, with the numbers of the station's plates; `states` is the set that is shown. */
export class StateFilter {
  constructor(place, states, onChange) {
    this.counts = new Map();
    for (const state of STATES) {
      const box = element("input", { type: "checkbox", checked: states.has(state) });
      const count = element("span");
      this.counts.set(state, count);
      box.addEventListener("change", () => {
        if (box.checked) states.add(state);
        else states.delete(state);
        onChange();
      });
      place.append(element("label", {}, [box, element("span", { className: `state ${state}`, text: state }), count]));
    }
  }

  show(station) {
    for (const [state, count] of this.counts) {
      count.textContent = String(station.plates.filter((plate) => plate.state === state).length);
    }
  }
}

/** Fill the list of a station's plates. */
export function listPlates(place, station, selected, states, onPlate) {
  const plates = station.plates.filter((plate) => states.has(plate.state));
  const items = plates.map((plate) =>
    element("li", {}, [
      element(
        "button",
        { type: "button", ariaPressed: String(plate === selected), onclick: () => onPlate(plate) },
        [element("span", { className: `dot ${plate.state}`, ariaHidden: "true" }), tagged(plate.tag)],
      ),
    ]),
  );
  const isInUse = place.contains(document.activeElement);
  place.replaceChildren(...(items.length ? items : [element("li", { className: "quiet", text: "None" })]));
  if (isInUse) (place.querySelector("[aria-pressed=true]") ?? place.querySelector("button"))?.focus();
}

/** The search field and what it finds, with the keys that people expect of it. */
export class Search {
  constructor({ form, input, list }, onPlate) {
    Object.assign(this, { input, list, onPlate });
    input.addEventListener("input", () => this.find());
    input.addEventListener("focus", () => this.find());
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" && !list.hidden) {
        event.preventDefault();
        list.querySelector("button")?.focus();
      }
    });
    list.addEventListener("keydown", (event) => this.step(event));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      list.querySelector("button")?.click();
    });
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget)) this.close();
    });
  }

  step(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...this.list.querySelectorAll("button")];
    const next = buttons.indexOf(document.activeElement) + step;
    if (next < 0) this.input.focus();
    else buttons[Math.min(next, buttons.length - 1)]?.focus();
  }

  find() {
    const text = this.input.value.trim();
    if (!text || !this.capture) {
      this.close();
      return;
    }
    const found = this.capture.search(text);
    const items = found.slice(0, MOST_FOUND).map(({ tag, views }) => this.item(tag, views));
    if (!found.length) items.push(element("li", { className: "quiet", text: `No plate of this capture reads “${text}”.` }));
    if (found.length > MOST_FOUND) items.push(element("li", { className: "quiet", text: `${found.length - MOST_FOUND} more` }));
    this.list.replaceChildren(...items);
    this.list.hidden = false;
  }

  item(tag, views) {
    const count = views.length === 1 ? "1 view" : `${views.length} views`;
    const choose = element(
      "button",
      {
        type: "button",
        onclick: () => {
          this.close();
          this.onPlate(views[0]);
        },
      },
      [element("span", { className: `dot ${views[0].state}`, ariaHidden: "true" }), tagged(tag), element("span", { className: "quiet", text: count })],
    );
    return element("li", {}, [choose]);
  }

  close() {
    this.list.hidden = true;
  }
}
