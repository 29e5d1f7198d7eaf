// The page of the missing network: as soon as there is one, the page that was asked for comes by itself.
"use strict";

addEventListener("online", () => location.reload());
