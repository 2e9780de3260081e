// Keep the page on the newest action while nobody has chosen one.
const root = document.documentElement;
let known = root.dataset.newest;
async function look() {
  try {
    const newest = JSON.stringify(await (await fetch("/newest")).json());
    if (known && newest !== known && !root.dataset.pinned) location.reload();
    known = newest;
  } catch {
    root.dataset.offline = "true";
  }
}
setInterval(look, 900);
look();
