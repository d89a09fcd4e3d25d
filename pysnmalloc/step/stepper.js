// Sets up every stepper of the page that is not set up yet. It loads nothing and defines no globals.
(() => {
  const INTERVAL = 1800; // milliseconds between steps during playback

  const setUp = (stepper) => {
    stepper.dataset.ready = "true";
    const find = (role) => stepper.querySelector(`[data-role="${role}"]`);
    const frames = [...stepper.querySelectorAll(".snm-frame")];
    const [previous, play, next, range, place, link] =
      ["previous", "play", "next", "range", "place", "link"].map(find);
    const live = stepper.querySelector(".snm-live");
    let current = 0;
    let timer = null;

    const show = (index) => {
      current = Math.max(0, Math.min(index, frames.length - 1));
      frames.forEach((frame, at) => { frame.hidden = at !== current; });
      const number = current + 1;
      range.value = number;
      place.textContent = `${number} / ${frames.length}`;
      link.href = `#${stepper.id}-${number}`;
      previous.disabled = current === 0;
      next.disabled = number === frames.length;
      stepper.dataset.step = number;
    };

    const announce = () => {
      const words = frames[current].querySelector(".snm-words").textContent;
      live.textContent = `Step ${current + 1} of ${frames.length}: ${words}`;
    };

    const go = (index) => {
      show(index);
      announce();
      try {
        history.replaceState(history.state, "", `#${stepper.id}-${current + 1}`);
      } catch { /* a page without its own address, such as a nested frame */ }
    };

    const pause = () => {
      clearInterval(timer);
      timer = null;
      play.textContent = "▶ play";
      play.setAttribute("aria-pressed", "false");
    };

    const toggle = () => {
      if (timer !== null) return pause();
      play.textContent = "❚❚ pause";
      play.setAttribute("aria-pressed", "true");
      if (current === frames.length - 1) go(0);
      timer = setInterval(() => {
        go(current + 1);
        if (current === frames.length - 1) pause();
      }, Number(stepper.dataset.interval) || INTERVAL);
    };

    const keys = {
      ArrowLeft: () => go(current - 1),
      ArrowRight: () => go(current + 1),
      Home: () => go(0),
      End: () => go(frames.length - 1),
      " ": toggle,
    };

    stepper.addEventListener("keydown", (event) => {
      const action = keys[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " " && event.target !== stepper) return; // the button handles its key
      if (event.target === range) return; // the slider moves itself
      event.preventDefault();
      event.stopPropagation(); // a notebook has its own keys
      action();
    });
    previous.addEventListener("click", () => go(current - 1));
    next.addEventListener("click", () => go(current + 1));
    play.addEventListener("click", toggle);
    range.addEventListener("input", () => go(Number(range.value) - 1));

    const follow = () => {
      const match = location.hash.match(/^#(.+)-(\d+)$/);
      if (!match || match[1] !== stepper.id) return false;
      show(Number(match[2]) - 1);
      return true;
    };
    addEventListener("hashchange", follow);
    stepper.querySelector(".snm-controls").hidden = false;
    if (follow()) {
      stepper.scrollIntoView();
    } else {
      show(0);
    }
  };

  document.querySelectorAll(".snm-stepper:not([data-ready])").forEach(setUp);
})();
