"use strict";
// Draws every figure in the element of its name. Colours of text and lines are the style sheet's.
const figures = Object.entries(JSON.parse(document.getElementById("figures").textContent));
const isFluid = ([, figure]) => figure.layout.width === undefined;
const draw = ([name, figure]) => {
  const place = document.getElementById("figure-" + name);
  Plotly.purge(place);
  const options = { displayModeBar: false, responsive: isFluid([name, figure]), doubleClick: false };
  return Plotly.newPlot(place, structuredClone(figure.data), structuredClone(figure.layout), options);
};
Promise.all(figures.map(draw)).then(() => document.documentElement.setAttribute("data-drawn", String(figures.length)));
// Paper has a width of its own. Drawn anew, as a Sankey that changes its width moves there, and would be printed midway.
for (const [event, onPaper] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    document.documentElement.classList.toggle("paper", onPaper);
    figures.filter(isFluid).forEach(draw);
  });
}
