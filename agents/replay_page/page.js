"use strict";

const CONTROLS_PX = 80;
const place = document.getElementById("player");
const QUIET_COLOR = "#9a9ab055"; // of stretches in which nobody did anything, on light and dark ground
const size = () => {
  const { width, height } = place.getBoundingClientRect();
  return { width: Math.floor(width), height: Math.floor(height) - CONTROLS_PX };
};
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
