"use strict";
// Draws every figure in the element of its name. Colours of text and lines are the style sheet's.
const figures = JSON.parse(document.getElementById("figures").textContent);
const drawing = Object.entries(figures).map(([name, figure]) => {
  const place = document.getElementById("figure-" + name);
  const fixed = figure.layout.width !== undefined;
  return Plotly.newPlot(place, figure.data, figure.layout, { displayModeBar: false, responsive: !fixed, doubleClick: false });
});
Promise.all(drawing).then(() => document.documentElement.setAttribute("data-drawn", String(drawing.length)));
