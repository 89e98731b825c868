// A silo's page: asks the API again and again and shows what it answers. Three parts: what follows from the answers, how
// it looks, and the page itself. Texts of runs become text nodes and attributes only, never HTML.

const pollMs = 2000;
const patienceMs = 15_000;
const reportPatienceMs = 180_000; // A finding is shrunk first, and findings wait for each other.
const rateWindowMs = 10_000;
const keptMs = 5 * 60_000;

// ---- What follows from the API's answers.

/** What a case counts: free concurrency boots SoCs, everything else runs schedules. */
export const unitOf = kase => kase.strategy.startsWith("free concurrency") ? "SoCs" : kase.strategy === "replay" ? "replays" : "schedules";

/** How far a run is at a moment, over all its cases; what is under way counts. */
export function sampleOf(run, at) {
  const sum = of => run.cases.reduce((all, kase) => all + of(kase), 0);
  return { at, done: sum(kase => kase.done + kase.underWay), stepsEach: sum(kase => kase.steps) / (sum(kase => kase.done) || 1) };
}

/** Samples with one more, without those that are too old to be drawn. */
export const withSample = (samples, next) => [...samples.filter(sample => next.at - sample.at <= keptMs), next];

/** Done a second, at each sample but the first, over the ten seconds before it. What is begun again is no negative rate. */
export function ratesOf(samples) {
  return samples.slice(1).map((sample, number) => {
    const from = samples.slice(0, number + 1).find(each => sample.at - each.at <= rateWindowMs) ?? samples[number];
    return { at: sample.at, rate: Math.max(0, sample.done - from.done) / ((sample.at - from.at) / 1000), stepsEach: sample.stepsEach };
  });
}

/** The points of a line through rates in a box of a width and height: time to the right, the largest rate at the top. */
export function pointsOf(rates, width, height) {
  const [first, last] = [rates[0].at, rates.at(-1).at];
  const most = Math.max(...rates.map(each => each.rate)) || 1;
  return rates.map(each => `${((each.at - first) / (last - first || 1) * width).toFixed(1)},${(height - each.rate / most * height).toFixed(1)}`).join(" ");
}

/** Findings by kind, in the order in which the API tells them. */
export const byKind = findings => Map.groupBy ? Map.groupBy(findings, finding => finding.kind)
  : findings.reduce((kinds, finding) => kinds.set(finding.kind, [...kinds.get(finding.kind) ?? [], finding]), new Map());

const format = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const count = value => format.format(value);
const rate = value => (value < 10 ? small : format).format(value);
const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
const sum = (run, of) => run.cases.reduce((all, kase) => all + of(kase), 0);

// ---- How it looks: state in, nodes out.

const svgTags = new Set(["svg", "polyline"]);

/** An element with attributes and children; a text is a text node, null and false are nothing. */
function h(tag, attributes, ...children) {
  const node = svgTags.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== false && value !== undefined) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.flat().filter(child => child !== null && child !== false && child !== undefined));
  return node;
}

const tone = word => ({ running: "busy", stopping: "busy", "as-expected": "good", completed: "good", active: "good", "not-as-expected": "bad", failed: "bad", dead: "bad" })[word] ?? "faint";
const word = text => h("span", { class: tone(text) }, text);
const figures = pairs => h("dl", null, ...pairs.filter(pair => pair).map(([name, ...value]) => h("div", null, h("dt", null, name), h("dd", { class: "number" }, ...value))));

function viewOf(state) {
  const chosen = state.runs.find(run => run.id === state.chosen) ?? (state.chosen ? null : state.runs[0]);
  return [silosView(state), runsView(state, chosen), chosen ? runView(state, chosen) : state.chosen && h("p", { id: "run", tabindex: -1 }, `There is no run ${state.chosen}.`)];
}

const silosView = state => h("section", { id: "silos", "aria-labelledby": "silos-title" },
  h("h2", { id: "silos-title" }, `Silos: ${count(state.silos.filter(silo => silo.status === "active").length)} active`),
  h("ul", { class: "silos" }, state.silos.map(silo => h("li", { id: `silo-${silo.address}` }, h("span", { class: "mono" }, silo.address), " ", word(silo.status)))));

const runsView = (state, chosen) => h("section", { id: "runs", "aria-labelledby": "runs-title" },
  h("h2", { id: "runs-title" }, "Runs"),
  state.runs.length === 0
    ? h("p", { class: "faint" }, "None yet. Order one: POST /api/runs, or iommucluster run NAME --cluster HOST:PORT.")
    : h("table", null,
      h("thead", null, h("tr", null, ["run", "scenario", "phase", "done", "rate", "findings", "lost, retries"].map(name => h("th", { scope: "col" }, name)))),
      h("tbody", null, state.runs.map(run => rowView(state, run, run === chosen)))));

function rowView(state, run, isChosen) {
  const cell = (name, ...children) => h("td", { "data-name": name, class: "number" }, h("span", null, ...children));
  const now = run.isOver ? undefined : ratesOf(state.samples.get(run.id) ?? []).at(-1);
  const findings = sum(run, kase => kase.findings.length);
  return h("tr", { id: `row-${run.id}`, "aria-current": isChosen && "true" },
    cell("run", h("a", { href: `#${run.id}` }, run.id)),
    cell("scenario", run.scenario),
    cell("phase", word(run.phase)),
    cell("done", ...progressView(run)),
    cell("rate", now ? `${rate(now.rate)} ${unitOf(run.cases[0])}/s` : "–"),
    cell("findings", findings === 0 ? "none" : count(findings)),
    cell("lost, retries", `${count(sum(run, kase => kase.lost))}, ${count(run.retries)}`));
}

function progressView(run) {
  const done = sampleOf(run, 0).done;
  const isBounded = run.cases.every(kase => kase.budget !== undefined);
  const budget = sum(run, kase => kase.budget ?? 0);
  const unit = run.cases.length > 0 ? unitOf(run.cases[0]) : "";
  return [
    isBounded && !run.isOver && h("progress", { max: budget, value: Math.min(done, budget), "aria-label": `${run.id}: done` }),
    isBounded ? `${count(done)} of ${count(budget)} ${unit}` : `${count(done)} ${unit}`,
  ];
}

const runView = (state, run) => h("section", { id: "run", tabindex: -1, "aria-labelledby": "run-title" },
  h("div", { class: "bar" },
    h("h2", { id: "run-title" }, `${run.id}: ${run.scenario}`),
    word(run.phase),
    !run.isOver && h("button", { id: "stop", "data-do": "stop", "data-run": run.id, disabled: run.phase === "stopping" }, "Stop"),
    run.retries > 0 && h("span", null, `${plural(run.retries, "slice or SoC", "slices and SoCs")} begun again because a silo was lost`)),
  run.error !== undefined && h("pre", { class: "bad" }, run.error),
  run.replay !== undefined && replayView(run.replay),
  timelinesView(state, run),
  run.cases.map(kase => caseView(state, run, kase)));

const replayView = replay => h("p", { class: replay.cluster.state === replay.process.state ? "good" : "bad" },
  `Replay on grains: ${replay.cluster.end}, state ${replay.cluster.state}; in one process: ${replay.process.end}, state ${replay.process.state}`);

function timelinesView(state, run) {
  const rates = ratesOf(state.samples.get(run.id) ?? []);
  if (rates.length < 2) {
    return run.isOver ? null : h("p", { class: "faint" }, "The timeline begins with the next answers.");
  }
  const steps = rates.map(each => ({ ...each, rate: each.rate * each.stepsEach }));
  return h("div", { class: "lines" }, timelineView(`${unitOf(run.cases[0])}/s`, rates, run.isOver), steps.at(-1).stepsEach > 0 && timelineView("steps/s, as their mean so far", steps, run.isOver));
}

function timelineView(name, rates, isOver) {
  const seconds = Math.round((rates.at(-1).at - rates[0].at) / 1000);
  const told = `${name}: ${isOver ? "last" : "now"} ${rate(rates.at(-1).rate)}, at most ${rate(Math.max(...rates.map(each => each.rate)))}, over ${plural(seconds, "second")}`;
  return h("figure", null,
    h("svg", { viewBox: "-2 -4 404 68", role: "img", "aria-label": told }, h("polyline", { points: pointsOf(rates, 400, 60) })),
    h("figcaption", { class: "number" }, told));
}

const caseView = (state, run, kase) => h("section", { id: `case-${kase.case}@${kase.profile}` },
  h("h3", null, `${kase.case}: ${kase.board}, ${kase.profile}`),
  figures([
    ["outcome", word(kase.outcome ?? "not over")],
    ["done", kase.budget === undefined ? `${count(kase.done)} ${unitOf(kase)}` : `${count(kase.done)} of ${count(kase.budget)} ${unitOf(kase)}`],
    ["underWay", count(kase.underWay)],
    ["steps", count(kase.steps)],
    ["strategy", kase.strategy],
    ["coverage", kase.coverage ?? "–"],
    kase.abandoned > 0 && ["abandoned", count(kase.abandoned)],
    unitOf(kase) === "SoCs" && ["lost", kase.lost > 0 ? `${count(kase.lost)}, booted again` : "none"],
  ]),
  kase.reasons.length > 0 && h("ul", { class: "bad" }, kase.reasons.map(reason => h("li", null, reason))),
  kase.findings.length === 0
    ? h("p", { class: "faint" }, "No findings.")
    : [...byKind(kase.findings)].map(([kind, findings]) => h("div", null,
      h("h4", null, `${kind}: ${plural(findings.length, "site")}`),
      findings.map(finding => findingView(state, run, kase, finding)))));

function findingView(state, run, kase, finding) {
  const id = `${run.id}/${kase.case}/${finding.id}`;
  const share = finding.inEvery ? `in every one (${count(finding.count)})` : `in ${count(finding.count)}, first in ${count(finding.first)}`;
  return h("details", { id, open: state.open.has(id), "data-run": run.id, "data-case": kase.case, "data-finding": finding.id },
    h("summary", null, finding.message, " ", h("span", { class: "faint number" }, share)),
    state.open.has(id) && h("div", null,
      figures([
        ["id", finding.id],
        ["function", finding.function],
        finding.objectType !== "" && ["objectType", finding.objectType],
        finding.field !== "" && ["field", finding.field],
        finding.other !== "" && ["other", finding.other],
      ]),
      finding.token === undefined
        ? h("p", { class: "faint" }, "Seen by free concurrency, which cannot be replayed: explore the case to have it with a token.")
        : [
          h("div", { class: "token" }, h("code", { tabindex: 0 }, `iommucluster replay ${finding.token}`),
            navigator.clipboard !== undefined && h("button", { "data-do": "copy", "data-text": `iommucluster replay ${finding.token}` }, "Copy")),
          h("pre", { tabindex: 0 }, state.reports.get(id) ?? "The silo replays and shrinks it …"),
        ]));
}

/** Makes a node like another one, and changes no more than differs: focus, selection and scrolling stay where they are. */
function morph(node, wanted) {
  if (node.nodeName !== wanted.nodeName) {
    node.replaceWith(wanted);
  } else if (node.nodeType === Node.TEXT_NODE) {
    if (node.data !== wanted.data) {
      node.data = wanted.data;
    }
  } else {
    [...node.attributes].filter(each => !wanted.hasAttribute(each.name)).forEach(each => node.removeAttribute(each.name));
    [...wanted.attributes].filter(each => node.getAttribute(each.name) !== each.value).forEach(each => node.setAttribute(each.name, each.value));
    morphChildren(node, [...wanted.childNodes]);
  }
}

/** Children with an id stay themselves wherever they come to stand; the others are told by their place. */
function morphChildren(node, wanted) {
  wanted.forEach((child, place) => {
    const there = node.childNodes[place];
    const same = child.id ? [...node.children].find(each => each.id === child.id) : there?.id ? undefined : there;
    if (same === undefined) {
      node.insertBefore(child, there ?? null);
    } else {
      if (same !== there) {
        node.insertBefore(same, there);
      }
      morph(same, child);
    }
  });
  while (node.childNodes.length > wanted.length) {
    node.lastChild.remove();
  }
}

// ---- The page.

const tokenKey = "iommucluster-token";

/** The API demands a token, or another one. */
class Unauthorized extends Error {}

async function ask(path, { method = "GET", patience = patienceMs } = {}) {
  const token = sessionStorage.getItem(tokenKey);
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  const answer = await fetch(path, { method, headers, signal: AbortSignal.timeout(patience) });
  if (answer.status === 401) {
    throw new Unauthorized(token === null ? "the API asks for its token" : "the token was refused");
  }
  if (!answer.ok) {
    throw new Error((await answer.json().catch(() => null))?.errors?.join("; ") ?? `the silo answers ${answer.status}`);
  }
  return answer;
}

function start() {
  const state = { silos: [], runs: [], chosen: "", samples: new Map(), open: new Set(), reports: new Map() };
  const at = id => document.getElementById(id);
  const show = () => morphChildren(at("view"), viewOf(state).filter(node => node));

  function say(text, isBad) {
    at("news").textContent = text;
    at("news").classList.toggle("bad", isBad);
  }

  function choose() {
    state.chosen = decodeURIComponent(location.hash.slice(1));
    show();
  }

  async function refresh() {
    try {
      const { silos } = await (await ask("api/cluster")).json();
      Object.assign(state, { silos });
      show(); // Runs wait for silos that were lost a moment ago; that they were is seen at once.
      const { runs } = await (await ask("api/runs")).json();
      runs.filter(run => !run.isOver).forEach(run => state.samples.set(run.id, withSample(state.samples.get(run.id) ?? [], sampleOf(run, performance.now()))));
      Object.assign(state, { runs });
      say(`${plural(runs.filter(run => !run.isOver).length, "run")} under way`, false);
      show();
      at("token").hidden = true;
      return true;
    } catch (away) {
      say(away instanceof Unauthorized ? away.message : `no news: ${away.message}; asked again`, true);
      at("token").hidden = !(away instanceof Unauthorized);
      return !(away instanceof Unauthorized);
    }
  }

  /** Asks as long as somebody looks; one that needs a token goes on when it is given. */
  async function poll() {
    while (await refresh()) {
      await new Promise(done => setTimeout(done, pollMs));
      if (document.hidden) {
        await new Promise(done => document.addEventListener("visibilitychange", done, { once: true }));
      }
    }
  }

  async function report({ id, dataset }) {
    try {
      const answer = await ask(`api/runs/${encodeURIComponent(dataset.run)}/findings/${encodeURIComponent(dataset.finding)}?case=${encodeURIComponent(dataset.case)}`, { patience: reportPatienceMs });
      state.reports.set(id, await answer.text());
    } catch (away) {
      state.reports.set(id, `No report: ${away.message}.`);
    }
    show();
  }

  async function stop(id) {
    if (confirm(`Stop ${id}? What is under way ends and counts.`)) {
      await ask(`api/runs/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(away => say(`${id} was not stopped: ${away.message}`, true));
    }
  }

  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.text).then(() => say("copied", false), () => say("the browser did not let this page copy", true));
  }

  document.addEventListener("click", event => {
    const button = event.target.closest("[data-do]");
    if (button !== null) {
      button.dataset.do === "stop" ? stop(button.dataset.run) : copy(button);
    }
  });
  document.addEventListener("toggle", ({ target }) => {
    if (target.dataset.finding !== undefined && target.open !== state.open.has(target.id)) {
      target.open ? state.open.add(target.id) : state.open.delete(target.id);
      show();
      if (target.open && !state.reports.has(target.id) && target.querySelector("pre") !== null) {
        report(target);
      }
    }
  }, true);
  at("token").addEventListener("submit", event => {
    event.preventDefault();
    sessionStorage.setItem(tokenKey, at("secret").value.trim());
    at("secret").value = "";
    at("token").hidden = true;
    poll();
  });
  window.addEventListener("hashchange", () => {
    choose();
    at("run")?.focus();
    at("run")?.scrollIntoView();
  });
  choose();
  poll();
}

if (globalThis.document !== undefined) {
  start();
}
