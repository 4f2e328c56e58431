"use strict";
// Numbers of the board: any set of sections solved from the small networks of board.json, in double precision.
const BoardNumbers = (function () {
  function unpack(packed) {
    const raw = atob(packed.data);
    const short = packed.type === "f3"; // single precision without its last byte
    const bytes = new Uint8Array(short ? raw.length / 3 * 4 : raw.length);
    for (let i = 0; i < raw.length; i++) { bytes[short ? i + 1 + Math.floor(i / 3) : i] = raw.charCodeAt(i); }
    return Float64Array.from(packed.type !== "f8" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer));
  }

  // Solve A X = B in place by elimination with pivots; A is n x n, B n x m, both row by row.  X ends up in B.
  function solve(a, b, n, m) {
    for (let k = 0; k < n; k++) {
      let p = k;
      for (let i = k + 1; i < n; i++) { if (Math.abs(a[i * n + k]) > Math.abs(a[p * n + k])) { p = i; } }
      if (p !== k) { swap(a, k * n, p * n, n); swap(b, k * m, p * m, m); }
      const inverse = 1 / a[k * n + k];
      for (let i = k + 1; i < n; i++) {
        const f = a[i * n + k] * inverse;
        if (f === 0) { continue; }
        for (let j = k + 1, x = i * n + k + 1, y = k * n + k + 1; j < n; j++) { a[x++] -= f * a[y++]; }
        for (let j = 0, x = i * m, y = k * m; j < m; j++) { b[x++] -= f * b[y++]; }
      }
    }
    for (let k = n - 1; k >= 0; k--) {
      const inverse = 1 / a[k * n + k];
      for (let j = 0; j < m; j++) {
        let total = b[k * m + j];
        for (let i = k + 1; i < n; i++) { total -= a[k * n + i] * b[i * m + j]; }
        b[k * m + j] = total * inverse;
      }
    }
    return b;
  }

  // Lower root of a symmetric matrix, in place, row by row; a pivot that rounding has left at zero or below gives an empty column.
  function cholesky(a, n) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let total = a[i * n + j];
        for (let k = 0, x = i * n, y = j * n; k < j; k++) { total -= a[x++] * a[y++]; }
        if (i === j) { a[i * n + i] = total > 0 ? Math.sqrt(total) : 0; } else { a[i * n + j] = a[j * n + j] > 0 ? total / a[j * n + j] : 0; }
      }
      for (let j = i + 1; j < n; j++) { a[i * n + j] = 0; }
    }
    return a;
  }

  // Replace B (n x m) by C^-1 B for a lower root C.
  function forward(c, b, n, m) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) {
        const f = c[i * n + k];
        if (f === 0) { continue; }
        for (let j = 0, x = i * m, y = k * m; j < m; j++) { b[x++] -= f * b[y++]; }
      }
      const inverse = 1 / c[i * n + i];
      for (let j = 0; j < m; j++) { b[i * m + j] *= inverse; }
    }
    return b;
  }

  function swap(x, a, b, n) {
    for (let j = 0; j < n; j++) { const t = x[a + j]; x[a + j] = x[b + j]; x[b + j] = t; }
  }

  function roots(responses, r) {
    const found = [];
    for (let at = 0; at < responses.length; at += r * r) { found.push(cholesky(responses.slice(at, at + r * r), r)); }
    return found;
  }

  function transpose(a, n) {
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) { const t = a[i * n + j]; a[i * n + j] = a[j * n + i]; a[j * n + i] = t; }
    }
  }

  function union(root, pairs) {
    pairs.forEach(function (pair) {
      const s = root[pair[0]], t = root[pair[1]];
      if (s === t) { return; }
      const low = Math.min(s, t), high = Math.max(s, t);
      for (let u = 0; u < root.length; u++) { if (root[u] === high) { root[u] = low; } }
    });
  }

  function numbered(n) { return Array.from({ length: n }, function (_, i) { return i; }); }

  // The state of a block for a set of candidates (a bit each); -1 where the set does nothing to it.
  function stateOf(block, bits) {
    let key = "";
    for (let i = 0; i < block.owners.length; i++) {
      if (bits[block.owners[i]] && !block.by[i].some(function (a) { return bits[block.owners[a]]; })) { key += key ? "," + i : i; }
    }
    return key === "" ? -1 : block.index[key];
  }

  // The blocks that a set of candidates changes, each with the number of its state.
  function states(blocks, bits) {
    const found = [];
    blocks.forEach(function (block) {
      const state = stateOf(block, bits);
      if (state >= 0) { found.push([block, state]); }
    });
    return found;
  }

  function indexed(block) {
    block.index = {};
    block.by = block.owners.map(function () { return []; }); // who makes each needless
    block.covers.forEach(function (c) { block.by[c[1]].push(c[0]); });
    block.states.forEach(function (s, i) { block.index[s.join(",")] = i; });
  }

  // X Y of an (n x k) and a (k x m) table.
  function product(x, y, n, k, m) {
    const out = new Float64Array(n * m);
    for (let i = 0; i < n; i++) {
      for (let l = 0; l < k; l++) {
        const f = x[i * k + l];
        if (f === 0) { continue; }
        for (let j = 0, a = i * m, b = l * m; j < m; j++) { out[a++] += f * y[b++]; }
      }
    }
    return out;
  }

  // One state of the unknown numbers (low, best, high) of one species.
  function network(kept) {
    const modes = kept.modes, upper = unpack(kept.coupling);
    const drops = unpack(kept.drops), ends = unpack(kept.ends), focal = unpack(kept.focal);
    const today = unpack(kept.today), weights = unpack(kept.weights);
    const p = kept.part.length, c = modes ? ends.length / modes : 1 + Math.max.apply(null, kept.part);
    kept.blocks.forEach(function (b, i) { b.place = i; b.roots = roots(unpack(b.response), b.size); indexed(b); });
    kept.pieces.joins.forEach(indexed);
    function coupled(i, j) { // i < j
      return upper[i * modes - i * (i + 1) / 2 + j - i - 1];
    }

    // B' L (I + L' N L)^-1 L' B over patches and components, with the modes of the picked blocks; L L' is a block's response.
    function within(picked) {
      const at = [];
      picked.forEach(function (x) { for (let i = 0; i < x[0].size; i++) { at.push(x[0].first + i); } });
      const n = at.length, m = p + c, full = new Float64Array(n * n), seen = new Float64Array(n * m);
      for (let i = 0; i < n; i++) {
        for (let j = i + 1; j < n; j++) { full[i * n + j] = full[j * n + i] = coupled(at[i], at[j]); }
        for (let j = 0; j < p; j++) { seen[i * m + j] = drops[at[i] * p + j]; }
        for (let j = 0; j < c; j++) { seen[i * m + p + j] = ends[at[i] * c + j]; }
      }
      const half = times(picked, full, n, n);
      transpose(half, n);
      const step = times(picked, half, n, n), passed = times(picked, seen, n, m);
      for (let i = 0; i < n; i++) { step[i * n + i] += 1; }
      forward(cholesky(step, n), passed, n, m);
      const out = new Float64Array(m * m);
      for (let k = 0; k < n; k++) {
        for (let i = 0; i < m; i++) {
          const f = passed[k * m + i];
          for (let j = 0; j < m; j++) { out[i * m + j] += f * passed[k * m + j]; }
        }
      }
      return out;
    }

    // The transposed roots of the responses, as a block diagonal matrix, times a table.
    function times(picked, table, n, m) {
      const out = new Float64Array(n * m);
      let first = 0;
      picked.forEach(function (x) {
        const r = x[0].size, t = x[0].roots[x[1]];
        for (let i = 0; i < r; i++) {
          for (let k = 0; k < r; k++) {
            const f = t[k * r + i];
            if (f === 0) { continue; }
            const to = (first + i) * m, from = (first + k) * m;
            for (let j = 0; j < m; j++) { out[to + j] += f * table[from + j]; }
          }
        }
        first += r;
      });
      return out;
    }

    // ------------------------------------------------ the set that stands, and sets near it
    // With blocks in their states, Q is the coupling of all modes through what stands, D (modes x patches and components) what
    // currents into these do to the modes, G what stands has changed between them.  Other states of the blocks J are a change
    // of rank |J|:  Q + Q_J W Q_J',  D + Q_J W D_J,  G - D_J' W D_J.
    const wide = p + c, size = modes * (modes + 1) / 2;
    const bare = { state: new Int32Array(kept.blocks.length).fill(-1), q: null, d: new Float64Array(modes * wide), g: new Float64Array(wide * wide), turns: 0 };
    for (let i = 0; i < modes; i++) {
      for (let j = 0; j < p; j++) { bare.d[i * wide + j] = drops[i * p + j]; }
      for (let j = 0; j < c; j++) { bare.d[i * wide + p + j] = ends[i * c + j]; }
    }
    let here = bare;
    function row(i) { return i * modes - i * (i - 1) / 2 - i; } // of an upper triangle with its diagonal
    function entry(base, i, j) {
      if (base.q === null) { return i === j ? 0 : i < j ? coupled(i, j) : coupled(j, i); }
      return i < j ? base.q[row(i) + j] : base.q[row(j) + i];
    }
    function goal(bits) {
      const out = new Int32Array(kept.blocks.length);
      for (let i = 0; i < out.length; i++) { out[i] = stateOf(kept.blocks[i], bits); }
      return out;
    }
    // The blocks in which two states differ, [block, from, to], and their modes together.
    function differing(from, to) {
      const list = [];
      let n = 0;
      for (let i = 0; i < to.length; i++) {
        if (from[i] !== to[i]) { list.push([kept.blocks[i], from[i], to[i]]); n += kept.blocks[i].size; }
      }
      return { list: list, n: n };
    }
    // L (I + sign L'QL)^-1 L' for the roots L of the states at a place of the list; null where nothing stands there.
    function middle(list, place, q, n, sign) {
      if (!list.some(function (x) { return x[place] >= 0; })) { return null; }
      const root = new Float64Array(n * n); // L'
      let first = 0;
      list.forEach(function (x) {
        const r = x[0].size;
        if (x[place] >= 0) {
          const l = x[0].roots[x[place]];
          for (let i = 0; i < r; i++) { for (let k = 0; k < r; k++) { root[(first + i) * n + first + k] = l[k * r + i]; } }
        }
        first += r;
      });
      const half = product(root, q, n, n, n);
      transpose(half, n);
      const a = product(root, half, n, n, n);
      for (let i = 0; i < n * n; i++) { a[i] *= sign; }
      for (let i = 0; i < n; i++) { a[i * n + i] += 1; }
      const z = forward(cholesky(a, n), root, n, n), turned = z.slice();
      transpose(turned, n);
      return product(turned, z, n, n, n);
    }
    // W of a change of states.
    function change(base, diff) {
      const n = diff.n, at = new Int32Array(n);
      let k = 0;
      diff.list.forEach(function (x) { for (let i = 0; i < x[0].size; i++) { at[k++] = x[0].first + i; } });
      let q = new Float64Array(n * n);
      for (let i = 0; i < n; i++) { for (let j = i; j < n; j++) { q[i * n + j] = q[j * n + i] = entry(base, at[i], at[j]); } }
      const off = middle(diff.list, 1, q, n, -1), w = off ? off.slice() : new Float64Array(n * n);
      let e = null;
      if (off) {
        e = product(off, q, n, n, n);
        for (let i = 0; i < n; i++) { e[i * n + i] += 1; }
        q = product(q, e, n, n, n);
      }
      const on = middle(diff.list, 2, q, n, 1);
      if (on) {
        let s = on;
        if (e) {
          const turned = e.slice();
          transpose(turned, n);
          s = product(product(e, on, n, n, n), turned, n, n, n);
        }
        for (let i = 0; i < n * n; i++) { w[i] -= s[i]; }
      }
      return { at: at, n: n, w: w };
    }
    function rowsOf(d, at) {
      const out = new Float64Array(at.length * wide);
      at.forEach(function (a, i) { out.set(d.subarray(a * wide, a * wide + wide), i * wide); });
      return out;
    }
    // G after a change.
    function after(base, made) {
      const d = rowsOf(base.d, made.at), wd = product(made.w, d, made.n, made.n, wide), out = base.g.slice();
      for (let k = 0; k < made.n; k++) {
        for (let i = 0; i < wide; i++) {
          const f = d[k * wide + i];
          for (let j = 0; j < wide; j++) { out[i * wide + j] -= f * wd[k * wide + j]; }
        }
      }
      return out;
    }
    // Let the nearest of what stands, what stood before and nothing be where the next changes begin.
    let aside = bare; // what stood before a jump to a set far from it: often the next one
    function begin(to) {
      const before = here, from = [here, aside, bare].map(function (b) { return differing(b.state, to).n; });
      const k = from.indexOf(Math.min.apply(null, from));
      here = [here, aside, bare][k];
      if (k && before !== bare) { aside = before; }
      return differing(here.state, to);
    }
    // What stands comes near to a set at once, or to it: with the sets of clicks, one section from the last, at the same small
    // cost however many are open and however fast they come.
    function follow(bits, near) {
      const left = steps(begin(goal(bits)));
      let n = left.reduce(function (t, x) { return t + x.n; }, 0);
      while (n > near) {
        const next = left.shift();
        n -= next.n;
        here = move(here, next);
      }
    }
    // The same as small jobs, for sets that may wait; after many changes from anew, so that rounding does not add up.
    function stand(bits) {
      const to = goal(bits), many = here.turns >= 100;
      let fresh = bare;
      const diffs = steps(many ? differing(bare.state, to) : begin(to));
      if (!many) { return diffs.map(function (diff) { return function () { here = move(here, diff); }; }); }
      return diffs.map(function (diff) { return function () { fresh = move(fresh, diff); }; }).concat([function () { here = fresh; }]);
    }
    function steps(diff) { // a few blocks at a time
      const out = [];
      let some = { list: [], n: 0 };
      diff.list.forEach(function (x) {
        some.list.push(x);
        some.n += x[0].size;
        if (some.n >= 16) { out.push(some); some = { list: [], n: 0 }; }
      });
      if (some.n) { out.push(some); }
      return out;
    }
    function move(base, diff) {
      if (diff.list.some(function (x) { return base.state[x[0].place] !== x[1]; })) { return base; } // another set has come since
      let to = base;
      if (base === bare) {
        const q = new Float64Array(size);
        for (let i = 0; i < modes; i++) { for (let j = i + 1, x = row(i) + j; j < modes; j++) { q[x++] = coupled(i, j); } }
        to = { state: bare.state.slice(), q: q, d: bare.d.slice(), g: bare.g.slice(), turns: 0 };
      }
      const made = change(to, diff), n = made.n, turned = new Float64Array(n * modes), g = after(to, made);
      for (let k = 0; k < n; k++) { for (let i = 0; i < modes; i++) { turned[k * modes + i] = entry(to, i, made.at[k]); } }
      const left = product(made.w, turned, n, n, modes), wd = product(made.w, rowsOf(to.d, made.at), n, n, wide);
      for (let i = 0; i < modes; i++) {
        const first = row(i);
        for (let k = 0; k < n; k++) {
          const f = left[k * modes + i];
          if (f === 0) { continue; }
          for (let j = i, x = first + i, y = k * modes + i; j < modes; j++) { to.q[x++] += f * turned[y++]; }
          for (let j = 0; j < wide; j++) { to.d[i * wide + j] += turned[k * modes + i] * wd[k * wide + j]; }
        }
      }
      to.g = g;
      diff.list.forEach(function (x) { to.state[x[0].place] = x[2]; });
      to.turns += 1;
      return to;
    }
    // G of any set: from nothing, from what stands, or all at once, whichever is least work.
    function changed(bits) {
      const to = goal(bits), from = [bare, here].map(function (b) { return differing(b.state, to); });
      const nearest = here !== bare && from[1].n < from[0].n ? 1 : 0, base = [bare, here][nearest], diff = from[nearest];
      if (!diff.n) { return base.g; }
      return diff.n > 60 && 3 * diff.n > from[0].n ? within(states(kept.blocks, bits)) : after(base, change(base, diff));
    }

    function gap(x, m, i, j) { return x[i * m + i] + x[j * m + j] - 2 * x[i * m + j]; }

    // H' A^-1 H with the potentials of joined components, as patches see them.
    function joined(g, whole) {
      const m = p + c, free = numbered(c).filter(function (s) { return whole[s] !== s; }), n = free.length;
      const more = new Float64Array(p * p);
      if (!n) { return more; }
      const a = new Float64Array(n * n), h = new Float64Array(n * p);
      free.forEach(function (s, x) {
        free.forEach(function (t, y) { a[x * n + y] = g[(p + s) * m + p + t]; });
        for (let j = 0; j < p; j++) { h[x * p + j] = (kept.part[j] === s ? 1 : 0) - g[(p + s) * m + j]; }
      });
      const right = solve(a, h.slice(), n, p);
      for (let x = 0; x < n; x++) {
        for (let i = 0; i < p; i++) {
          for (let j = 0; j < p; j++) { more[i * p + j] += h[x * p + i] * right[x * p + j]; }
        }
      }
      return more;
    }

    // Resistances among the patches with a set built.
    function resistances(bits) {
      const picked = states(kept.blocks, bits);
      if (!picked.length) { return today.slice(); }
      const g = changed(bits), whole = numbered(c), m = p + c, out = new Float64Array(p * p);
      picked.forEach(function (x) { union(whole, x[0].joins[x[1]]); });
      const more = joined(g, whole), part = kept.part;
      for (let i = 0; i < p; i++) {
        for (let j = 0; j < p; j++) {
          if (i === j) { continue; }
          let r = Infinity;
          if (whole[part[i]] === whole[part[j]]) {
            r = (part[i] === part[j] ? today[i * p + j] : gap(focal, p, i, j)) - gap(g, m, i, j) + gap(more, p, i, j);
          }
          out[i * p + j] = Math.max(r, 0);
        }
      }
      return out;
    }

    function conductance(bits) {
      const r = resistances(bits);
      let total = 0;
      for (let i = 0; i < p; i++) {
        for (let j = i + 1; j < p; j++) { if (r[i * p + j] > 0) { total += weights[i * p + j] / r[i * p + j]; } }
      }
      return total * kept.scale;
    }

    // Range cut off [km2] and pairs of patches without a path: pieces of land joined, nothing solved.
    function pieces(bits) {
      const land = kept.pieces, root = numbered(land.area.length);
      states(land.joins, bits).forEach(function (x) { union(root, x[0].pairs[x[1]]); });
      const sums = land.area.map(function () { return 0; });
      let total = land.others, largest = land.largest;
      land.area.forEach(function (a, i) { sums[root[i]] += a; total += a; });
      sums.forEach(function (s) { largest = Math.max(largest, s); });
      return { cut: total - largest, apart: apart(land, root) };
    }

    function apart(land, root) {
      const met = new Set(), of = land.home.map(function (h) { return h < 0 ? -1 : root[h]; });
      land.drawn.forEach(function (a, i) {
        land.drawn.forEach(function (b, j) { if (a < b && of[i] >= 0 && of[i] === of[j]) { met.add(a + "," + b); } });
      });
      const n = 1 + land.drawn.reduce(function (x, y) { return Math.max(x, y); }, -1);
      return n * (n - 1) / 2 - met.size;
    }

    return { conductance: conductance, stand: stand, follow: follow, pieces: pieces, resistances: resistances, error: kept.error, checked: kept.checked, draw: kept.draw };
  }

  return { network: network, solve: solve, unpack: unpack };
})();
