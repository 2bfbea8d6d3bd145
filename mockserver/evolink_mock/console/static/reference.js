// Swagger UI with the simulated API and the control API; requests go to this mock, with a key filled in.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const names = JSON.parse(document.getElementById("reference").dataset.documents);
  const documents = names.map((name, number) => ({ name, url: `/__mock__/ui/documents/${number}.json` }));
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
    onComplete: () => ui.preauthorizeApiKey("bearerAuth", "any-token"),
  });
});
