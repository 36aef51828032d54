extension Profile {
    /// A page that shows the profile as a flame graph, for any browser: it needs nothing but
    /// itself, and asks nobody for anything.
    ///
    /// Each box is a function, as wide as the time in it and in what it has called; who calls lies
    /// below. A click shows a box in full width, and what is typed into the field lights up. A
    /// table lists the functions that took longest.
    public func flameGraph(title: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
        style-src 'unsafe-inline'; script-src 'unsafe-inline'">
        <title>\(HTMLText.escaped(title))</title>
        <style>
        \(FlameGraphPage.style)
        </style>
        </head>
        <body>
        <h1>\(HTMLText.escaped(title))</h1>
        <p id="summary">\(HTMLText.escaped(summary))</p>
        <p><input id="search" type="search" placeholder="Find functions" \
        aria-label="Find functions"> <button id="reset">Show all</button> \
        <span id="found"></span></p>
        <div id="graph" role="tree"></div>
        <p id="detail">&nbsp;</p>
        <p class="legend">\(Self.legend)</p>
        <table><thead><tr><th>Function<th>Here<th>With calls</thead>
        <tbody id="table"></tbody></table>
        <script>
        const profile = \(json);
        \(FlameGraphPage.script)
        </script>
        </body>
        </html>

        """
    }

    private static var legend: String {
        Frame.Kind.allCases.map { "<span class=\"\($0.rawValue)\">\($0.rawValue)</span>" }
            .joined(separator: " ")
    }

    /// How many samples were taken, in words.
    @_spi(ApusCLI) public var sampleCountText: String {
        "\(sampleCount) sample\(sampleCount == 1 ? "" : "s")"
    }

    /// How much has been seen, in words.
    var summary: String {
        let lost = lostSamples > 0 ? ", \(lostSamples) lost" : ""
        let seconds = Double(sampleCount) * (period / .seconds(1))
        let rounded = (seconds * 1000).rounded() / 1000
        return "\(sampleCountText), about \(rounded) s\(lost)"
    }

    /// Frames as [name, kind, file], nodes as [frame, parent or -1, samples].
    private var json: String {
        let frames = frames.map { frame in
            "[\(JSONText.quoted(frame.name)),\(JSONText.quoted(frame.kind.rawValue)),"
                + "\(JSONText.quoted(frame.file ?? ""))]"
        }
        let nodes = nodes.map { "[\($0.frame),\($0.parent ?? -1),\($0.samples)]" }
        return "{period:\(period / .milliseconds(1)),"
            + "frames:[\(frames.joined(separator: ","))],"
            + "nodes:[\(nodes.joined(separator: ","))]}"
    }
}

/// What is the same on the page of every flame graph.
private enum FlameGraphPage {
    static let style = """
        body { font: 14px system-ui, sans-serif; margin: 1em; color: #222; background: #fff; }
        h1 { font-size: 1.2em; margin: 0 0 .3em; }
        #graph { position: relative; overflow: hidden; border: 1px solid #ccc; }
        #graph div { position: absolute; height: 17px; overflow: hidden; white-space: nowrap;
          box-sizing: border-box; border: .5px solid #fff; border-radius: 2px; padding: 0 3px;
          font: 12px/16px ui-monospace, monospace; cursor: pointer; }
        #graph div:hover, #graph div:focus { outline: 1px solid #000; }
        .baseline { background: #f6c28b; } .optimized { background: #9ed29a; }
        .precompiled { background: #e6d98c; } .inlined { background: #cfe8cd; }
        .host { background: #a9c7ec; } .all { background: #ddd; }
        #graph div.match { background: #d36fd3; }
        .legend span { padding: 1px 6px; border-radius: 2px; }
        table { border-collapse: collapse; } td, th { text-align: left; padding: 1px 1em 1px 0; }
        td + td, th + th { text-align: right; font-variant-numeric: tabular-nums; }
        @media (prefers-color-scheme: dark) {
          body { color: #ddd; background: #1b1b1b; }
          #graph div, .legend span { color: #111; border-color: #1b1b1b; }
        }
        """

    static let script = #"""
        const { period, frames, nodes } = profile;
        const totals = nodes.map(n => n[2]);
        for (let i = nodes.length - 1; i >= 0; i--)
          if (nodes[i][1] >= 0) totals[nodes[i][1]] += totals[i];
        const children = nodes.map(() => []);
        const roots = [];
        nodes.forEach((n, i) => (n[1] < 0 ? roots : children[n[1]]).push(i));
        const byName = (a, b) => frames[nodes[a][0]][0] < frames[nodes[b][0]][0] ? -1 : 1;
        roots.sort(byName);
        children.forEach(list => list.sort(byName));
        const all = roots.reduce((sum, i) => sum + totals[i], 0);
        const graph = document.getElementById('graph');
        const detail = document.getElementById('detail');
        const search = document.getElementById('search');
        const height = 17;
        let focus = -1;

        function label(count) {
          const share = all ? (100 * count / all).toFixed(1) : '0.0';
          return (count * period).toFixed(count * period < 10 ? 2 : 0) + ' ms, ' + share + ' %';
        }
        function text(i) {
          const [name, kind, file] = frames[nodes[i][0]];
          return name + ' (' + kind + (file ? ', ' + file : '') + '): ' + label(totals[i]) +
            ', of it here ' + label(nodes[i][2]);
        }
        function box(kind, name, left, width, depth, title, click) {
          const div = document.createElement('div');
          div.className = kind;
          div.textContent = width > 2 ? name : '';
          div.style.left = left + '%';
          div.style.width = width + '%';
          div.dataset.depth = depth;
          div.title = title;
          div.tabIndex = 0;
          div.setAttribute('role', 'treeitem');
          div.addEventListener('click', click);
          div.addEventListener('keydown', event => { if (event.key === 'Enter') click(); });
          div.addEventListener('mouseenter', () => { detail.textContent = title; });
          graph.appendChild(div);
        }
        function draw() {
          graph.textContent = '';
          let deepest = 0;
          const wanted = search.value.toLowerCase();
          let matched = 0;
          const path = [];
          for (let i = focus; i >= 0; i = nodes[i][1]) path.unshift(i);
          box('all', 'all', 0, 100, 0, 'all: ' + label(all), () => { focus = -1; draw(); });
          path.forEach((i, at) => {
            deepest = at + 1;
            add(i, 0, 100, at + 1, false);
          });
          const whole = focus < 0 ? all : totals[focus];
          const stack = [];
          function push(list, left, depth, inMatch) {
            for (const i of list) {
              const width = whole ? 100 * totals[i] / whole : 0;
              stack.push([i, left, width, depth, inMatch]);
              left += width;
            }
          }
          push(focus < 0 ? roots : children[focus], 0, path.length + 1, false);
          while (stack.length) {
            const [i, left, width, depth, inMatch] = stack.pop();
            if (width < 0.05) continue;
            deepest = Math.max(deepest, depth);
            push(children[i], left, depth + 1, add(i, left, width, depth, inMatch));
          }
          function add(i, left, width, depth, inMatch) {
            const [name, kind] = frames[nodes[i][0]];
            const isMatch = wanted !== '' && name.toLowerCase().includes(wanted);
            if (isMatch && !inMatch) matched += totals[i];
            box(kind + (isMatch ? ' match' : ''), name, left, width, depth, text(i),
              () => { focus = i; draw(); });
            return inMatch || isMatch;
          }
          graph.style.height = (deepest + 1) * height + 'px';
          for (const div of graph.children)
            div.style.top = (deepest - div.dataset.depth) * height + 'px';
          document.getElementById('found').textContent = wanted ? label(matched) : '';
        }
        search.addEventListener('input', draw);
        document.getElementById('reset').addEventListener('click', () => {
          focus = -1; search.value = ''; draw();
        });

        const own = frames.map(() => 0), within = frames.map(() => 0);
        nodes.forEach((n, i) => {
          own[n[0]] += n[2];
          let outer = n[1];
          while (outer >= 0 && nodes[outer][0] !== n[0]) outer = nodes[outer][1];
          if (outer < 0) within[n[0]] += totals[i];
        });
        const order = frames.map((_, i) => i).sort((a, b) => own[b] - own[a]).slice(0, 50);
        for (const i of order) {
          if (!own[i] && !within[i]) continue;
          const row = document.getElementById('table').insertRow();
          row.insertCell().textContent = frames[i][0];
          row.insertCell().textContent = label(own[i]);
          row.insertCell().textContent = label(within[i]);
        }
        draw();
        """#
}
