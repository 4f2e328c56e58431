(function () {
  const data = JSON.parse(document.getElementById("board-data").textContent);
  const stored = JSON.parse(document.getElementById("board-stored").textContent);
  const pristine = "<!DOCTYPE html>\n" + document.documentElement.outerHTML;
  const words = data.words, language = data.language;
  const NEAR = 40; // modes: a set so near to the one that stands is a matter of few milliseconds
  const $ = function (id) { return document.getElementById(id); };
  const species = data.species, byId = {};
  let here = species[0], open = [], past = [], turn = 0, marked = null, lines = new Map();
  const onMap = {}; // sections on the maps, by their id
  const kept = { a: null, b: null };

  // ---------------------------------------------------------------- numbers and texts
  const formats = {};
  function format(places) {
    formats[places] = formats[places] || new Intl.NumberFormat(language, { minimumFractionDigits: places, maximumFractionDigits: places });
    return formats[places];
  }
  function number(value, digits) {
    if (value === null || value === undefined || Number.isNaN(value)) { return "–"; }
    if (!Number.isFinite(value)) { return words.infinite; }
    const size = Math.abs(value);
    if (size > 0 && size < 5e-5) { return "≈ 0"; }
    const whole = size >= 100 || size === Math.round(size);
    return format(whole ? 0 : Math.min(Math.max((digits || 3) - 1 - Math.floor(Math.log10(size)), 0), 4)).format(value);
  }
  function signed(value, digits) {
    if (value === null || Number.isNaN(value)) { return "–"; }
    const text = number(Math.abs(value), digits);
    return value === 0 || text[0] === "≈" ? text : (value > 0 ? "+" : "−") + text;
  }
  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (whole, name) { return name in values ? String(values[name]) : whole; });
  }
  function make(tag, text, name) {
    const node = document.createElement(tag);
    if (text !== undefined) { node.textContent = text; }
    if (name) { node.className = name; }
    return node;
  }

  // ---------------------------------------------------------------- sets
  function prepare(one) {
    one.index = {};
    one.sites.forEach(function (s) { one.index[s.id] = s; byId[s.id] = byId[s.id] || s; });
    one.never = {};
    const name = {};
    one.sites.forEach(function (s) { name[s.at] = s.id; });
    one.apart.forEach(function (p) {
      const a = name[p[0]], b = name[p[1]];
      (one.never[a] = one.never[a] || []).push(b);
      (one.never[b] = one.never[b] || []).push(a);
    });
    one.many = 1 + one.sites.reduce(function (n, s) { return Math.max(n, s.at); }, -1);
    one.networks = {};
    one.known = {};
    Object.keys(one.levels).forEach(function (level) {
      one.networks[level] = BoardNumbers.network(one.levels[level]);
      one.known[level] = new Map();
    });
  }
  function places(one, ids) {
    const found = [];
    ids.forEach(function (id) { if (one.index[id]) { found.push(one.index[id].at); } });
    return found.sort(function (a, b) { return a - b; });
  }
  function bits(one, at) {
    const out = new Uint8Array(one.many);
    at.forEach(function (k) { out[k] = 1; });
    return out;
  }
  // Mean conductance of one species with a set built, in one state of the unknown numbers.
  function conductance(one, ids, level) {
    const at = places(one, ids), key = at.join(","), known = one.known[level];
    if (!known.has(key)) {
      if (known.size > 20000) { known.clear(); }
      known.set(key, one.networks[level].conductance(bits(one, at)));
    }
    return known.get(key);
  }
  function gain(one, ids, level) { return conductance(one, ids, level) - conductance(one, [], level); }
  function pieces(one, ids, level) {
    return one.networks[level].pieces(bits(one, places(one, ids)));
  }
  function excluded(id) {
    const found = new Set();
    species.forEach(function (s) { (s.never[id] || []).forEach(function (x) { found.add(x); }); });
    return found;
  }
  function withOne(ids, id) {
    const out = excluded(id);
    return ids.filter(function (x) { return !out.has(x) && x !== id; }).concat([id]);
  }
  function cost(ids) {
    return [0, 1, 2].map(function (i) { return ids.reduce(function (t, id) { return t + (byId[id].cost[i] === null ? NaN : byId[id].cost[i]); }, 0); });
  }
  function budget() { const v = parseFloat($("budget").value); return v > 0 ? v : null; }

  // ---------------------------------------------------------------- changing the set
  function change(next, said) {
    past.push(open);
    open = next;
    show(said);
  }
  function toggle(id) {
    const on = open.indexOf(id) >= 0;
    const next = on ? open.filter(function (x) { return x !== id; }) : withOne(open, id);
    const text = on ? words.closed : next.length === open.length + 1 ? words.opened : words.instead;
    change(next, fill(text, { name: id }));
  }
  function known(ids) { return ids.filter(function (id, i) { return byId[id] && ids.indexOf(id) === i; }); }

  // ---------------------------------------------------------------- showing
  function show(said) {
    turn += 1;
    const mine = turn;
    here.networks.best.follow(bits(here, places(here, open)), NEAR);
    showMarks();
    showMoney();
    showIndices(0);
    $("status").textContent = (said ? said + ". " : "") + told();
    $("undo").disabled = !past.length;
    $("clear").disabled = !open.length;
    later(mine, rest());
  }
  function told() { return open.length === 0 ? words.none : open.length === 1 ? words.one : fill(words.sections, { n: number(open.length) }); }
  // Work that may wait, a little at a time, given up when the set changes; a job may bring others that come next.
  function later(mine, jobs) {
    setTimeout(function () {
      const begun = performance.now();
      while (jobs.length && mine === turn && performance.now() - begun < 12) { work(jobs); }
      if (mine === turn && jobs.length) { later(mine, jobs); } else if (mine === turn) { document.body.dataset.settled = String(turn); }
    }, 0);
  }
  function work(jobs) {
    const more = jobs.shift()();
    if (Array.isArray(more)) { jobs.unshift.apply(jobs, more); }
  }
  // The draws of the species in view, what each section adds, the other species: every network first lets the set stand.
  function rest() {
    delete document.body.dataset.settled;
    const jobs = [];
    function solved(s, l) {
      jobs.push(function () { return s.networks[l].stand(bits(s, places(s, open))); }, function () { conductance(s, open, l); });
    }
    Object.keys(here.networks).forEach(function (l) { solved(here, l); });
    jobs.push(function () { showIndices(1); });
    lines.forEach(function (line) { jobs.push(function () { showAdds(line); }); });
    species.forEach(function (s) { if (s !== here) { Object.keys(s.networks).forEach(function (l) { solved(s, l); }); } });
    jobs.push(function () { showIndices(2); showCompared(); });
    return jobs;
  }
  // Only what has changed since the marks were drawn last.
  function showMarks() {
    const set = new Set(open);
    species.forEach(function (s) { s.sites.forEach(function (x) { mark(x.id, set.has(x.id)); }); });
    marked = set;
  }
  function mark(id, on) {
    const line = lines.get(id);
    if (marked && marked.has(id) === on) { return; }
    (onMap[id] || []).forEach(function (g) { g.classList.toggle("open", on); });
    if (line) {
      line.classList.toggle("open", on);
      line.querySelector("input").checked = on;
    }
  }
  function showMoney() {
    const spent = cost(open), most = budget(), scale = Math.max(spent[1] || 0, most || 0) * 1.05 || 1;
    const over = most !== null && spent[1] > most;
    $("meter").hidden = most === null;
    $("meter").classList.toggle("over", over);
    $("spent").style.width = 100 * (spent[1] || 0) / scale + "%";
    $("limit").style.display = most === null ? "none" : "";
    $("limit").style.left = 100 * (most || 0) / scale + "%";
    const parts = [fill(words.cost, { n: number(spent[1]) }) + (open.length && spent[0] !== spent[2] ? " (" + fill(words.range, { low: number(spent[0]), high: number(spent[2]) }) + ")" : "")];
    if (most !== null) {
      parts.push(fill(words.of_budget, { n: number(most) }));
      parts.push(over ? fill(words.over, { n: number(spent[1] - most) }) : fill(words.left, { n: number(most - spent[1]) }));
    }
    if (open.length && spent[1] > 0) { parts.push(fill(words.per_million, { name: here.name, n: signed(gain(here, open, "best") / spent[1] * 1e6) })); }
    $("money").textContent = parts.join("; ");
    $("brief").textContent = [told(), fill(words.cost, { n: number(spent[1]) }), data.indices.mean_conductance.label + " " + signed(gain(here, open, "best"))].join(" · ");
    $("meter").setAttribute("aria-label", parts.join("; "));
  }
  // The table of indices; the draws and the other species only once they are worked out.
  function showIndices(stage) {
    const whole = stage > 0, body = $("indices").tBodies[0];
    body.textContent = "";
    body.appendChild(conductanceRow(here, whole, true));
    const before = pieces(here, [], "best"), after = pieces(here, open, "best");
    body.appendChild(pieceRow("range_cut_off_km2", before.cut, after.cut, "cut", whole));
    body.appendChild(pieceRow("pairs_apart", before.apart, after.apart, "apart", whole));
    body.appendChild(reachRow());
    species.forEach(function (s) { if (s !== here) { body.appendChild(conductanceRow(s, stage > 1, stage > 1)); } });
  }
  function row(label, unit, cells, values) {
    const line = make("tr"), head = make("th", label);
    head.scope = "row";
    if (unit) { head.appendChild(document.createTextNode(" [" + unit + "]")); }
    line.appendChild(head);
    const heads = $("indices").tHead.rows[0].cells;
    cells.forEach(function (text, i) {
      const cell = make("td", text, i < 4 ? (i === 2 ? "n gain" : "n") : "");
      cell.dataset.head = heads[i + 1].textContent;
      if (values && values[i] !== undefined && values[i] !== null) { cell.dataset.value = String(values[i]); }
      line.appendChild(cell);
    });
    return line;
  }
  function between(low, high, write) {
    const same = write(low) === write(high);
    return same ? write(low) : fill(words.range, { low: write(Math.min(low, high)), high: write(Math.max(low, high)) });
  }
  function conductanceRow(one, drawn, ready) {
    const label = data.indices.mean_conductance.label + (species.length > 1 ? ", " + one.name : "");
    const before = conductance(one, [], "best");
    if (!ready) { return row(label, "", [number(before), "…", "…", "…", ""]); }
    const after = conductance(one, open, "best");
    let ends = "", pair;
    if (one.networks.low && drawn) {
      pair = [gain(one, open, "low"), gain(one, open, "high")];
      ends = between(pair[0], pair[1], signed);
    } else if (one.networks.low) { ends = "…"; }
    const worst = Math.max.apply(null, Object.keys(one.networks).map(function (l) { return one.networks[l].error || 0; }));
    const line = row(label, "", [number(before), number(after), signed(after - before), ends, fill(words.within, { n: number(Math.max(100 * worst, 1e-4), 1) })], [before, after, after - before, pair && pair.join(" ")]);
    line.dataset.index = "mean_conductance";
    line.dataset.species = one.id;
    return line;
  }
  function pieceRow(index, before, after, key, drawn) {
    const told = data.indices[index];
    let ends = "";
    if (here.networks.low) {
      const found = ["low", "high"].map(function (l) { return pieces(here, [], l)[key] - pieces(here, open, l)[key]; });
      ends = between(-found[0], -found[1], signed);
    }
    const line = row(told.label, told.unit, [number(before), number(after), signed(after - before), drawn || ends ? ends : "", words.exact], [before, after, after - before]);
    line.dataset.index = index;
    return line;
  }
  function reachRow() {
    const told = data.indices.reachable_km2, before = here.today.reachable_km2, mine = open.filter(function (id) { return here.index[id]; });
    const alone = mine.map(function (id) { return here.index[id].reach; }), more = Math.max.apply(null, alone.concat([0])), most = here.bare.reachable_km2;
    const least = function (text) { return fill(words.at_least, { low: text }); };
    let cells = [number(before), least(number(before + more)), least(signed(more)), "", most === null ? words.one_only : fill(words.at_most, { n: number(Math.max(most, before + more)) })];
    if (mine.length < 2) {
      cells = [number(before), number(before + more), signed(more), "", mine.length ? words.one_only : words.exact];
    }
    const line = row(told.label, told.unit, cells, [before, before + more, more]);
    line.dataset.index = "reachable_km2";
    return line;
  }

  // ---------------------------------------------------------------- the list
  function fillList() {
    const body = $("sections").tBodies[0], heads = $("sections").tHead.rows[0].cells;
    body.textContent = "";
    lines = new Map();
    marked = null;
    here.sites.forEach(function (s) {
      const line = make("tr");
      lines.set(s.id, line);
      line.dataset.id = s.id;
      const box = make("input");
      box.type = "checkbox";
      box.setAttribute("aria-label", fill(words.open, { name: s.id }));
      const first = make("td");
      first.appendChild(box);
      line.appendChild(first);
      const ranks = s.ranks[0] !== null && s.ranks[0] !== s.ranks[1] ? fill(words.range, { low: number(s.ranks[0]), high: number(s.ranks[1]) }) : "";
      const place = [s.line === s.code ? "" : s.line, s.treatment].filter(Boolean).join("; ");
      [[number(s.rank), ranks], [s.id, place], ["", ""], ["", ""], costTexts(s.cost)].forEach(function (text, i) {
        const cell = make(i === 1 ? "th" : "td", text[0], i === 1 ? "" : "n");
        if (i === 1) { cell.scope = "row"; }
        if (text[1]) { cell.appendChild(make("small", text[1])); }
        cell.dataset.head = heads[i + 1].textContent;
        line.appendChild(cell);
      });
      line.addEventListener("click", function (e) { if (e.target !== box) { toggle(s.id); } });
      box.addEventListener("change", function () { toggle(s.id); });
      line.addEventListener("pointerenter", function () { near(s.id, true); });
      line.addEventListener("pointerleave", function () { near(s.id, false); });
      body.appendChild(line);
    });
  }
  function costTexts(c) { return [number(c[1]), c[0] !== c[2] ? fill(words.range, { low: number(c[0]), high: number(c[2]) }) : ""]; }
  function showAdds(line) {
    const id = line.dataset.id, cells = line.cells, told = here.index[id].gains;
    if (!cells[3].dataset.value) { // alone: the same whatever is open
      const alone = gain(here, [id], "best");
      cells[3].textContent = signed(alone);
      if (told[0] !== null) { cells[3].appendChild(make("small", between(told[0], told[1], signed))); }
      cells[3].dataset.value = String(alone);
    }
    const on = open.indexOf(id) >= 0;
    const adds = on ? conductance(here, open, "best") - conductance(here, open.filter(function (x) { return x !== id; }), "best")
      : conductance(here, withOne(open, id), "best") - conductance(here, open, "best");
    cells[4].textContent = signed(adds);
    cells[4].dataset.value = String(adds);
  }
  function near(id, on) { (onMap[id] || []).forEach(function (g) { g.classList.toggle("near", on); }); }

  // ---------------------------------------------------------------- best next, pairs, A and B
  function bestNext() {
    here.networks.best.follow(bits(here, places(here, open)), 0);
    const most = budget(), now = conductance(here, open, "best");
    let best = null, adds = 1e-12 * Math.max(now, 1e-300);
    here.sites.forEach(function (s) {
      if (open.indexOf(s.id) >= 0) { return; }
      const next = withOne(open, s.id);
      if (most !== null && cost(next)[1] > most) { return; }
      const more = conductance(here, next, "best") - now;
      if (more > adds) { adds = more; best = s.id; }
    });
    if (best === null) { $("status").textContent = words.no_next; return; }
    change(withOne(open, best), fill(words.best_next, { name: best, n: signed(adds) }));
  }
  function pairUp() {
    const mine = open.filter(function (id) { return here.index[id]; });
    const ids = mine.length > 1 ? mine : here.sites.map(function (s) { return s.id; });
    const found = [];
    ids.forEach(function (a, i) {
      const out = excluded(a);
      ids.slice(i + 1).forEach(function (b) {
        if (out.has(b)) { return; }
        const apart = gain(here, [a], "best") + gain(here, [b], "best"), together = gain(here, [a, b], "best");
        found.push([a, b, together, apart, together - apart]);
      });
    });
    found.sort(function (x, y) { return Math.abs(y[4]) - Math.abs(x[4]); });
    showPairs(found.filter(function (x) { return Math.abs(x[4]) > 1e-6 * Math.abs(x[3]); }).slice(0, 12));
  }
  function showPairs(found) {
    const body = $("paired").tBodies[0];
    body.textContent = "";
    found.forEach(function (x) {
      const line = make("tr"), head = make("th", fill(words.pair, { a: x[0], b: x[1] }));
      head.scope = "row";
      line.appendChild(head);
      [x[2], x[3], x[4]].forEach(function (v) { line.appendChild(make("td", signed(v), "n")); });
      line.appendChild(make("td", x[4] > 0 ? words.more : words.less));
      body.appendChild(line);
    });
    if (!found.length) { const line = make("tr"), cell = make("td", words.no_pairs); cell.colSpan = 5; line.appendChild(cell); body.appendChild(line); }
    $("pairs").hidden = false;
  }
  function keep(name) {
    kept[name] = open.slice();
    $("status").textContent = fill(words.kept, { name: words[name] });
    showCompared();
  }
  function showCompared() {
    const shown = [["a", kept.a], ["b", kept.b]].filter(function (x) { return x[1]; });
    $("compare").hidden = !shown.length;
    if (!shown.length) { return; }
    const sets = shown.concat([["now", open]]), head = $("compared").tHead.rows[0], body = $("compared").tBodies[0];
    head.textContent = body.textContent = "";
    head.appendChild(make("td"));
    sets.forEach(function (x) { const th = make("th", words[x[0]], "n"); th.scope = "col"; head.appendChild(th); });
    comparedRows().forEach(function (r) {
      const line = make("tr"), th = make("th", r[0]);
      th.scope = "row";
      line.appendChild(th);
      sets.forEach(function (x) {
        const texts = [].concat(r[1](x[1])), cell = make("td", texts[0], "n");
        if (texts[1]) { cell.appendChild(make("small", texts[1])); }
        line.appendChild(cell);
      });
      body.appendChild(line);
    });
  }
  function comparedRows() {
    const rows = [[$("list-head").textContent, function (ids) { return number(ids.length); }], ["USD", function (ids) { return costTexts(cost(ids)); }]];
    species.forEach(function (s) {
      const of = species.length > 1 ? ", " + s.name : "";
      rows.push([data.indices.mean_conductance.label + of, function (ids) { return signed(gain(s, ids, "best")); }]);
      [["range_cut_off_km2", "cut"], ["pairs_apart", "apart"]].forEach(function (x) {
        const told = data.indices[x[0]];
        rows.push([told.label + (told.unit ? " [" + told.unit + "]" : "") + of, function (ids) { return signed(pieces(s, ids, "best")[x[1]] - pieces(s, [], "best")[x[1]]); }]);
      });
    });
    return rows;
  }

  // ---------------------------------------------------------------- the map
  function startMaps() {
    document.querySelectorAll(".species-map").forEach(function (box) {
      const one = species.find(function (s) { return s.id === box.dataset.species; });
      const name = {};
      one.sites.forEach(function (s) { name[s.key] = s.id; });
      box.querySelectorAll(".site").forEach(function (g) { g.dataset.board = name[g.dataset.site]; (onMap[name[g.dataset.site]] = onMap[name[g.dataset.site]] || []).push(g); });
      const map = box.querySelector(".map"), svg = map.querySelector("svg");
      svg.addEventListener("click", function (e) {
        const id = siteAt(e);
        if (id && !map.moved && !drawing()) { toggle(id); }
      });
      ["pointerdown", "pointermove", "pointerup"].forEach(function (kind) {
        map.addEventListener(kind, function (e) { if (drawing()) { draw(kind, e); } }, true);
      });
    });
  }
  function siteAt(e) {
    const found = document.elementsFromPoint(e.clientX, e.clientY).map(function (n) { return n.closest(".site"); }).filter(Boolean)[0];
    return found ? found.dataset.board : null;
  }
  function drawing() { return $("draw").getAttribute("aria-pressed") === "true"; }
  let stroke = null;
  function draw(kind, e) {
    e.stopPropagation();
    e.preventDefault();
    if (kind === "pointerdown") { stroke = []; }
    if (!stroke) { return; }
    const id = siteAt(e);
    if (id && stroke.indexOf(id) < 0) { stroke.push(id); near(id, true); }
    if (kind === "pointerup") {
      const next = stroke.reduce(function (ids, x) { return ids.indexOf(x) >= 0 ? ids : withOne(ids, x); }, open);
      stroke.forEach(function (x) { near(x, false); });
      stroke = null;
      if (next.length !== open.length) { change(next, ""); }
    }
  }
  function picked(name) { const r = document.querySelector("input[name=" + name + "]:checked"); return r ? r.value : null; }
  // The species and season that the switches name; where there is no such pair, the switch that was moved decides.
  function asked(moved) {
    const who = picked("species"), season = picked("season");
    const fits = function (s, strict) { return (who === null || s.who === who || (!strict && moved.name === "season")) && (season === null || s.season === season || (!strict && moved.name === "species")); };
    return (species.find(function (s) { return fits(s, true); }) || species.find(function (s) { return fits(s, false); })).id;
  }
  function check(name, value) { document.querySelectorAll("input[name=" + name + "]").forEach(function (r) { r.checked = r.value === value; }); }
  function choose(id) {
    here = species.find(function (s) { return s.id === id; });
    document.querySelectorAll(".species-map").forEach(function (box) { box.hidden = box.dataset.species !== id; });
    check("species", here.who);
    check("season", here.season);
    $("pairs").hidden = true;
    window.dispatchEvent(new Event("resize"));
    fillList();
    show("");
  }

  // ---------------------------------------------------------------- files
  function save(name, kind, content) {
    const link = document.createElement("a"), url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: kind }));
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(function () { URL.revokeObjectURL(url); }, 10000);
  }
  function scenario() {
    const ids = inOrder(), lost = ids.filter(function (id) { return !byId[id].steps; });
    $("said-of-files").textContent = lost.length ? fill(words.not_said, { names: lost.join(", ") }) : "";
    const head = ["[[scenarios]]", "name = " + JSON.stringify(words.scenario), 'measure = "restore"', ""];
    return head.concat(ids.filter(function (id) { return byId[id].steps; }).map(function (id) { return byId[id].steps; })).join("\n");
  }
  function inOrder() {
    return open.slice().sort(function (a, b) { const x = byId[a], y = byId[b]; return x.code < y.code ? -1 : x.code > y.code ? 1 : x.from - y.from; });
  }
  function cell(value) {
    let text = value === null || value === undefined ? "" : String(value);
    if (typeof value === "string" && /^'*[=+\-@\t\r]/.test(text)) { text = "'" + text; }
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }
  function table() {
    const head = ["id", "line", "km_from", "km_to", "treatment", "cost_usd_low", "cost_usd", "cost_usd_high"];
    species.forEach(function (s) { head.push("gain_alone_" + s.id); });
    const lines = inOrder().map(function (id) {
      const s = byId[id];
      return [s.id, s.code, s.from, s.to, s.treatment].concat(s.cost, species.map(function (one) { return one.index[id] ? gain(one, [id], "best") : null; }));
    });
    return [head].concat(lines).map(function (r) { return r.map(cell).join(","); }).join("\r\n") + "\r\n";
  }
  // The map as it is shown, with what the set is written beneath it.
  function picture() {
    const svg = document.querySelector(".species-map:not([hidden]) .map svg"), wide = Math.max(900, svg.clientWidth), high = Math.round(wide * svg.clientHeight / svg.clientWidth);
    const image = new Image(), font = getComputedStyle(document.body).fontFamily;
    image.onload = function () {
      const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
      const beneath = legend(pen, ["bold 18px " + font, "16px " + font], wide - 24);
      canvas.width = wide;
      canvas.height = high + 24 + 24 * beneath.length;
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, wide, high);
      pen.fillStyle = "#1b1b1b";
      beneath.forEach(function (x, i) { pen.font = x[0]; pen.fillText(x[1], 12, high + 28 + 24 * i); });
      canvas.toBlob(function (blob) { save("board.png", "image/png", blob); document.body.dataset.picture = String(blob.size); });
    };
    image.src = "data:image/svg+xml;base64," + btoa(unescape(encodeURIComponent(vector(svg, wide, high, font))));
  }
  function vector(svg, wide, high, font) {
    const copy = svg.cloneNode(true), style = document.createElementNS("http://www.w3.org/2000/svg", "style"), outer = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    style.textContent = document.querySelector("style").textContent;
    outer.setAttribute("class", "map board");
    outer.setAttribute("width", wide);
    outer.setAttribute("height", high);
    outer.setAttribute("viewBox", "0 0 " + svg.clientWidth + " " + svg.clientHeight);
    outer.style.cssText = "border:0;max-width:none;width:" + wide + "px;height:" + high + "px";
    outer.style.fontFamily = font;
    copy.style.width = svg.clientWidth + "px";
    copy.style.height = svg.clientHeight + "px";
    copy.style.maxWidth = "none";
    outer.append(style, copy);
    return new XMLSerializer().serializeToString(outer);
  }
  // Texts beneath the picture, broken to a width: [font, line].
  function legend(pen, fonts, width) {
    const out = [];
    [data.title + ", " + here.name, told() + (open.length ? ": " + inOrder().join(", ") : ""), $("money").textContent, data.statement].forEach(function (text, i) {
      let line = "";
      pen.font = fonts[i ? 1 : 0];
      text.split(" ").forEach(function (word) {
        const longer = line ? line + " " + word : word;
        if (line && pen.measureText(longer).width > width) { out.push([pen.font, line]); line = word; } else { line = longer; }
      });
      if (line) { out.push([pen.font, line]); }
    });
    return out;
  }
  function page() {
    const state = JSON.stringify({ open: open, budget: budget(), species: here.id }).replace(/</g, "\\u003c");
    return pristine.replace(/(id="board-stored">)[^<]*/, function (_, head) { return head + state; });
  }

  // ---------------------------------------------------------------- start
  function listen() {
    document.querySelectorAll("input[name=species],input[name=season]").forEach(function (r) { r.addEventListener("change", function () { choose(asked(r)); }); });
    const on = function (id, does) { $(id).addEventListener("click", does); };
    on("next", bestNext);
    on("undo", function () { open = past.pop(); show(""); });
    on("clear", function () { change([], ""); });
    on("keep-a", function () { keep("a"); });
    on("keep-b", function () { keep("b"); });
    on("pair-up", pairUp);
    on("draw", function () {
      const now = !drawing();
      $("draw").setAttribute("aria-pressed", String(now));
      $("draw-help").textContent = now ? words.drawn_on : "";
      document.querySelector(".where").classList.toggle("drawing", now);
    });
    on("save-toml", function () { save("board.toml", "application/toml", scenario()); });
    on("save-csv", function () { save("board.csv", "text/csv", "\ufeff" + table()); });
    on("save-png", picture);
    on("save-page", function () { save("board.html", "text/html", page()); });
    on("print", function () { window.print(); });
    $("budget").addEventListener("input", showMoney);
  }
  species.forEach(prepare);
  startMaps();
  listen();
  if (stored.budget || data.budget) { $("budget").value = String(stored.budget || data.budget); }
  open = known(stored.open || []);
  if (stored.species && species.some(function (s) { return s.id === stored.species; })) {
    here = species.find(function (s) { return s.id === stored.species; });
  }
  choose(here.id);
  document.body.dataset.ready = "1";
  // For whoever drives the page from outside: the same functions as the buttons.
  window.board = {
    set: function (ids) { change(known(ids), ""); },
    settle: function () { turn += 1; for (const jobs = rest(); jobs.length;) { work(jobs); } },
    toggle: toggle, open: function () { return open.slice(); }, toml: scenario, csv: table, page: page,
    gain: function (id, ids, level) { return gain(species.find(function (s) { return s.id === id; }), ids, level); },
    conductance: function (id, ids, level) { return conductance(species.find(function (s) { return s.id === id; }), ids, level); },
    pieces: function (id, ids, level) { return pieces(species.find(function (s) { return s.id === id; }), ids, level); },
  };
})();
