// The contact sheet: the front of each station, small, by the viewer's routes. Texts are set as text alone.
addEventListener("DOMContentLoaded", async () => {
  const AT_FIRST = 24;
  const section = document.getElementById("sheet");
  if (section === null) return;
  const [says, list, more] = ["p", "ul", "button"].map((name) => section.querySelector(name));
  const source = new URL(section.dataset.views, location.href);

  const item = (station) => {
    const link = document.createElement("a");
    link.href = `${section.dataset.viewer}#${new URLSearchParams({ station: station.id })}`;
    Object.assign(link, { target: "_blank", rel: "noopener", title: `Open the panorama of ${station.name}` });
    const picture = new Image(192, 192);
    Object.assign(picture, { loading: "lazy", decoding: "async", alt: `Front of ${station.name}` });
    picture.src = new URL(`${station.faces.front}&size=thumbnail`, source);
    const name = document.createElement("span");
    name.className = "small";
    name.textContent = station.name;
    link.append(picture, name);
    const entry = document.createElement("li");
    entry.append(link);
    return entry;
  };

  try {
    const answer = await fetch(source);
    const read = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(typeof read.detail === "string" ? read.detail : `Airflow answered ${answer.status}.`);
    const stations = read.stations.filter((station) => station.faces.front);
    const show = (count) => {
      list.replaceChildren(...stations.slice(0, count).map(item));
      more.hidden = count >= stations.length;
      says.textContent = `${Math.min(count, stations.length)} of ${stations.length} station${stations.length === 1 ? "" : "s"}, the front of each. A picture opens its panorama.`;
    };
    more.textContent = `Show all ${stations.length}`;
    more.addEventListener("click", () => show(stations.length));
    show(AT_FIRST);
  } catch (error) {
    says.textContent = `The pictures cannot be shown. ${error.message}`;
  }
});
