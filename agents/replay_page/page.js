"use strict";

const CONTROLS_PX = 80;
const QUIET_COLOR = "#9a9ab055"; // of stretches in which nobody did anything, on light and dark ground
const place = document.getElementById("player");
const size = () => {
  const { width, height } = place.getBoundingClientRect();
  return { width: Math.floor(width), height: Math.floor(height) - CONTROLS_PX };
};

// What is too large for this browser, or makes no page, must not look like a page on which nothing happens.
addEventListener("error", ({ message }) => {
  const said = document.createElement("p");
  said.className = "faults";
  said.textContent = `The player failed on this recording: ${message}`;
  document.querySelector("header").append(said);
  dispatchEvent(new Event("resize"));
}, { once: true });

const player = new rrwebPlayer.Player({
  target: place,
  props: {
    events: JSON.parse(document.getElementById("events").textContent),
    autoPlay: false,
    inactiveColor: QUIET_COLOR,
    ...size(),
  },
});
addEventListener("resize", () => {
  player.$set(size());
  player.triggerResize();
});
