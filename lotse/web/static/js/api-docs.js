// Draws the API's document on its page. In a file of its own because the pages allow no inline script.
const place = document.getElementById("document");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  // No other host learns which API is looked at.
  validatorUrl: null,
  tryItOutEnabled: true,
});
