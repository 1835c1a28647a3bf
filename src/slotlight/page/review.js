// Keys and clicks go to the server one after the other, and what it answers is shown. Nothing is decided here.
const part = (name) => element.querySelector('[data-part="' + name + '"]');
const keys = [...element.querySelectorAll("[data-key]")].map((button) => button.dataset.key);
let last = Promise.resolve();

function show(view) {
  part("name").textContent = view.name;
  part("place").textContent = view.place;
  part("slide").value = view.at + 1;
  part("picture").src = view.picture;
  part("pieces").innerHTML = view.pieces;
  part("note").textContent = view.note;
  part("note").classList.toggle("fault", view.is_fault);
  part("saved").textContent = view.saved;
  part("saved").classList.toggle("not", !view.is_saved);
  const selected = part("pieces").querySelector(".selected");
  if (selected) selected.scrollIntoView({ block: "nearest" });
}

function ask(what, value) {
  last = last
    .then(() => server[what](value))
    .then(show)
    .catch(() => {
      part("note").textContent = "The server has gone; start slotlight review again. What was done is kept.";
      part("note").classList.add("fault");
    });
}

document.addEventListener("keydown", (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey || event.altKey || !keys.includes(key)) return;
  event.preventDefault();
  ask("press", key);
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-key]");
  const piece = event.target.closest("[data-piece]");
  if (button) {
    button.blur();
    ask("press", button.dataset.key);
  } else if (piece) {
    ask("select", Number(piece.dataset.piece));
  } else if (event.target === part("picture")) {
    const image = event.target;
    const box = image.getBoundingClientRect();
    const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
    const left = (box.width - image.naturalWidth * scale) / 2;
    const top = (box.height - image.naturalHeight * scale) / 2;
    ask("point", [(event.clientX - box.left - left) / scale, (event.clientY - box.top - top) / scale]);
  }
});
element.addEventListener("change", (event) => {
  if (event.target === part("slide")) ask("go_to", Number(event.target.value) - 1);
});
ask("press", "");
