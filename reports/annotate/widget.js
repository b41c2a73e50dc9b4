/* The rating page in a notebook: in a frame of its own, which asks the kernel instead of a server. */
const render = ({ model, el }) => {
  const frame = document.createElement("iframe");
  frame.title = "Rate answers";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.style.cssText = "width: 100%; height: 46rem; border: 1px solid currentColor;";
  frame.srcdoc = model.get("page");
  const ask = (event) => {
    if (event.source === frame.contentWindow) model.send(event.data);
  };
  const tell = (reply) => frame.contentWindow?.postMessage(reply, "*");
  window.addEventListener("message", ask);
  model.on("msg:custom", tell);
  el.append(frame);
  return () => {
    window.removeEventListener("message", ask);
    model.off("msg:custom", tell);
  };
};
export default { render };
