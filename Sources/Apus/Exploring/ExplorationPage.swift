/// What is the same on every page that shows functions side by side.
enum ExplorationPage {
    static let style = """
        :root { color-scheme: light dark; --ink: #1f2328; --dim: #6e7781; --paper: #fff;
          --edge: #d0d7de; --bar: #f6f8fa; --link: #0550ae; --tint: .16; --lit: .5; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #d6dae0; --dim: #8b949e; --paper: #14171c; --edge: #30363d;
            --bar: #1b1f25; --link: #79b8ff; --tint: .2; --lit: .55; }
        }
        * { box-sizing: border-box; }
        html, body { height: 100%; }
        body { margin: 0; display: flex; flex-direction: column; color: var(--ink);
          background: var(--paper); font: 13px/1.4 system-ui, sans-serif; }
        header { display: flex; flex-wrap: wrap; gap: .3em 1em; align-items: baseline;
          padding: .5em .8em; background: var(--bar); border-bottom: 1px solid var(--edge); }
        h1 { font-size: 1.1em; margin: 0; overflow-wrap: anywhere; }
        #summary { color: var(--dim); flex: 1; }
        #toggles { display: inline-flex; gap: 2px; }
        button { font: inherit; padding: .1em .6em; border: 1px solid var(--edge);
          border-radius: 4px; background: var(--paper); color: var(--dim); cursor: pointer; }
        button[aria-pressed=true] { color: var(--ink); border-color: var(--link); }
        .remark { margin: 0; padding: .3em .8em; border-bottom: 1px solid var(--edge);
          background: hsl(45 90% 50% / .15); overflow-wrap: anywhere; }
        main { flex: 1; display: flex; min-height: 0; }
        nav { width: 17em; min-width: 8em; max-width: 60%; resize: horizontal; overflow: hidden;
          display: flex; flex-direction: column; border-right: 1px solid var(--edge); }
        #search { margin: .4em; padding: .25em .5em; border: 1px solid var(--edge);
          border-radius: 4px; font: inherit; color: inherit; background: var(--paper); }
        .scroller { flex: 1; overflow: auto; position: relative; }
        #columns { flex: 1; display: flex; min-width: 0; overflow-x: auto; }
        section { flex: 1 1 0; min-width: 15em; display: flex; flex-direction: column;
          border-right: 1px solid var(--edge); resize: horizontal; overflow: hidden; }
        section[hidden] { display: none; }
        h2 { font-size: .85em; font-weight: 600; margin: 0; padding: .3em .7em;
          background: var(--bar); border-bottom: 1px solid var(--edge); white-space: nowrap;
          overflow: hidden; text-overflow: ellipsis; }
        h2 span { font-weight: 400; color: var(--dim); }
        .row { position: absolute; left: 0; min-width: 100%; height: 18px; white-space: pre;
          font: 12px/18px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
          padding: 0 .7em 0 .5em; border-left: 3px solid transparent; }
        #list .row { cursor: pointer; left: 0; right: 0; overflow: hidden;
          text-overflow: ellipsis; }
        #list .row:hover { background: var(--bar); }
        #list .row.open { background: hsl(212 90% 55% / .22); border-left-color: var(--link); }
        .row i { font-style: normal; color: var(--dim); }
        .row b { font-weight: 600; }
        .row a { color: var(--link); cursor: pointer; }
        .row.file { color: var(--dim); background: var(--bar); }
        .tinted { background: hsl(var(--hue) 75% 50% / var(--tint)); cursor: pointer;
          border-left-color: hsl(var(--hue) 75% 50% / .8); }
        .tinted.on { background: hsl(var(--hue) 85% 55% / var(--lit)); }
        .pinned .tinted.on { outline: 1px solid hsl(var(--hue) 85% 45%); outline-offset: -1px; }
        footer { padding: .25em .8em; border-top: 1px solid var(--edge); background: var(--bar);
          font-family: ui-monospace, monospace; font-size: 12px; white-space: nowrap;
          overflow: hidden; text-overflow: ellipsis; min-height: 2em; }
        """

    static let script = #"""
        'use strict';
        const rowHeight = 18;
        const hues = [210, 35, 130, 320, 180, 0, 90, 265, 50, 155, 295, 15];
        const names = ['Source', 'Text', 'Intermediate form', 'Machine instructions',
          'Baseline', 'Optimizing'];
        const keys = ['source', 'text', 'ir', 'machine', 'baseline', 'optimizing'];
        const byId = id => document.getElementById(id);
        const functions = data.functions;
        let shown = null, lit = new Set(), pinned = false;

        function element(tag, text, className) {
          const made = document.createElement(tag);
          if (text !== undefined) made.textContent = text;
          if (className) made.className = className;
          return made;
        }

        // Rows of one height, of which only those are there that are seen.
        class Rows {
          constructor(scroller, fill) {
            this.scroller = scroller;
            this.fill = fill;
            this.room = element('div');
            this.room.style.position = 'relative';
            scroller.replaceChildren(this.room);
            scroller.addEventListener('scroll', () => this.draw());
            new ResizeObserver(() => this.draw()).observe(scroller);
            this.count = 0;
          }
          show(count, columns, keep) {
            this.count = count;
            this.room.style.height = count * rowHeight + 'px';
            this.room.style.minWidth = columns ? 'calc(' + columns + 'ch + 2em)' : '';
            if (!keep) this.scroller.scrollTop = this.scroller.scrollLeft = 0;
            this.draw();
          }
          draw() {
            const top = this.scroller.scrollTop;
            const first = Math.max(0, Math.floor(top / rowHeight) - 20);
            const seen = Math.ceil((this.scroller.clientHeight || 600) / rowHeight);
            const end = Math.min(this.count, first + seen + 40);
            const rows = [];
            for (let i = first; i < end; i++) {
              const row = element('div', undefined, 'row');
              row.style.top = i * rowHeight + 'px';
              row.dataset.row = i;
              this.fill(row, i);
              rows.push(row);
            }
            this.room.replaceChildren(...rows);
          }
          reveal(i, at) {
            const height = this.scroller.clientHeight;
            const top = i * rowHeight - this.scroller.scrollTop;
            if (at === undefined && top >= 0 && top <= height - rowHeight) return;
            this.scroller.scrollTop = i * rowHeight - (at === undefined ? height / 3 : at);
          }
        }

        // The last of the ascending numbers that is not above one.
        function place(numbers, wanted) {
          let low = 0, high = numbers.length;
          while (low < high) {
            const middle = (low + high) >> 1;
            if (numbers[middle] <= wanted) low = middle + 1; else high = middle;
          }
          return low - 1;
        }

        // What belongs together: an instruction of which there is code, with those before it, its
        // operands, of which there is none.
        function group(view) {
          const made = new Set();
          for (const column of view.columns.slice(2))
            for (const offset of column.offsets) if (offset) made.add(offset);
          const starts = [...new Set(view.columns[1].offsets)].filter(o => o).sort((a, b) => a - b);
          const groups = [], ends = [];
          let number = 0;
          for (const start of starts) {
            groups.push(number);
            ends[number] = start;
            if (made.has(start)) number++;
          }
          view.groupAt = offset => {
            const found = offset ? place(starts, offset) : -1;
            return found < 0 ? -1 : groups[found];
          };
          view.ends = ends;
          const changes = view.places.map(p => p[0]);
          view.sourceOf = ends.map(end => {
            const found = place(changes, end);
            return found < 0 ? -1 : view.places[found][1];
          });
          const colours = new Map();
          view.hue = g => {
            const source = view.sourceOf[g];
            if (source < 0) return hues[g % hues.length];
            if (!colours.has(source)) colours.set(source, colours.size);
            return hues[colours.get(source) % hues.length];
          };
          ends.forEach((_, g) => view.hue(g));
        }

        function view(number) {
          const f = functions[number];
          const made = { number, index: f[0], name: f[1], start: f[2], end: f[3],
            bytes: [f[4], f[5]], places: f[8] };
          const columns = f[6].map(([text, offsets]) => ({
            lines: offsets.length ? text.split('\n') : [], offsets }));
          // A heading for each file, and a gap where lines are left out.
          const source = { lines: [], offsets: [], rows: [] };
          let file = -1, last = 0;
          made.sourceRow = f[7].map(([path, line, text], i) => {
            if (path !== file || line !== last + 1) {
              source.lines.push(path !== file ? data.files[path] : '⋯');
              source.rows.push(-1);
            }
            file = path;
            last = line;
            source.lines.push(String(line).padStart(5) + '  ' + (text === undefined ? '' : text));
            source.rows.push(i);
            return source.lines.length - 1;
          });
          source.offsets = source.lines.map(() => 0);
          made.columns = [source, ...columns];
          made.sources = f[7];
          group(made);
          made.columns.forEach((column, c) => {
            column.groups = c === 0
              ? column.rows.map(row => made.sourceOf.indexOf(row, row < 0 ? Infinity : 0))
              : column.offsets.map(made.groupAt);
            column.width = column.lines.reduce((most, line) => Math.max(most, line.length), 0);
          });
          return made;
        }

        // Columns.
        const columns = keys.map((key, c) => {
          const section = element('section');
          section.id = key;
          section.setAttribute('aria-label', names[c]);
          const title = element('h2', names[c]);
          const size = element('span');
          title.append(' ', size);
          const scroller = element('div', undefined, 'scroller');
          scroller.tabIndex = 0;
          section.append(title, scroller);
          byId('columns').append(section);
          const rows = new Rows(scroller, (row, i) => {
            const column = shown.columns[c], g = column.groups[i];
            paint(row, key, column.lines[i], c === 0 && column.rows[i] < 0);
            if (g < 0) return;
            row.classList.add('tinted');
            row.style.setProperty('--hue', shown.hue(g));
            if (isLit(c, i)) row.classList.add('on');
          });
          scroller.addEventListener('mouseover', event => {
            const row = event.target.closest('.row');
            if (row && !pinned) light(c, +row.dataset.row);
          });
          scroller.addEventListener('mouseleave', () => { if (!pinned) light(); });
          scroller.addEventListener('click', event => {
            const row = event.target.closest('.row');
            if (!row || event.target.tagName === 'A') return;
            const i = +row.dataset.row;
            const again = pinned && isLit(c, i);
            pin(false);
            if (again || shown.columns[c].groups[i] < 0) return;
            light(c, i);
            pin(true);
            align(c, i * rowHeight - scroller.scrollTop);
          });
          const toggle = element('button', names[c]);
          toggle.addEventListener('click', () => {
            section.hidden = !section.hidden;
            toggle.setAttribute('aria-pressed', !section.hidden);
            rows.draw();
          });
          byId('toggles').append(toggle);
          return { section, rows, size, toggle };
        });
        const hasSources = functions.some(f => f[7].length);
        columns.forEach((column, c) => {
          column.section.hidden = keys[c] === 'machine' || keys[c] === 'source' && !hasSources;
          column.toggle.hidden = keys[c] === 'source' && !hasSources;
          column.toggle.setAttribute('aria-pressed', !column.section.hidden);
        });

        function paint(row, key, text, isHeading) {
          if (isHeading) {
            row.className = 'row file';
            row.textContent = text;
            return;
          }
          let note = '';
          const mark = key === 'text' ? -1 : text.lastIndexOf('  ; ');
          if (mark >= 0 && key !== 'source') {
            note = text.slice(mark);
            text = text.slice(0, mark);
          }
          const head = {
            source: /^( *\d+  )()/, text: /^( *)(\(?[a-z][^\s()]*)/,
            ir: /^( *(?:v\d+: \w+ = )?)([a-z]\S*)/,
            machine: /^( *(?:[^=]* = )?)([a-z]\S*)/,
          }[key] || /^([0-9a-f]+  )(\.?[a-z]\S*)/;
          const found = head.exec(text);
          if (found) {
            row.append(element('i', found[1]));
            if (found[2]) row.append(element('b', found[2]));
            text = text.slice(found[0].length);
          }
          const callee = /^( function )(\d+)$/.exec(text);
          const target = callee ? functions.findIndex(f => f[0] === +callee[2]) : -1;
          if (target >= 0) {
            const link = element('a', callee[1].trim() + ' ' + callee[2]);
            link.title = label(functions[target]);
            link.addEventListener('click', () => open(target));
            row.append(' ', link);
          } else {
            row.append(text);
          }
          if (note) row.append(element('i', note));
        }

        // What is lit.
        function isLit(c, i) {
          if (c > 0) return lit.has(shown.columns[c].groups[i]);
          const row = shown.columns[0].rows[i];
          return row >= 0 && [...lit].some(g => shown.sourceOf[g] === row);
        }
        function light(c, i) {
          lit = new Set();
          if (c !== undefined) {
            const g = shown.columns[c].groups[i];
            const row = c === 0 ? shown.columns[0].rows[i] : -1;
            if (row >= 0) shown.sourceOf.forEach((r, g) => { if (r === row) lit.add(g); });
            else if (g >= 0) lit.add(g);
          }
          refresh();
        }
        function refresh() {
          columns.forEach((column, c) => {
            for (const row of column.rows.room.children)
              row.classList.toggle('on', isLit(c, +row.dataset.row));
          });
          byId('detail').textContent = describe();
        }
        function pin(isPinned) {
          pinned = isPinned;
          document.body.classList.toggle('pinned', pinned);
          if (!pinned) light();
        }
        // Brings what is lit into view where `at` pixels from the top are in the other columns.
        function align(from, at) {
          columns.forEach((column, c) => {
            if (c === from || column.section.hidden) return;
            const groups = shown.columns[c].groups;
            const i = groups.findIndex((_, i) => isLit(c, i));
            if (i >= 0) column.rows.reveal(i, at);
          });
        }
        function describe() {
          if (!lit.size) return 'Function ' + shown.index + ': body at 0x' +
            shown.start.toString(16) + ', ' + (shown.end - shown.start) + ' bytes, ' +
            shown.bytes[0] + ' bytes of baseline code, ' + shown.bytes[1] + ' optimized' +
            ' — click a line to keep it, Escape to let go';
          const parts = [];
          const first = Math.min(...lit);
          parts.push('at 0x' + (shown.start + shown.ends[first]).toString(16));
          const row = shown.sourceOf[first];
          if (row >= 0) {
            const [file, line] = shown.sources[row];
            parts.push(data.files[file] + ':' + line);
          }
          for (const c of [1, 2, 4, 5]) {
            const count = shown.columns[c].groups.filter(g => lit.has(g)).length;
            parts.push(names[c].toLowerCase() + ': ' + count + (count === 1 ? ' line' : ' lines'));
          }
          return parts.join(' · ');
        }

        // Functions.
        const label = f => f[0] + '  ' + (f[1] || '(no name)');
        let found = functions.map((_, i) => i);
        const list = new Rows(byId('list'), (row, i) => {
          const f = functions[found[i]];
          row.append(element('i', String(f[0]).padStart(4) + '  '), f[1] || '(no name)');
          row.title = label(f) + '\n' + (f[3] - f[2]) + ' bytes, baseline ' + f[4] +
            ', optimizing ' + f[5];
          if (shown && found[i] === shown.number) row.classList.add('open');
        });
        function find() {
          const wanted = byId('search').value.toLowerCase();
          found = [];
          functions.forEach((f, i) => {
            if (label(f).toLowerCase().includes(wanted)) found.push(i);
          });
          list.show(found.length);
        }
        function open(number) {
          if (!functions[number]) return;
          shown = view(number);
          pinned = false;
          lit = new Set();
          document.body.classList.remove('pinned');
          columns.forEach((column, c) => {
            const lines = shown.columns[c].lines;
            const bytes = c === 4 ? shown.bytes[0] : c === 5 ? shown.bytes[1] : 0;
            column.size.textContent = bytes ? bytes + ' bytes'
              : lines.length + (lines.length === 1 ? ' line' : ' lines');
            column.rows.show(lines.length, shown.columns[c].width);
          });
          const i = found.indexOf(number);
          if (i >= 0) list.reveal(i);
          list.draw();
          refresh();
          const hash = '#f' + shown.index;
          if (!location.hash.startsWith(hash + '@')) history.replaceState(null, '', hash);
        }
        function follow() {
          const [, index, offset] = /^#f(\d+)(?:@(\d+))?$/.exec(location.hash) || [];
          const number = functions.findIndex(f => f[0] === +index);
          open(number < 0 ? 0 : number);
          if (!shown || offset === undefined) return;
          const g = shown.groupAt(+offset - shown.start);
          if (g < 0) return;
          lit = new Set([g]);
          pin(true);
          refresh();
          align(-1, 100);
        }
        byId('search').addEventListener('input', find);
        byId('list').addEventListener('click', event => {
          const row = event.target.closest('.row');
          if (row) open(found[+row.dataset.row]);
        });
        document.addEventListener('keydown', event => {
          const isTyping = event.target.id === 'search';
          if (event.key === 'Escape') {
            if (isTyping) { byId('search').value = ''; find(); }
            if (shown) pin(false);
          } else if (event.key === '/' && !isTyping) {
            byId('search').focus();
            event.preventDefault();
          } else if (event.target.closest('nav') && shown && found.length &&
              ['ArrowDown', 'ArrowUp', 'Enter'].includes(event.key)) {
            const at = found.indexOf(shown.number);
            const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
            open(found[Math.min(found.length - 1, Math.max(0, at < 0 ? 0 : at + step))]);
            event.preventDefault();
          }
        });
        addEventListener('hashchange', follow);
        find();
        follow();
        """#
}
