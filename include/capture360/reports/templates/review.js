// The review page: every answer is sent when it is given, with the version of the plate's answers that is shown here.
addEventListener("DOMContentLoaded", () => {
  const { review, deciding } = document.body.dataset;
  const cards = [...document.querySelectorAll(".card")];
  const says = document.getElementById("says");
  const base = location.pathname.replace(/\/$/, "");
  const AT_ONCE = 100; // answers in one request
  const KEPT_ALIVE = 60_000; // bytes of a request that is sent to its end though the page is left: browsers take 64 KiB
  const given = []; // for each answer its plates, with the version of what was said of them before, for undo
  let failures = 0; // answers that did not count
  let current = null;
  let finished = false;

  const isOpen = (card) => card.dataset.choice === "open";
  const button = (card, what) => card.querySelector(`[data-do="${what}"]`);
  const tell = (text, wrong = false) => { // what did not count is shown until the next answer is given
    says.textContent = text;
    says.classList.toggle("conflict", wrong);
  };

  const choose = (card, scroll = true) => {
    if (!card) return;
    current?.removeAttribute("aria-current");
    current = card;
    card.setAttribute("aria-current", "true");
    if (!scroll) return;
    card.focus({ preventScroll: true });
    const place = () => current === card && card.scrollIntoView({ block: "start", behavior: "instant" });
    place();
    // Cards out of sight are laid out when they come near it, and then have another height than was assumed.
    requestAnimationFrame(() => requestAnimationFrame(place));
  };
  const move = (step) => choose(cards[Math.min(Math.max(cards.indexOf(current) + step, 0), cards.length - 1)]);
  const next = () => {
    const from = cards.indexOf(current);
    choose([...cards.slice(from + 1), ...cards.slice(0, from + 1)].find(isOpen));
  };

  const count = () => {
    const done = cards.filter((card) => card.dataset.choice !== "open").length;
    const finish = document.querySelector('[data-do="finish"]');
    document.getElementById("done").textContent = done;
    document.querySelector("progress").value = done;
    if (finish) finish.textContent = done === 0 ? "Finish: leave all as they are" : done === cards.length ? "Finish: write all to CDF" : `Finish: write ${done}, leave ${cards.length - done}`;
    return done;
  };

  const show = (card, said, conflict) => {
    card.dataset.version = said.version;
    card.dataset.choice = said.choice;
    card.dataset.asset = said.asset ?? "";
    const line = card.querySelector(".said");
    line.classList.toggle("conflict", conflict);
    const words = document.createElement(said.choice === "approve" ? "code" : "span");
    words.textContent = said.words;
    if (said.choice === "approve") words.className = "tag"; // 0 and O differ in its letters alone
    const answer = said.choice === "open" ? (said.by ? [`Taken back by ${said.by}`] : []) : [words, ` by ${said.by}, ${said.at}`];
    line.replaceChildren(...(conflict && answer.length ? ["Somebody was faster: "] : []), ...answer);
    for (const each of card.querySelectorAll(".candidate"))
      each.setAttribute("aria-pressed", said.choice === "approve" && each.dataset.asset === said.asset);
  };

  const send = async (path, body) => {
    const content = new TextEncoder().encode(JSON.stringify(body));
    const answer = await fetch(`${base}/${path}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: content, keepalive: content.length < KEPT_ALIVE,
    });
    const document = await answer.json().catch(() => ({}));
    if (!answer.ok && !document.results) throw new Error(typeof document.detail === "string" ? document.detail : `Airflow answered ${answer.status}.`);
    return document;
  };

  let sent = Promise.resolve(); // one request after the other: each knows the versions that the one before it made
  const mark = (answers) => {
    const before = answers.map(({ card }) => ({ card, choice: card.dataset.choice, asset: card.dataset.asset || null }));
    for (const { card, choice, asset } of answers) Object.assign(card.dataset, { choice, asset: asset ?? "" });
    tell("");
    return before;
  };
  const give = (answers) => {
    const before = mark(answers);
    if (count() < cards.length) next();
    sent = sent.then(() => deliver(answers, before, true));
  };
  const deliver = async (answers, before, remember) => {
    const taken = [];
    let settled = 0;
    let lost = 0;
    const faster = []; // numbers of the plates that somebody had answered meanwhile
    try {
      while (settled < answers.length) {
        const some = answers.slice(settled, settled + AT_ONCE);
        const { results } = await send("answers", {
          review,
          answers: some.map(({ card, choice, asset, before }) => ({ plate: card.dataset.plate, version: Number(card.dataset.version), choice, asset, before })),
        });
        for (const each of results) {
          const was = before.find(({ card }) => card.dataset.plate === each.plate);
          if (each.taken) taken.push({ card: was.card, choice: "open", before: Number(was.card.dataset.version) });
          else faster.push(was.card.querySelector(".number").textContent);
          show(was.card, each, !each.taken);
        }
        settled += some.length;
      }
      lost = faster.length;
      if (lost) tell(`Somebody was faster with plate${lost === 1 ? "" : "s"} ${faster.join(", ")}; what is shown there holds.`, true);
      else if (count() === cards.length && !says.classList.contains("conflict")) {
        tell("All plates are decided. Enter writes them to CDF, U takes the last answer back.");
        document.querySelector('[data-do="finish"]').focus({ preventScroll: true });
      }
    } catch (error) {
      lost = faster.length + answers.length - settled;
      for (const { card, choice, asset } of before.slice(settled)) Object.assign(card.dataset, { choice, asset: asset ?? "" });
      tell(error.message, true);
    }
    failures += lost;
    if (remember && taken.length) given.push(taken);
    count();
  };

  const decide = (card, choice, asset = null, answer = "") => {
    if (!deciding || finished) return;
    const bulk = button(card, "bulk")?.checked;
    const others = bulk ? cards.filter((one) => one !== card && isOpen(one) && one.dataset.question === card.dataset.question) : [];
    const answers = others.map((one) => {
      if (choice !== "approve") return { card: one, choice, asset: null };
      const same = [...one.querySelectorAll(".choices:not(.found) .candidate")].find((each) => answer && each.dataset.answer === answer);
      return same && { card: one, choice, asset: same.dataset.asset };
    });
    choose(card, false);
    give([{ card, choice, asset }, ...answers.filter(Boolean)]);
  };
  const undo = () => {
    sent = sent.then(() => {
      const last = given.pop();
      if (!last) return tell("There is no answer of yours to take back.");
      choose(last[0].card);
      return deliver(last, mark(last), false);
    });
  };

  const finish = async () => {
    const before = failures;
    await sent;
    if (failures > before) return tell(`Nothing is written yet, since an answer did not count. Look at the plates, and finish again. Cause: ${says.textContent}`, true);
    try {
      const { sentence } = await send("finish", { review });
      finished = true;
      for (const each of document.querySelectorAll(".choices, .other, .bulk, .bar button")) each.remove();
      tell(sentence);
    } catch (error) {
      tell(error.message, true);
    }
  };

  const wide = (one) => {
    const figures = one.closest(".pictures");
    const shown = figures.querySelector(".wide");
    const was = one.getAttribute("aria-expanded") === "true";
    shown?.remove();
    for (const each of figures.querySelectorAll('[data-do="wide"]')) each.setAttribute("aria-expanded", "false");
    if (was) return;
    one.setAttribute("aria-expanded", "true");
    const figure = document.createElement("figure");
    figure.className = "wide";
    const picture = document.createElement("img");
    picture.alt = "The whole face of the panorama";
    picture.addEventListener("load", () => figure.scrollIntoView({ block: "nearest", behavior: "instant" }));
    picture.src = one.dataset.face;
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", "0 0 100 100");
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("aria-hidden", "true");
    const outline = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    outline.setAttribute("points", one.dataset.outline);
    drawing.append(outline);
    figure.append(picture, drawing);
    figures.append(figure);
  };

  const search = async (form) => {
    const found = form.parentElement.querySelector(".found");
    found.hidden = false;
    found.textContent = "Looking for assets ...";
    try {
      const answer = await fetch(`${base}/assets?like=${encodeURIComponent(form.elements.like.value)}`);
      const document_ = await answer.json();
      if (!answer.ok) throw new Error(typeof document_.detail === "string" ? document_.detail : `Airflow answered ${answer.status}.`);
      found.replaceChildren(...document_.map(({ ref, name, tag }) => {
        const one = document.createElement("button");
        Object.assign(one, { type: "button", className: "candidate" });
        Object.assign(one.dataset, { do: "approve", asset: ref, answer: "" });
        const text = document.createElement("span");
        text.className = "tag";
        text.append(...tag.match(/\d+|\D+/g).map((part) => {
          const characters = document.createElement("span");
          characters.className = /\d/.test(part) ? "digit" : "letter";
          characters.textContent = part;
          return characters;
        }));
        one.append(text);
        if (name !== tag) one.append(name);
        return one;
      }));
      if (document_.length === 0) found.textContent = "No asset of the site has this in its name or tags.";
      else found.querySelector("button").focus();
    } catch (error) {
      found.textContent = error.message;
    }
  };

  document.addEventListener("click", (event) => {
    const one = event.target.closest("[data-do]");
    const card = event.target.closest(".card");
    if (card) choose(card, false);
    if (!one) return;
    const { asset, answer } = one.dataset;
    ({
      approve: () => decide(card, "approve", asset, answer),
      reject: () => decide(card, "reject"),
      leave: () => decide(card, "leave"),
      wide: () => wide(one),
      undo, finish, bulk: () => {},
    })[one.dataset.do]();
  });
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    search(event.target);
  });
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (card) choose(card, false);
  });
  const keys = {
    r: (card) => button(card, "reject")?.click(),
    s: (card) => button(card, "leave")?.click(),
    w: (card) => button(card, "wide")?.click(),
    p: (card) => card.querySelector('a[target="_blank"]')?.click(),
    b: (card) => button(card, "bulk")?.click(),
    "/": (card) => card.querySelector('input[type="search"]')?.focus(),
    u: () => document.querySelector('[data-do="undo"]')?.click(),
    arrowdown: () => move(1), arrowright: () => move(1), arrowup: () => move(-1), arrowleft: () => move(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !event.key.startsWith("Arrow")) return;
    if (event.target.closest('input[type="search"]')) {
      if (event.key === "Escape") current?.focus();
      return;
    }
    if (!current) return;
    const key = event.key.toLowerCase();
    const number = key === "a" ? 1 : /^[1-9]$/.test(key) ? Number(key) : 0;
    const act = number ? () => current.querySelectorAll(".choices:not(.found) .candidate")[number - 1]?.click() : keys[key] && (() => keys[key](current));
    if (!act) return;
    event.preventDefault();
    act();
  });

  if (cards.length) {
    const named = cards.find((card) => `#${card.id}` === location.hash); // a panorama leads here
    choose(named ?? cards.find(isOpen) ?? cards[0], named !== undefined);
    count();
  }
});
