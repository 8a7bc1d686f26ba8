// Airflow keeps the chosen theme in localStorage; "system" leaves the choice to the browser.
const follow = () => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // storage is off
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
};
follow();
addEventListener("storage", follow);
