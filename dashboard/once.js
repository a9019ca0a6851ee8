/* Streamlit's chart gives each figure to be drawn two or three times: hidden and without a width, then with it, then as the page gets its
   scroll bar. Here it is drawn at once as wide as its place is, and not again while nothing about it differs. */
const draw = Plotly.react, configs = new WeakMap();
Plotly.react = (box, {data, layout, config, frames}) => {
  const wide = {...layout, width: layout.width ?? (box.parentNode?.getBoundingClientRect().width || undefined)};
  const same = box.layout && configs.get(box) === JSON.stringify(config) && JSON.stringify([box.data, box.layout]) === JSON.stringify([data, wide]);
  if (same) return Promise.resolve(box);
  configs.set(box, JSON.stringify(config));
  return draw(box, {data, layout: wide, config, frames});
};
