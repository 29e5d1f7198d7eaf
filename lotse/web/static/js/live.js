// The live page: server-sent events become dots, rows and bars; buttons of the demo become posts.
// The browser reconnects by itself and says where it was; every frame carries sums as they stand, so nothing drifts.
"use strict";

(() => {
  const live = document.getElementById("live");
  const words = live.dataset;
  const language = document.documentElement.lang;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const byId = (id) => document.getElementById(id);
  const count = new Intl.NumberFormat(language);
  const short = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: words.zone });
  let money = new Intl.NumberFormat(language, { style: "currency", currency: "EUR" });
  let whole = new Intl.NumberFormat(language, { style: "currency", currency: "EUR", maximumFractionDigits: 0 });
  const ROWS = 14;
  const SVG = "http://www.w3.org/2000/svg";

  const put = (id, text) => {
    const element = byId(id);
    if (element && element.textContent !== text) element.textContent = text;
    return element;
  };
  const made = (name, kind, text) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const state = (is) => {
    byId("live-state").dataset.is = is;
    byId("live-state").querySelector("span").textContent = { live: words.live, away: words.away, waiting: words.waiting }[is];
  };

  // -- the day

  const day = (now) => {
    put("sum-gross", whole.format(now.whole.gross_minor / 100));
    put("sum-orders", count.format(now.whole.orders));
    const sums = { web: 0, till: 0, marketplace: 0 };
    for (const [channel, sum] of Object.entries(now.channels)) {
      const shown = channel === "till" || channel === "marketplace" ? channel : "web";
      sums[shown] += sum.gross_minor;
    }
    for (const [channel, gross] of Object.entries(sums)) {
      live.querySelector(`[data-channel="${channel}"]`).textContent = whole.format(gross / 100);
    }
    for (const [place, sum] of Object.entries(now.places)) {
      const dot = byId(`dot-${place}`);
      if (!dot) continue;
      dot.classList.add("sold");
      const circle = dot.querySelector("circle");
      // The area and not the width tells how much.
      if (circle) circle.setAttribute("r", (3 + Math.min(6, Math.sqrt(sum.gross_minor) / 250)).toFixed(1));
      const title = dot.querySelector("title");
      title.textContent = `${title.textContent.split(" · ")[0]} · ${whole.format(sum.gross_minor / 100)} · ${words.orders.replace("#", count.format(sum.orders))}`;
    }
  };

  const pulse = (place, channel) => {
    const dot = byId(`dot-${place}`);
    if (!dot || document.hidden) return;
    dot.classList.add("lit");
    setTimeout(() => dot.classList.remove("lit"), 500);
    if (still.matches || byId("waves").childElementCount > 60) return;
    const wave = document.createElementNS(SVG, "circle");
    wave.setAttribute("class", `wave ${channel}`);
    wave.setAttribute("r", "3");
    wave.setAttribute("transform", dot.getAttribute("transform"));
    wave.addEventListener("animationend", () => wave.remove());
    byId("waves").append(wave);
  };

  // -- the stream

  const row = (sale, fresh) => {
    const item = made("li", (fresh ? "new" : "") + (sale.sign < 0 ? " back" : ""));
    const dot = byId(`dot-${sale.place}`);
    const city = dot ? dot.querySelector("text").textContent : "";
    const channel = sale.sign < 0 ? words[sale.text] || sale.text : words[sale.channel] || sale.channel;
    item.append(made("i", `chan ${sale.channel}`));
    item.append(made("span", "where", sale.channel === "till" ? `${city}` : channel));
    item.append(made("span", "sum-of", (sale.sign < 0 ? "−" : "") + money.format(sale.gross_minor / 100)));
    const more = sale.more ? ` ${words.more.replace("#", sale.more)}` : "";
    item.append(made("span", "what", sale.sign < 0 ? "" : sale.text + more));
    item.append(made("span", "when", clock.format(new Date(sale.at))));
    return item;
  };
  const stream = (sales, fresh) => {
    const list = byId("stream");
    const shown = fresh ? sales.slice(-ROWS) : sales.slice(-ROWS);
    for (const sale of shown) list.prepend(row(sale, fresh && !still.matches));
    while (list.childElementCount > ROWS) list.lastElementChild.remove();
  };

  // -- best sellers

  const top = (sellers) => {
    const list = byId("top");
    list.replaceChildren(
      ...sellers.map((one) => {
        // Of what there was this morning, as far as today's sales tell: it falls, and jumps when a delivery arrives.
        const share = one.left / Math.max(1, one.left + one.pieces);
        const item = made("li", one.left === 0 ? "none" : share < 0.2 ? "low" : "");
        const name = one.names[language] || Object.values(one.names)[0] || "";
        item.append(made("span", "name", one.option ? `${name} · ${one.option}` : name));
        const left = one.left ? words.left.replace("#", count.format(one.left)) : words.out;
        item.append(made("span", "left", `${words.sold.replace("#", count.format(one.pieces))} · ${left}`));
        const track = made("span", "track");
        const bar = made("i");
        bar.style.transform = `scaleX(${share})`;
        track.append(bar);
        item.append(track);
        return item;
      }),
    );
  };

  // -- the desk and the processes

  const rates = [];
  const figures = (now) => {
    const desk = now.desk;
    put("desk-rate", desk ? short.format(desk.per_second) : "–");
    put("desk-queue", desk ? count.format(desk.queue) : "–");
    put("desk-batch", desk ? short.format(desk.batch) : "–");
    put("desk-commit", desk && desk.commit_ms ? `${short.format(desk.commit_ms)} ms` : "–");
    rates.push(desk ? desk.per_second : 0);
    if (rates.length > 60) rates.shift();
    const high = Math.max(10, ...rates);
    byId("spark").setAttribute("points", rates.map((rate, at) => `${at * 2 + 120 - rates.length * 2},${31 - (rate / high) * 29}`).join(" "));
    byId("roles").replaceChildren(...now.processes.map((one) => made("li", one.ready ? "" : "away", `${one.role} ${one.pid ?? ""}`)));
    if (now.demo) demo(now.demo);
  };

  // -- the demo's buttons

  const act = async (name, body) => {
    const answer = await fetch(`/api/v1/demo/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key() },
      body: JSON.stringify(body || {}),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.reason || said.title || words.failed);
    return said;
  };
  const key = () => (crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join(""));
  const verdict = (id, value, good) => {
    const element = put(id, value);
    element.className = good === undefined ? "" : good ? "good" : "bad";
  };

  const demo = (now) => {
    for (const button of live.querySelectorAll("[data-pace]")) button.setAttribute("aria-pressed", String(button.dataset.pace === now.pace));
    const season = byId("season");
    season.hidden = !now.season.total || now.season.loaded >= now.season.total;
    season.textContent = season.dataset.text.replace("##", count.format(now.season.total)).replace("#", count.format(now.season.loaded));
    flash(now.flash);
    kill(now.kill);
  };
  const flash = (now) => {
    if (!byId("flash")) return;
    byId("flash").disabled = now.phase === "running";
    byId("flash-result").hidden = now.phase === "idle";
    const done = now.phase === "done";
    const [sold, refused] = byId("flash-result").querySelectorAll(".meter i");
    sold.style.flexBasis = `${(100 * now.sold) / now.buyers}%`;
    refused.style.flexBasis = `${(100 * now.refused) / now.buyers}%`;
    verdict("flash-sold", count.format(now.sold), done ? now.sold === now.pieces : undefined);
    verdict("flash-refused", count.format(now.refused), done ? now.sold + now.refused === now.buyers : undefined);
    verdict("flash-left", now.left === null ? "…" : count.format(now.left), done ? now.left === 0 : undefined);
    verdict("flash-books", now.in_books === null ? "…" : count.format(now.in_books), done ? now.in_books === now.sold : undefined);
    put("flash-seconds", now.seconds ? `${short.format(now.seconds)} s` : "…");
    byId("flash-result").querySelector("[data-gone]").hidden = now.phase !== "failed";
    put("flash-failed", count.format(now.failed)).hidden = !now.failed;
    byId("flash-result").querySelector(".failed").hidden = !now.failed;
    byId("act-flash").dataset.phase = now.phase;
  };
  const kill = (now) => {
    if (!byId("kill")) return;
    byId("kill").disabled = now.phase === "running";
    byId("kill-result").hidden = now.phase === "idle";
    const done = now.phase === "done";
    put("kill-pids", now.new_pid ? `${now.role} ${now.pid} → ${now.new_pid}` : `${now.role} ${now.pid ?? ""}`);
    put("kill-seconds", now.seconds ? `${short.format(now.seconds)} s` : "…");
    put("kill-answered", count.format(now.answered));
    verdict("kill-books", now.in_books === null ? "…" : count.format(now.in_books), done ? now.in_books === now.answered : undefined);
    verdict("kill-lost", now.lost === null ? "…" : count.format(now.lost), done ? now.lost === 0 : undefined);
    byId("kill-result").querySelector("[data-gone]").hidden = now.phase !== "failed";
    byId("act-kill").dataset.phase = now.phase;
  };
  const pressed = (button, run) =>
    button?.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await run();
      } catch (error) {
        button.setAttribute("title", error.message);
        byId("live-state").querySelector("span").textContent = error.message;
      } finally {
        button.disabled = false;
      }
    });

  for (const button of live.querySelectorAll("[data-pace]")) {
    pressed(button, async () => demo(await act("pace", { pace: button.dataset.pace })));
  }
  pressed(byId("flash"), async () => flash(await act("flash-sale")));
  pressed(byId("kill"), async () => kill(await act("kill", { role: byId("victim").value })));

  // Two windows: what each sends is what any browser or app sends, without this session's cookie.
  let piece = null;
  const panes = [...live.querySelectorAll(".window")];
  pressed(byId("last"), async () => {
    piece = await act("last-piece");
    byId("windows").hidden = false;
    for (const pane of panes) {
      pane.classList.remove("won", "lost");
      pane.querySelector(".what").textContent = `${piece.article}, ${money.format(piece.total_minor / 100)}`;
      pane.querySelector(".outcome").textContent = "";
      pane.querySelector(".buy").disabled = false;
    }
  });
  const buy = async (pane) => {
    pane.querySelector(".buy").disabled = true;
    const answer = await fetch("/api/v1/orders", {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key() },
      body: JSON.stringify({
        contact: piece.contact,
        method: "invoice",
        total_minor: piece.total_minor,
        lines: [{ offer_id: piece.offer_id, quantity: 1 }],
      }),
    });
    const said = await answer.json();
    pane.classList.add(answer.ok ? "won" : "lost");
    pane.querySelector(".outcome").textContent = answer.ok ? `201 · ${said.order.number}` : `${answer.status} · ${said.title} · ${said.type}`;
  };
  for (const pane of panes) pressed(pane.querySelector(".buy"), () => buy(pane).finally(() => (pane.querySelector(".buy").disabled = true)));
  pressed(byId("both"), () => Promise.all(panes.map(buy)));

  // -- the line

  const heard = (handler) => (event) => {
    state("live");
    handler(JSON.parse(event.data));
  };
  state("waiting");
  const source = new EventSource("/api/v1/live/events");
  source.addEventListener("snapshot", heard((said) => {
    money = new Intl.NumberFormat(language, { style: "currency", currency: said.currency });
    whole = new Intl.NumberFormat(language, { style: "currency", currency: said.currency, maximumFractionDigits: 0 });
    byId("stream").replaceChildren();
    day(said.day);
    stream(said.sales, false);
    top(said.top);
  }));
  source.addEventListener("sales", heard((said) => {
    day(said.day);
    stream(said.sales, true);
    const channels = new Map(said.sales.map((sale) => [sale.place, sale.channel]));
    for (const place of Object.keys(said.pulses)) pulse(place, channels.get(place) || "till");
  }));
  source.addEventListener("top", heard((said) => top(said.top)));
  source.addEventListener("figures", heard(figures));
  let silence = 0;
  // A stream ends every half minute and goes on at once: only a longer silence is worth a word.
  source.onerror = () => {
    clearTimeout(silence);
    silence = setTimeout(() => source.readyState !== EventSource.OPEN && state("away"), 2500);
  };
  source.onopen = () => clearTimeout(silence);
})();
