'use strict';
(() => {
  const rows = [...document.querySelectorAll('.row')];
  const table = document.querySelector('table');
  const heads = [...table.tHead.rows[0].cells].map(cell => cell.textContent);
  const axis = document.getElementById('axis');
  const grid = document.getElementById('grid');
  const cursor = document.getElementById('cursor');
  const now = document.getElementById('now');
  const details = document.getElementById('details');
  const zoomShown = document.getElementById('zoom');
  const gap = Number(axis.dataset.gap);
  const margin = Number(axis.dataset.margin);
  const whole = Number(axis.dataset.length) + 2 * margin;
  const unix = axis.dataset.unix === '' ? null : BigInt(axis.dataset.unix);
  const SVG = 'http://www.w3.org/2000/svg';

  // What is seen of the axis: from this part of its width on, so many times enlarged.
  let left = 0;
  let zoom = 1;
  const MOST_ZOOM = 5000;

  // The run and the mark that are told of.
  let current = -1;
  let mark = null;

  // Times, with the same words as in the drawing.

  const SECOND = 1e9, MINUTE = 60e9, HOUR = 3600e9, DAY = 86400e9;
  const STEPS = [];
  for (let unit = 1; unit < SECOND; unit *= 10) STEPS.push(unit, 2 * unit, 5 * unit);
  for (const count of [1, 2, 5, 10, 15, 30]) STEPS.push(count * SECOND);
  for (const count of [1, 2, 5, 10, 15, 30]) STEPS.push(count * MINUTE);
  for (const count of [1, 2, 3, 6, 12]) STEPS.push(count * HOUR);
  for (let unit = DAY; unit < 1e5 * DAY; unit *= 10) STEPS.push(unit, 2 * unit, 5 * unit);

  const decimals = step => Math.max(0, 9 - Math.floor(Math.log10(step) + 1e-9));
  const two = number => String(number).padStart(2, '0');

  function label(at, step) {
    const places = step < SECOND ? decimals(step) : 0;
    if (unix !== null) {
      // Numbers are exact to 16 ns in a year: round times of day stay round.
      const nanos = unix + BigInt(Math.round(at)) + (step >= SECOND ? 500000n : 0n);
      const text = new Date(Number(nanos / 1000000n)).toISOString();
      if (step >= DAY) return text.slice(5, 10);
      if (step >= MINUTE) return whole / zoom >= DAY ? text.slice(5, 16).replace('T', ' ') : text.slice(11, 16);
      const rest = String(nanos % 1000000000n).padStart(9, '0').slice(0, places);
      return text.slice(11, 19) + (places ? '.' + rest : '');
    }
    const pair = (whole, unit, rest, restUnit) => whole + unit + (Number(rest) ? two(rest) + restUnit : '');
    const seconds = (at % MINUTE / SECOND).toFixed(places).padStart(places ? places + 3 : 2, '0');
    if (at >= DAY && step >= HOUR) return pair(Math.floor(at / DAY), 'd', Math.floor(at % DAY / HOUR), 'h');
    if (at >= HOUR) return pair(Math.floor(at / HOUR), 'h', Math.floor(at % HOUR / MINUTE), 'm') + (step < MINUTE ? seconds + 's' : '');
    if (at >= MINUTE) return places ? `${Math.floor(at / MINUTE)}m${seconds}s` : pair(Math.floor(at / MINUTE), 'm', seconds, 's');
    if (at >= SECOND || at === 0) return (at / SECOND).toFixed(at === 0 ? 0 : places) + 's';
    if (at >= 1e6) return Number((at / 1e6).toFixed(3)) + 'ms';
    return at >= 1e3 ? Number((at / 1e3).toFixed(3)) + 'µs' : at + 'ns';
  }

  function ticks(width) {
    const most = Math.max(2, Math.floor(width / 100));
    const seen = whole / zoom;
    const step = STEPS.find(step => Math.floor((whole - 2 * margin) / zoom / step) < most) || STEPS[STEPS.length - 1];
    const offset = unix === null ? 0 : Number((BigInt(step) - unix % BigInt(step)) % BigInt(step));
    const from = left * whole - margin;
    const found = [];
    for (let n = Math.ceil((Math.max(from, 0) - offset) / step); ; n += 1) {
      const at = n * step + offset;
      if (at > from + seen || at > whole - 2 * margin) return found;
      found.push([(at - from) / seen * 100, label(at, step)]);
    }
  }

  // Drawing what is seen.

  function drawAxis() {
    const places = ticks(axis.clientWidth);
    const line = (x, top) => element('line', { class: 'tick', x1: `${x}%`, x2: `${x}%`, y1: top, y2: '100%' });
    grid.firstElementChild.replaceChildren(...places.map(([x]) => line(x, 0)));
    axis.firstElementChild.replaceChildren(...places.flatMap(([x, text]) => {
      const pixels = x / 100 * axis.clientWidth;
      const edge = pixels < 36 ? ' first-tick' : pixels > axis.clientWidth - 36 ? ' last-tick' : '';
      const words = element('text', { class: `tick${edge}`, x: `${x}%`, y: 16 });
      words.textContent = text;
      return [line(x, 20), words];
    }));
  }

  function element(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  // Of marks that would overlap, the first is shown, with how many there are.
  function uncrowd(row, width) {
    for (const line of row.querySelectorAll('.line')) {
      const marks = [...line.children].map(mark => [mark, Number(mark.dataset.x) / 100 * zoom * width]);
      const shown = [];
      for (const [mark, x] of marks) {
        const last = shown[shown.length - 1];
        const crowded = last && x - last.x < gap;
        mark.classList.toggle('crowded', Boolean(crowded));
        if (crowded) last.more += 1;
        else shown.push({ mark, x, more: 0 });
      }
      shown.forEach(({ mark, x, more }, index) => {
        const text = mark.querySelector('text');
        text.textContent = text.dataset.name + (more ? `+${more}` : '');
        const needed = 9 + 7 * text.textContent.length;
        const next = shown[index + 1];
        const atEdge = x - left * zoom * width + needed > width;
        text.setAttribute('text-anchor', atEdge ? 'end' : 'start');
        text.setAttribute('dx', atEdge ? -8 : 8);
        const room = atEdge ? x - (index ? shown[index - 1].x : 0) : next ? next.x - x : Infinity;
        text.classList.toggle('muted', room < needed);
      });
    }
  }

  // A row is brought up to date when it comes into view.
  let version = 0;
  const inView = new Set();
  const versions = new Map();
  function drawRow(row) {
    if (versions.get(row) === version) return;
    versions.set(row, version);
    const lane = row.querySelector('.lane');
    const time = lane.firstElementChild;
    time.setAttribute('x', `${-left * zoom * 100}%`);
    time.setAttribute('width', `${zoom * 100}%`);
    uncrowd(row, axis.clientWidth);
  }
  const observer = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) {
        inView.add(target);
        drawRow(target);
      } else {
        inView.delete(target);
      }
    }
  }, { rootMargin: '200px' });
  rows.forEach(row => observer.observe(row));

  let isScheduled = false;
  function draw() {
    version += 1;
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      drawAxis();
      inView.forEach(drawRow);
      zoomShown.textContent = zoom < 10 ? `${Number(zoom.toFixed(1))}×` : `${Math.round(zoom)}×`;
    });
  }

  // Shows `zoom` times as much, with this part of the whole where it is seen now, or at `seen` of the width.
  function zoomTo(wanted, part, seen = (part - left) * zoom) {
    zoom = Math.min(MOST_ZOOM, Math.max(1, wanted));
    left = Math.min(1 - 1 / zoom, Math.max(0, part - seen / zoom));
    draw();
  }

  function show(part) {
    if (part < left || part > left + 1 / zoom) zoomTo(zoom, part, 0.5);
  }

  // Telling.

  const wordsOf = mark => mark.dataset.told ??= takeTitle(mark);
  function takeTitle(mark) {
    const title = mark.querySelector(':scope > title');
    const text = title.textContent;
    // The browser's own hint would hide what is told below.
    title.remove();
    mark.setAttribute('aria-label', text);
    return text;
  }
  const marksOf = row => row.marks ??= [...row.querySelectorAll('.mark')]
    .sort((one, other) => one.dataset.x - other.dataset.x);

  function tell(index, chosen, at) {
    if (current >= 0 && current !== index) rows[current].classList.remove('current');
    if (mark) mark.classList.remove('on');
    current = index;
    mark = chosen;
    const row = rows[index];
    row.classList.add('current');
    if (mark) mark.classList.add('on');
    const cells = [...table.tBodies[0].rows[index].cells];
    const name = document.createElement('h3');
    name.textContent = row.querySelector('b').textContent;
    const what = document.createElement('p');
    what.className = 'what';
    what.textContent = mark ? wordsOf(mark) : at || '';
    const facts = document.createElement('dl');
    cells.forEach((cell, column) => {
      if (column === 0) return;
      const fact = document.createElement('div');
      const [term, words] = ['dt', 'dd'].map(name => document.createElement(name));
      term.textContent = heads[column];
      words.textContent = cell.textContent;
      fact.append(term, words);
      facts.append(fact);
    });
    details.replaceChildren(name, what, facts);
    details.hidden = false;
  }

  function forget() {
    if (current >= 0) rows[current].classList.remove('current');
    if (mark) mark.classList.remove('on');
    mark = null;
    details.hidden = true;
  }

  // The keyboard.

  function focusRow(index, chosen) {
    const to = Math.min(rows.length - 1, Math.max(0, index));
    if (current >= 0) rows[current].tabIndex = -1;
    rows[0].tabIndex = to === 0 ? 0 : -1;
    rows[to].tabIndex = 0;
    rows[to].focus({ preventScroll: true });
    rows[to].scrollIntoView({ block: 'nearest' });
    tell(to, chosen || null);
    if (mark) show(Number(mark.dataset.x) / 100);
  }

  function step(by) {
    const index = Math.max(current, 0);
    const marks = marksOf(rows[index]);
    const there = mark ? marks.indexOf(mark) + by : by > 0 ? 0 : marks.length - 1;
    focusRow(index, marks[Math.min(marks.length - 1, Math.max(0, there))]);
  }

  const middle = () => mark ? Number(mark.dataset.x) / 100 : left + 0.5 / zoom;
  const keys = {
    ArrowDown: () => focusRow(current + 1),
    ArrowUp: () => focusRow(current - 1),
    PageDown: () => focusRow(current + 10),
    PageUp: () => focusRow(current - 10),
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    Home: () => focusRow(Math.max(current, 0), marksOf(rows[Math.max(current, 0)])[0]),
    End: () => focusRow(Math.max(current, 0), marksOf(rows[Math.max(current, 0)]).at(-1)),
    '+': () => zoomTo(zoom * 2, middle()),
    '=': () => keys['+'](),
    '-': () => zoomTo(zoom / 2, middle()),
    0: () => zoomTo(1, 0, 0),
    Enter: () => {
      if (mark) return zoomTo(zoom * 8, middle(), 0.5);
      if (current < 0) return undefined;
      const [from, until] = ['from', 'until'].map(name => Number(rows[current].dataset[name]) / 100);
      return zoomTo(0.9 / Math.max(until - from, 1e-6), (from + until) / 2, 0.5);
    },
    Escape: () => {
      if (mark) tell(current, null);
      else if (zoom > 1) zoomTo(1, 0, 0);
      else forget();
    },
  };
  // Where the mouse was last, and where it rests while the keyboard scrolls the page under it, which is no pointing.
  let pointed = null;
  let resting = null;
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('a, summary, button') && ['Enter', ' '].includes(event.key)) return;
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act) return;
    event.preventDefault();
    resting = pointed;
    act();
  });
  for (const button of document.querySelectorAll('.tools button')) {
    button.addEventListener('click', () => keys[button.dataset.key]());
  }

  // The mouse.

  const lanes = document.querySelector('.lanes');
  const partAt = event => {
    const box = axis.getBoundingClientRect();
    return left + (event.clientX - box.left) / box.width / zoom;
  };
  // The time where the mouse is.
  function point(event, isShown) {
    const part = partAt(event);
    const at = part * whole - margin;
    const x = (part - left) * zoom;
    const step = STEPS.find(step => step >= whole / zoom / 2000) || 1;
    const isThere = isShown && at >= 0 && at <= whole - 2 * margin;
    const time = isThere ? label(Math.round(at / step) * step, Math.min(step, SECOND)) : '';
    cursor.setAttribute('x1', `${x * 100}%`);
    cursor.setAttribute('x2', `${x * 100}%`);
    cursor.setAttribute('visibility', isThere ? 'visible' : 'hidden');
    now.textContent = time;
    axis.classList.toggle('pointed', isThere);
    now.setAttribute('x', `${Math.min(0.95, Math.max(0.05, x)) * 100}%`);
    return time;
  }

  let drag = null;
  lanes.addEventListener('pointermove', event => {
    const place = `${event.clientX} ${event.clientY}`;
    if (place === resting) return;
    resting = null;
    pointed = place;
    if (drag) {
      drag.moved ||= Math.abs(event.clientX - drag.x) > 3;
      if (drag.moved) zoomTo(zoom, drag.part, (event.clientX - axis.getBoundingClientRect().left) / axis.clientWidth);
      return;
    }
    const row = event.target.closest('.row');
    if (!row) return;
    const time = point(event, event.target.closest('.lane'));
    tell(rows.indexOf(row), event.target.closest('.mark'), time);
  });
  lanes.addEventListener('pointerleave', event => point(event, false));
  lanes.addEventListener('pointerdown', event => {
    const row = event.target.closest('.row');
    if (row) focusRow(rows.indexOf(row), event.target.closest('.mark'));
    if (zoom > 1 && event.button === 0 && event.target.closest('.lane')) drag = { x: event.clientX, part: partAt(event), moved: false };
  });
  addEventListener('pointerup', () => { drag = null; });
  lanes.addEventListener('dblclick', event => {
    if (event.target.closest('.lane')) zoomTo(zoom * 4, partAt(event));
  });
  addEventListener('wheel', event => {
    if (!event.ctrlKey || !event.target.closest('main')) return;
    event.preventDefault();
    zoomTo(zoom * Math.exp(-event.deltaY / 300), partAt(event));
  }, { passive: false });

  addEventListener('resize', draw);
  addEventListener('beforeprint', () => {
    rows.forEach(drawRow);
  });
  draw();
})();
