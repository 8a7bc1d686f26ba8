// Airflow keeps the chosen theme in localStorage; "system" leaves the choice to the browser.
const follow = () => {
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* storage is off */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  // Reports run no script, so the server reads from a cookie which theme they have.
  const theme = document.documentElement.dataset.theme;
  const path = location.pathname.replace(/(\/capture360)\/.*/, "$1");
  document.cookie = `capture360_theme=${theme ?? ""}; max-age=${theme ? 31_536_000 : 0}; path=${path}; samesite=lax`;
};
follow();
addEventListener("storage", follow);
// Airflow shows plugin pages in a frame that may neither open windows nor leave: a link out of it is followed by Airflow's page.
addEventListener("click", (event) => {
  const link = event.target.closest("a[target]");
  if (link === null || window.parent === window || event.defaultPrevented) return;
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  Object.assign(outside, { href: link.href, target: link.target, rel: "noopener" });
  outside.click();
});
