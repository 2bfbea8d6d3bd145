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
});

// Fills the key into every bearer scheme of the selected document, whatever its name.
function authorize(ui, key) {
  const schemes = ui.specSelectors.specJson().getIn(["components", "securitySchemes"]);
  schemes?.forEach((scheme, name) => {
    if (scheme.get("scheme") === "bearer") ui.preauthorizeApiKey(name, key);
  });
}
