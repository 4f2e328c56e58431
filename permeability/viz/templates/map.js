"use strict";
(function () {
  function start(box) {
    var svg = box.querySelector("svg");
    var home = svg.getAttribute("viewBox").split(" ").map(Number);
    var view = home.slice();
    var tools = box.parentNode.querySelector(".tools");
    var held = {};
    box.drawn = svg.style.getPropertyValue("--u");
    function show() {
      svg.setAttribute("viewBox", view.map(function (v) { return v.toFixed(3); }).join(" "));
      svg.style.setProperty("--u", view[2] / Math.max(svg.clientWidth, 1));
      box.style.setProperty("--k", "1");
      furnish();
      box.classList.toggle("zoomed", view[2] < 0.6 * home[2]);
      clear();
    }
    // On a map smaller or nearer than it was drawn for, texts that would cover one that says more wait until there is room.
    function clear() {
      var edge = svg.getBoundingClientRect(), kinds = [".bar-km text,.north text", ".rank", "[data-layer=patches] text", "text"], taken = [];
      var texts = kinds.map(function (kind) {
        return Array.from(svg.querySelectorAll(kind)).sort(function (a, b) { return (Number(a.textContent) || 0) - (Number(b.textContent) || 0); });
      }).reduce(function (a, b) { return a.concat(b); });
      texts = texts.filter(function (t, i) { return texts.indexOf(t) === i; });
      texts.forEach(function (t) { wait(t, false); });
      var boxes = texts.map(function (t) { return t.getBoundingClientRect(); });
      texts.forEach(function (t, i) {
        var b = boxes[i];
        if (!b.width || b.right < edge.left || b.left > edge.right || b.bottom < edge.top || b.top > edge.bottom) { return; }
        if (b.left < edge.left || b.right > edge.right || taken.some(function (c) { return b.left < c.right && c.left < b.right && b.top < c.bottom && c.top < b.bottom; })) {
          wait(t, true);
        } else { taken.push(b); }
      });
    }
    function wait(text, on) {
      var lead = text.previousElementSibling;
      text.classList.toggle("waits", on);
      if (lead && lead.matches(".lead")) { lead.classList.toggle("waits", on); }
    }
    function furnish() {
      var z = view[2] / home[2];
      var shift = "translate(" + view[0] + " " + view[1] + ") scale(" + z + ")";
      svg.querySelectorAll(".bar-km,.north").forEach(function (g) { g.setAttribute("transform", shift); });
      svg.querySelectorAll(".north text,.bar-km text").forEach(function (t) { t.style.fontSize = "calc(var(--u)*var(--k)*11px/" + z + ")"; });
      var bar = svg.querySelector(".bar-km");
      var ten = Math.pow(10, Math.floor(Math.log10(view[2] / 4)));
      var km = [5, 2, 1].filter(function (m) { return m * ten <= view[2] / 4; })[0] * ten;
      var rects = bar.querySelectorAll("rect");
      rects[0].setAttribute("width", km / z);
      rects[1].setAttribute("width", km / z / 2);
      var text = bar.querySelector("text");
      text.setAttribute("x", Number(rects[0].getAttribute("x")) + km / z);
      text.textContent = bar.dataset.text.replace("{}", km.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 2 }));
      svg.querySelectorAll(".rank").forEach(function (t) {
        if (!t.home) { t.home = [Number(t.getAttribute("x")), Number(t.getAttribute("y"))]; }
        t.setAttribute("x", Number(t.dataset.x) + (t.home[0] - t.dataset.x) * z);
        t.setAttribute("y", Number(t.dataset.y) + (t.home[1] - t.dataset.y) * z);
      });
    }
    function zoom(factor, cx, cy) {
      var width = Math.min(home[2], Math.max(home[2] / 60, view[2] * factor));
      var f = width / view[2];
      view = [cx - (cx - view[0]) * f, cy - (cy - view[1]) * f, width, view[3] * f];
      hold();
    }
    function hold() {
      view[0] = Math.min(Math.max(view[0], home[0]), home[0] + home[2] - view[2]);
      view[1] = Math.min(Math.max(view[1], home[1]), home[1] + home[3] - view[3]);
      show();
    }
    function middle() { return [view[0] + view[2] / 2, view[1] + view[3] / 2]; }
    function place(e) {
      var r = svg.getBoundingClientRect();
      return [view[0] + (e.clientX - r.left) / r.width * view[2], view[1] + (e.clientY - r.top) / r.height * view[3]];
    }
    function act(what) {
      var m = middle();
      if (what === "in") { zoom(0.6, m[0], m[1]); }
      if (what === "out") { zoom(1 / 0.6, m[0], m[1]); }
      if (what === "home") { view = home.slice(); show(); }
    }
    box.pick = function (key, move) {
      var found = null;
      box.querySelectorAll(".site").forEach(function (g) {
        var on = g.getAttribute("data-site") === key;
        g.classList.toggle("picked", on);
        if (on) { found = g; }
      });
      if (found && move) {
        found.parentNode.appendChild(found);
        var b = found.querySelector(".site-line").getBBox();
        var width = Math.min(home[2], Math.max(b.width * 8, home[2] / 5));
        var height = width * home[3] / home[2];
        view = [b.x + b.width / 2 - width / 2, b.y + b.height / 2 - height / 2, width, height];
        hold();
      }
      return found;
    };
    if (tools) {
      tools.hidden = false;
      tools.addEventListener("click", function (e) { if (e.target.dataset.act) { act(e.target.dataset.act); } });
      tools.addEventListener("change", function (e) {
        var key = e.target.value;
        if (e.target.type === "radio") {
          box.parentNode.querySelectorAll("[data-raster]").forEach(function (i) { i.classList.toggle("off", i.dataset.raster !== key); });
        } else {
          box.querySelectorAll('[data-layer="' + key + '"]').forEach(function (i) { i.classList.toggle("off", !e.target.checked); });
        }
      });
      svg.classList.add("near");
      svg.setAttribute("tabindex", "0");
      svg.addEventListener("pointerdown", function (e) { held[e.pointerId] = [e.clientX, e.clientY]; svg.setPointerCapture(e.pointerId); box.moved = false; });
      svg.addEventListener("pointermove", function (e) {
        var was = held[e.pointerId];
        if (!was) { return; }
        var ids = Object.keys(held);
        var scale = view[2] / svg.clientWidth;
        if (ids.length === 2) {
          var other = held[ids[0] === String(e.pointerId) ? ids[1] : ids[0]];
          var before = Math.hypot(was[0] - other[0], was[1] - other[1]);
          var after = Math.hypot(e.clientX - other[0], e.clientY - other[1]);
          var p = place(e);
          if (after > 0) { zoom(before / after, p[0], p[1]); }
        } else {
          view[0] -= (e.clientX - was[0]) * scale;
          view[1] -= (e.clientY - was[1]) * scale;
          hold();
        }
        if (Math.abs(e.clientX - was[0]) + Math.abs(e.clientY - was[1]) > 2) { box.moved = true; }
        held[e.pointerId] = [e.clientX, e.clientY];
      });
      ["pointerup", "pointercancel"].forEach(function (n) { svg.addEventListener(n, function (e) { delete held[e.pointerId]; }); });
      svg.addEventListener("wheel", function (e) {
        if (!e.ctrlKey && document.activeElement !== svg) { return; }
        e.preventDefault();
        var p = place(e);
        zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, p[0], p[1]);
      }, { passive: false });
      svg.addEventListener("keydown", function (e) {
        var step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
        if (step) { view[0] += step[0] * view[2] / 10; view[1] += step[1] * view[3] / 10; hold(); e.preventDefault(); }
        if (e.key === "+" || e.key === "=") { act("in"); }
        if (e.key === "-") { act("out"); }
        if (e.key === "0") { act("home"); }
      });
      svg.addEventListener("click", function (e) {
        var site = document.elementsFromPoint(e.clientX, e.clientY).map(function (n) { return n.closest(".site"); }).filter(Boolean)[0];
        if (site && !box.moved) { choose(site.getAttribute("data-site"), false); }
      });
    }
    show();
    window.addEventListener("resize", show);
    window.addEventListener("beforeprint", function () { svg.style.setProperty("--u", box.drawn * view[2] / home[2]); });
    window.addEventListener("afterprint", show);
  }
  function choose(key, move) {
    document.querySelectorAll("tr[data-site]").forEach(function (r) { r.classList.toggle("picked", r.dataset.site === key); });
    var seen = null;
    document.querySelectorAll(".map").forEach(function (b) { if (b.pick) { seen = b.pick(key, move) || seen; } });
    if (move && seen) { seen.closest("figure").scrollIntoView({ block: "nearest" }); }
    if (!move) {
      var row = document.querySelector('tr.picked[data-site="' + key + '"]');
      if (row) { row.scrollIntoView({ block: "nearest" }); }
    }
  }
  document.querySelectorAll(".map").forEach(start);
  document.querySelectorAll("tr[data-site]").forEach(function (row) {
    row.addEventListener("click", function (e) { e.preventDefault(); choose(row.dataset.site, true); });
  });
})();
