// Pictures in the back office: taking in many files with their progress, the focal point, the order of a list.
// Without scripts the same forms take a place as a number and a point as two.
"use strict";

(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const token = (() => {
    try {
      return JSON.parse(document.body.getAttribute("data-hx-headers") || "{}")["X-CSRF-Token"] || "";
    } catch {
      return "";
    }
  })();

  // -- taking in: one request per file, two at a time, so that each says how far it is
  const AT_ONCE = 2;
  all("[data-upload]").forEach((zone) => {
    const input = zone.querySelector("input[type=file]");
    const list = zone.querySelector("[data-files]");
    const said = zone.dataset;
    const waiting = [];
    const taken = [];
    let running = 0;
    let failed = 0;
    zone.classList.add("ready");

    const row = (file) => {
      const item = document.createElement("li");
      item.innerHTML = '<span class="file"></span><progress max="100" value="0"></progress><span class="state"></span>';
      item.querySelector(".file").textContent = file.name;
      item.querySelector("progress").setAttribute("aria-label", file.name);
      item.querySelector(".state").textContent = said.waits;
      list.append(item);
      return item;
    };
    const words = (answer) => {
      try {
        const problem = JSON.parse(answer);
        const more = problem.rule || problem.found || (problem.limit ? `${Math.round(problem.limit / 1048576)} MiB` : "");
        return [problem.title, more].filter(Boolean).join(": ") || said.failed;
      } catch {
        return said.failed;
      }
    };
    const ended = () => {
      if (running || waiting.length) return;
      zone.setAttribute("aria-busy", "false");
      const form = document.getElementById(said.form || "");
      if (form && taken.length) {
        taken.forEach((name) => {
          const hidden = document.createElement("input");
          hidden.type = "hidden";
          hidden.name = "added";
          hidden.value = name;
          form.append(hidden);
        });
        form.requestSubmit();
      } else if (taken.length && !failed) {
        location.reload();
      }
    };
    const next = () => {
      while (running < AT_ONCE && waiting.length) {
        const { file, item } = waiting.shift();
        running += 1;
        const progress = item.querySelector("progress");
        const state = item.querySelector(".state");
        const request = new XMLHttpRequest();
        request.open("POST", `${said.upload}?title=${encodeURIComponent(file.name.slice(-200))}`);
        request.setRequestHeader("X-CSRF-Token", token);
        request.setRequestHeader("Content-Type", "application/octet-stream");
        request.upload.addEventListener("progress", (event) => {
          if (!event.lengthComputable) return;
          progress.value = Math.round((event.loaded / event.total) * 100);
          state.textContent = event.loaded === event.total ? said.checks : `${progress.value} %`;
        });
        request.addEventListener("loadend", () => {
          running -= 1;
          progress.value = 100;
          if (request.status === 201) {
            taken.push(JSON.parse(request.responseText).name);
            item.classList.add("good");
            state.textContent = said.done;
          } else {
            failed += 1;
            item.classList.add("bad");
            state.textContent = words(request.responseText);
          }
          next();
          ended();
        });
        request.send(file);
      }
    };
    const take = (files) => {
      zone.setAttribute("aria-busy", "true");
      [...files].forEach((file) => waiting.push({ file, item: row(file) }));
      next();
    };
    input.addEventListener("change", () => {
      take(input.files);
      input.value = "";
    });
    // The whole page is the target: a drop beside the frame would else open the file and lose the page.
    let over = 0;
    document.addEventListener("dragenter", (event) => {
      if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
      over += 1;
      zone.classList.add("over");
    });
    document.addEventListener("dragleave", () => {
      over = Math.max(0, over - 1);
      if (!over) zone.classList.remove("over");
    });
    document.addEventListener("dragover", (event) => {
      if ([...(event.dataTransfer?.types || [])].includes("Files")) event.preventDefault();
    });
    document.addEventListener("drop", (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      over = 0;
      zone.classList.remove("over");
      take(event.dataTransfer.files);
    });
  });

  // -- the focal point: click, or move it with the arrow keys
  all("[data-focal]").forEach((stage) => {
    const point = stage.querySelector("[data-point]");
    const x = document.getElementById("focal_x");
    const y = document.getElementById("focal_y");
    const crops = all("[data-crop] img");
    const show = () => {
      const set = x.value !== "" && y.value !== "";
      point.hidden = false;
      point.classList.toggle("unset", !set);
      point.style.left = `${set ? x.value : 50}%`;
      point.style.top = `${set ? y.value : 50}%`;
      point.setAttribute("aria-valuetext", set ? `${x.value} %, ${y.value} %` : stage.dataset.none);
      crops.forEach((crop) => {
        crop.style.objectPosition = `${set ? x.value : 50}% ${set ? y.value : 50}%`;
        crop.style.objectFit = set ? "cover" : "contain";
      });
    };
    const put = (left, top) => {
      x.value = String(Math.min(100, Math.max(0, Math.round(left))));
      y.value = String(Math.min(100, Math.max(0, Math.round(top))));
      show();
      x.dispatchEvent(new Event("input", { bubbles: true }));
    };
    stage.addEventListener("click", (event) => {
      const box = stage.querySelector("img").getBoundingClientRect();
      put(((event.clientX - box.left) / box.width) * 100, ((event.clientY - box.top) / box.height) * 100);
    });
    point.addEventListener("keydown", (event) => {
      const by = event.shiftKey ? 10 : 1;
      const move = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key];
      if (!move) return;
      event.preventDefault();
      put(Number(x.value || 50) + move[0], Number(y.value || 50) + move[1]);
    });
    [x, y].forEach((field) => field.addEventListener("input", show));
    document.querySelector("[data-no-focal]")?.addEventListener("click", () => {
      x.value = "";
      y.value = "";
      show();
    });
    show();
  });

  // -- the order of a list: drag it, or move it with the arrow keys on its handle
  all("[data-order]").forEach((list) => {
    const live = document.createElement("p");
    live.className = "visually-hidden";
    live.setAttribute("role", "status");
    list.after(live);
    const items = () => [...list.children];
    const number = () =>
      items().forEach((item, place) => {
        const field = item.querySelector("[data-place]");
        if (field) field.value = String(place + 1);
      });
    const told = (item) => {
      number();
      live.textContent = list.dataset.said.replace("{place}", String(items().indexOf(item) + 1)).replace("{all}", String(items().length));
      list.dispatchEvent(new Event("input", { bubbles: true }));
    };
    let dragged = null;
    items().forEach((item) => {
      const handle = item.querySelector("[data-handle]");
      if (!handle) return;
      handle.hidden = false;
      item.draggable = true;
      item.addEventListener("dragstart", (event) => {
        dragged = item;
        item.classList.add("dragged");
        event.dataTransfer.effectAllowed = "move";
      });
      item.addEventListener("dragend", () => {
        item.classList.remove("dragged");
        if (dragged) told(item);
        dragged = null;
      });
      item.addEventListener("dragover", (event) => {
        if (!dragged || dragged === item || dragged.parentElement !== list) return;
        event.preventDefault();
        const before = items().indexOf(dragged) > items().indexOf(item);
        if (before) item.before(dragged);
        else item.after(dragged);
      });
      handle.addEventListener("keydown", (event) => {
        const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
        if (!other) return;
        if (step < 0) other.before(item);
        else other.after(item);
        handle.focus();
        told(item);
      });
    });
    number();
  });
})();
