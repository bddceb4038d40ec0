/** The style of the status page. Text keeps a contrast of at least 4.5 to 1 in both schemes. */
export const STYLE = `
:root {
  color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --page: light-dark(#fbfaf8, #15171a); --text: light-dark(#22252a, #e4e6e8); --quiet: light-dark(#62676f, #9aa1a9);
  --line: light-dark(#e3e1dc, #2c3036); --tint: light-dark(#f3f1ec, #1e2125);
  --good: light-dark(#1c7a4b, #57c48f); --warn: light-dark(#8a5b00, #e0b15c); --bad: light-dark(#bd2c20, #ff8b7c);
  --bar: light-dark(#a9b8c6, #4d5d6c); --other: light-dark(#c79a3a, #a8843c);
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { --level: var(--quiet); max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.25rem 2rem; background: var(--page); color: var(--text); }
p { margin: 0; }
a { color: inherit; text-underline-offset: .2em; text-decoration-color: var(--quiet); }
h1:focus { outline: none; }
abbr { text-decoration: none; }

#brand { color: var(--quiet); }
h1 { display: flex; gap: .75rem; align-items: baseline; margin: .5rem 0 .25rem; font-size: 1.9rem; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; text-wrap: balance; overflow-wrap: anywhere; }
#mark { flex: none; display: grid; place-items: center; width: 1.9rem; height: 1.9rem; border-radius: 50%; align-self: flex-start; margin-top: .2rem; font-size: 1rem; line-height: 1; background: var(--level); color: var(--page); }
#detail { max-width: 46rem; min-height: 1.5em; overflow-wrap: anywhere; }
#mark::before { content: '·'; }
[data-level=good] { --level: var(--good); #mark::before { content: '✓'; } }
[data-level=warn] { --level: var(--warn); #mark::before { content: '!'; } }
[data-level=bad] { --level: var(--bad); #mark::before { content: '✕'; } }
[data-stale] main { filter: grayscale(1); }

form { display: flex; gap: .75rem; flex-wrap: wrap; align-items: center; margin-top: 1rem; }
input, button { font: inherit; color: inherit; padding: .35rem .75rem; border: 1px solid var(--quiet); border-radius: 6px; background: transparent; }
button { background: var(--tint); cursor: pointer; }

dl { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: 1.75rem 0; }
dt { color: var(--quiet); font-size: .875rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; }

#upstreams { margin-bottom: 2rem; }
figure { margin: 0 0 2rem; }
figcaption, .legend { color: var(--quiet); font-size: .875rem; }
svg { display: block; width: 100%; height: 56px; margin: .5rem 0; border-bottom: 1px solid var(--line); }
.calls { --kind: var(--bar); }
.others { --kind: var(--other); }
.faults { --kind: var(--bad); }
path { fill: var(--kind); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.key::before { content: ''; display: inline-block; width: .65rem; height: .65rem; margin-right: .4rem; border-radius: 2px; background: var(--kind); }
#mark, svg, .key::before { forced-color-adjust: none; }

table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
thead th { color: var(--quiet); font-weight: 400; font-size: .875rem; }
th, td { text-align: right; padding: .5rem 0 .5rem 1.25rem; border-bottom: 1px solid var(--line); vertical-align: baseline; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; white-space: normal; overflow-wrap: anywhere; }
tbody th { font-weight: 500; }
.why { text-align: left; white-space: normal; width: 34%; }
.none { color: var(--quiet); }
tr[data-level=bad] th, .fault { color: var(--bad); font-weight: 600; }
tr[data-level=warn] th, .slow { color: var(--warn); }

details { margin-top: 1.25rem; }
summary { cursor: pointer; color: var(--quiet); width: fit-content; }
ul { columns: 15rem; column-gap: 2rem; padding: 0; margin: .75rem 0 0; list-style: none; }
li { break-inside: avoid; overflow-wrap: anywhere; }

footer { display: flex; flex-wrap: wrap; gap: .25rem 2rem; justify-content: space-between; margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .875rem; font-variant-numeric: tabular-nums; }
#links { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }

@media (max-width: 40rem) {
  body { padding-top: 1.5rem; }
  h1 { font-size: 1.5rem; }
  dl { gap: .75rem 1.75rem; }
  table, thead, tbody, caption { display: block; }
  tr { position: relative; display: grid; grid-template-columns: 3.5rem 1.3fr 1fr 1fr; column-gap: .5rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  th, td { padding: 0; border: 0; }
  th:first-child { grid-column: 1 / -1; }
  td:nth-child(2), thead th:nth-child(2) { text-align: left; }
  thead .why { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  td.why { grid-column: 1 / -1; width: auto; color: var(--quiet); font-size: .9375rem; }
}
`;
