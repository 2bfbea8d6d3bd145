// Swagger UI with the simulated API and the control API; requests go to this mock, with a key filled in.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const { documents: list, key } = document.getElementById("reference").dataset;
  const documents = JSON.parse(list).map((name, number) => ({ name, url: `/__mock__/ui/documents/${number}.json` }));
  const ui = window.SwaggerUIBundle({
    dom_id: "#reference",
    urls: [
      ...documents,
      { name: "Control API", url: "/__mock__/openapi.json" },
    ],
    presets: [window.SwaggerUIBundle.presets.apis, window.SwaggerUIStandalonePreset],
    layout: "StandaloneLayout",
    validatorUrl: null,
    persistAuthorization: false,
    onComplete: () => authorize(ui, key),
  });
  new MutationObserver(labelControls).observe(document.getElementById("reference"), { childList: true, subtree: true });
});

// Fills the key into every bearer scheme of the selected document, whatever its name.
function authorize(ui, key) {
  const schemes = ui.specSelectors.specJson().getIn(["components", "securitySchemes"]);
  schemes?.forEach((scheme, name) => {
    if (scheme.get("scheme") === "bearer") ui.preauthorizeApiKey(name, key);
  });
}

// Names the controls that Swagger UI leaves without a name for screen readers.
const LABELS = {
  "#servers": "Server",
  ".examples-select-element": "Example",
  "textarea.body-param__text": "Request body",
};

function labelControls() {
  for (const [selector, label] of Object.entries(LABELS)) {
    for (const control of document.querySelectorAll(`${selector}:not([aria-label])`)) control.ariaLabel = label;
  }
}
