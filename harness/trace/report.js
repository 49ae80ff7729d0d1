(() => {
  const root = document.documentElement;
  const steps = [...document.querySelectorAll(".step")];
  const buttons = [...document.querySelectorAll("[data-show]")];
  const status = document.getElementById("shown");
  root.classList.add("js");

  const show = (what) => {
    let count = 0;
    for (const step of steps) {
      const hit = what === "all" || step.dataset.has.split(" ").includes(what);
      step.hidden = !hit;
      count += hit;
      if (hit && what === "requests") for (const one of step.querySelectorAll("details.wire")) one.open = true;
    }
    for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset.show === what));
    status.textContent = what === "all" ? "" : `${count} of ${steps.length} steps`;
  };
  for (const one of buttons) one.addEventListener("click", () => show(one.dataset.show));

  const go = (way) => {
    const seen = steps.filter((step) => !step.hidden);
    const edge = document.querySelector(".bar").getBoundingClientRect().bottom + 24;
    const next = way > 0
      ? seen.find((step) => step.getBoundingClientRect().top > edge)
      : seen.filter((step) => step.getBoundingClientRect().top < 0).pop() ?? seen[0];
    if (!next) return;
    next.scrollIntoView();
    next.focus({ preventScroll: true });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "n" || event.key === "ArrowRight") go(1);
    if (event.key === "k" || event.key === "p" || event.key === "ArrowLeft") go(-1);
  });
  for (const shot of document.querySelectorAll(".shot button")) {
    shot.addEventListener("click", () => shot.closest(".step").classList.toggle("large"));
  }
})();
