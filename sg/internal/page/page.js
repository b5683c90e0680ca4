"use strict";
(() => {
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  document.documentElement.classList.add("js");

  // Explanations open below their row. Without a script they all stand there.
  for (const button of all("button.why")) {
    const row = document.getElementById(button.getAttribute("aria-controls"));
    const show = (open) => {
      button.setAttribute("aria-expanded", String(open));
      row.classList.toggle("open", open);
    };
    button.addEventListener("click", () => show(!row.classList.contains("open")));
    show(false);
  }

  // A table's rows are bodies of their own, each with its explanation.
  for (const box of all(".table")) {
    const table = box.querySelector("table");
    const bodies = all("tbody", table);
    const text = (body, column) => body.rows[0].cells[column].textContent.trim();
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      const number = head.classList.contains("number");
      const key = number
        ? (body) => Number(text(body, column).replace(/[^0-9.]/g, ""))
        : (body) => text(body, column);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        const down = was ? was === "ascending" : number;
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const order = new Intl.Collator("en", { numeric: true });
        const keyed = bodies.map((body) => [key(body), body]);
        keyed.sort(([a], [b]) => (number ? a - b : order.compare(a, b)) * (down ? -1 : 1));
        table.append(...keyed.map(([, body]) => body));
      });
    });

    const tools = box.querySelector(".tools");
    if (bodies.length < 6) {
      tools.classList.add("few");
      continue;
    }
    const input = tools.querySelector("input");
    const output = tools.querySelector("output");
    let texts = null; // made when somebody filters
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      texts = texts || bodies.map((body) => body.textContent.toLowerCase());
      let shown = 0;
      bodies.forEach((body, i) => {
        body.hidden = !words.every((word) => texts[i].includes(word));
        if (!body.hidden) shown++;
      });
      output.textContent = words.length ? shown + " of " + bodies.length + " rows" : "";
    });
  }

  // A chart is drawn again from its series when somebody looks closer.
  for (const chart of all(".chart")) {
    const series = JSON.parse(chart.querySelector(".series").textContent);
    const lanes = all(".lane", chart);
    const count = series.lanes[0].slots.length;
    const at = chart.querySelector(".at");
    let first = 0;
    let last = count; // the slot behind the last
    const number = (n) => n.toLocaleString("en-US");
    const plural = (n) => number(n) + " " + series.unit + (n === 1 ? "" : "s");
    const time = (slot) => new Date(series.start + slot * series.width).toISOString().replace("T", " ").replace("Z", "");
    const span = (ms) => ms < 1000 ? ms + " ms" : ms < 120000 ? ms / 1000 + " s" : ms < 7200000 ? (ms / 60000).toFixed(1) + " min" : (ms / 3600000).toFixed(1) + " h";

    const draw = () => {
      lanes.forEach((lane, i) => {
        const slots = series.lanes[i].slots.slice(first, last);
        const most = Math.max(0, ...slots);
        let path = "M0,100";
        slots.forEach((n, j) => {
          const y = n ? 100 - Math.max(3, Math.floor((n / most) * 98)) : 100;
          path += "H" + ((1000 * j) / slots.length).toFixed(2) + "V" + y;
        });
        lane.querySelector("path").setAttribute("d", path + "H1000V100Z");
        const total = slots.reduce((a, b) => a + b, 0);
        const peak = most ? plural(total) + ", at most " + number(most) + " in " + span(series.width) : "none";
        lane.querySelector(".peak").textContent = peak;
        const name = lane.querySelector(".name").lastChild.textContent.trim();
        lane.querySelector("svg").setAttribute("aria-label", name + ": " + peak);
      });
      chart.querySelector(".from").textContent = time(first);
      chart.querySelector(".to").textContent = time(last);
      at.textContent = first > 0 || last < count ? "shown: " + span((last - first) * series.width) : "";
    };
    const show = (from, to) => {
      const wide = Math.min(count, Math.max(4, to - from));
      first = Math.min(Math.max(0, from), count - wide);
      last = first + wide;
      draw();
    };
    const actions = {
      in: () => { const by = Math.floor((last - first) / 4); show(first + by, last - by); },
      out: () => { const by = Math.ceil((last - first) / 2); show(first - by, last + by); },
      left: () => { const by = Math.ceil((last - first) / 3); show(first - by, last - by); },
      right: () => { const by = Math.ceil((last - first) / 3); show(first + by, last + by); },
      all: () => show(0, count),
    };
    for (const button of all("[data-do]", chart)) {
      button.addEventListener("click", actions[button.getAttribute("data-do")]);
    }
    const keys = { "+": "in", "=": "in", "-": "out", "−": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all" };
    chart.addEventListener("keydown", (event) => {
      const action = keys[event.key];
      if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      actions[action]();
    });

    // Dragging picks a stretch; pointing tells what a slot holds.
    for (const lane of lanes) {
      const svg = lane.querySelector("svg");
      const part = (event) => {
        const box = svg.getBoundingClientRect();
        return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      };
      const slotAt = (x) => Math.min(last - 1, first + Math.floor(x * (last - first)));
      let began = null;
      let picked = null;
      const drop = () => {
        if (picked) picked.remove();
        began = picked = null;
      };
      svg.addEventListener("pointerdown", (event) => {
        began = part(event);
        svg.setPointerCapture(event.pointerId);
      });
      svg.addEventListener("pointermove", (event) => {
        const x = part(event);
        if (began === null) {
          const slot = slotAt(x);
          at.textContent = time(slot) + ": " + lanes.map((l, i) =>
            number(series.lanes[i].slots[slot]) + " " + l.querySelector(".name").lastChild.textContent.trim().toLowerCase()).join(", ");
          return;
        }
        if (!picked) {
          picked = document.createElementNS("http://www.w3.org/2000/svg", "rect");
          picked.setAttribute("class", "picked");
          picked.setAttribute("height", "100");
          svg.append(picked);
        }
        picked.setAttribute("x", 1000 * Math.min(began, x));
        picked.setAttribute("width", 1000 * Math.abs(x - began));
      });
      svg.addEventListener("pointerup", (event) => {
        const x = part(event);
        if (began !== null && Math.abs(x - began) > 0.01) {
          show(slotAt(Math.min(began, x)), slotAt(Math.max(began, x)) + 1);
        }
        drop();
      });
      svg.addEventListener("pointercancel", drop);
    }
  }

  const save = document.getElementById("save");
  if (save) {
    save.addEventListener("click", () => {
      const link = document.createElement("a");
      const text = document.getElementById("report").textContent; // large numbers would not survive parsing
      link.href = URL.createObjectURL(new Blob([text, "\n"], { type: "application/json" }));
      link.download = "sgsim.json";
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }
})();
