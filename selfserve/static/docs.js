// Draws the API document where the server's plain list stands. What is typed here is kept nowhere.
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  dark.addEventListener("change", paint);
  paint();
  const calls = document.getElementById("calls");
  SwaggerUIBundle({
    domNode: calls,
    url: calls.dataset.url,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [() => ({ wrapComponents: { InfoContainer: () => () => null } })],
    layout: "BaseLayout",
    validatorUrl: null,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
  });
})();
