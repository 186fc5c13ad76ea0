"use strict";
// The status page.  Asks /status once a second while it is seen, draws what
// comes.  Searching and sorting are the broker's work.  All text goes in as
// text, never as HTML.

const SECONDS = 600;
const WINDOWS = [60, 180, SECONDS];
const $ = (id) => document.getElementById(id);

function el(tag, attributes, ...children) {
	const e = document.createElement(tag);
	for (const [k, v] of Object.entries(attributes || {}))
		e.setAttribute(k, v);
	e.append(...children);
	return e;
}

function svg(tag, attributes, ...children) {
	const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [k, v] of Object.entries(attributes || {}))
		e.setAttribute(k, v);
	e.append(...children);
	return e;
}

function setText(e, text) {
	if (e.textContent !== text)
		e.textContent = text;
}

// Numbers for people

function scaled(n, step, units) {
	let i = 0;
	while (n >= step && i < units.length - 1) {
		n /= step;
		i++;
	}
	const digits = i === 0 || n >= 100 ? 0 : n >= 10 ? 1 : 2;
	return [n.toFixed(i === 0 && n > 0 && n < 10 ? (n < 1 ? 1 : n % 1 ? 1 : 0) : digits), units[i]];
}
const bytes = (n) => scaled(n, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]);
const many = (n) => scaled(n, 1000, ["", "k", "M", "G", "T"]);
const bytesText = (n) => bytes(n).join("\u00a0");
const manyText = (n) => (n < 10000 ? Math.round(n).toLocaleString("en") : many(n).join(""));
const rateText = (n) => (n > 0 ? bytesText(n) + "/s" : "0");
function micros(us) {
	if (us < 1000)
		return [String(Math.round(us)), "\u00b5s"];
	if (us < 1e6)
		return [(us / 1000).toFixed(us < 1e4 ? 1 : 0), "ms"];
	return [(us / 1e6).toFixed(1), "s"];
}
const microsText = (us) => micros(us).join("\u00a0");

function span(ms) {
	const s = Math.max(0, Math.floor(ms / 1000));
	const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
	if (d > 0)
		return `${d} d ${h} h`;
	if (h > 0)
		return `${h} h ${m} min`;
	return m > 0 ? `${m} min ${s % 60} s` : `${s} s`;
}
function ago(ms, now) {
	const s = Math.max(0, Math.round((now - ms) / 1000));
	if (s < 2)
		return "now";
	if (s < 60)
		return `${s} s ago`;
	if (s < 3600)
		return `${Math.floor(s / 60)} min ago`;
	return s < 86400 ? `${Math.floor(s / 3600)} h ago` : `${Math.floor(s / 86400)} d ago`;
}

// What is asked for; kept in the address, so that it can be passed on

const view = { q: "", sort: "-in", limit: 15, topic: "", gq: "", gsort: "-lag", glimit: 15, cq: "", climit: 15 };

function readAddress() {
	const from = new URLSearchParams(location.hash.slice(1));
	for (const key of ["q", "sort", "topic", "gq", "gsort", "cq"])
		if (from.has(key))
			view[key] = from.get(key);
}
function writeAddress() {
	const to = new URLSearchParams();
	for (const [key, usual] of [["q", ""], ["sort", "-in"], ["topic", ""], ["gq", ""], ["gsort", "-lag"], ["cq", ""]])
		if (view[key] !== usual)
			to.set(key, view[key]);
	const hash = to.toString();
	window.history.replaceState(null, "", hash ? "#" + hash : location.pathname);
}

// Charts

function points(values, width, height, top) {
	const step = width / (values.length - 1 || 1);
	return values.map((v, i) => `${(i * step).toFixed(1)},${(height - 1 - (v / top) * (height - 4)).toFixed(1)}`);
}
function draw(area, stroke, values, width, height, top) {
	const p = points(values, width, height, top);
	stroke.setAttribute("d", "M" + p.join("L"));
	area.setAttribute("d", `M0,${height}L` + p.join("L") + `L${width},${height}Z`);
}

// The greatest of each few seconds: a peak must not vanish.
function thin(values, count) {
	const out = [];
	for (let i = 0; i < count; i++) {
		const from = Math.floor((i * values.length) / count);
		const to = Math.floor(((i + 1) * values.length) / count);
		out.push(Math.max(...values.slice(from, to)));
	}
	return out;
}

const perSecond = ([n, unit]) => [n, unit + "/s"];
const glue = ([n, unit]) => n + (unit === "" || unit.startsWith("/") ? "" : "\u00a0") + unit;
const cards = [
	{ key: "bytes_in", title: "Bytes in", show: (n) => perSecond(bytes(n)), also: "records_in" },
	{ key: "bytes_out", title: "Bytes out", show: (n) => perSecond(bytes(n)), also: "records_out" },
	{ key: "requests", title: "Requests", show: (n) => perSecond(many(n)) },
	{ key: "produce_p99_us", title: "Produce, p99", show: (n) => (n > 0 ? micros(n) : ["\u2013", ""]) },
	{ key: "connections", title: "Connections", show: (n) => [manyText(n), ""] },
	{ key: "cpu_percent", title: "Processor", show: (n) => [n < 9.95 ? n.toFixed(1) : n.toFixed(0), "% of a core"] },
];
const samples = {};
let next = 0;

function makeCard(card) {
	card.peak = el("span");
	card.output = el("output");
	card.area = svg("path", { class: "area" });
	card.stroke = svg("path", { class: "stroke" });
	card.cursor = svg("line", { class: "cursor", y1: 0, y2: 60, visibility: "hidden" });
	card.svg = svg("svg", { viewBox: "0 0 600 60", preserveAspectRatio: "none", role: "img" },
		card.area, card.stroke, card.cursor);
	card.svg.addEventListener("pointermove", (e) => {
		const box = card.svg.getBoundingClientRect();
		card.at = Math.min(1, Math.max(0, (e.clientX - box.left) / box.width));
		drawCard(card);
	});
	card.svg.addEventListener("pointerleave", () => {
		card.at = null;
		drawCard(card);
	});
	const box = el("div", { class: "card", id: "card-" + card.key },
		el("h3", {}, card.title, card.peak), card.output, card.svg);
	$("cards").append(box);
}

function drawCard(card) {
	const all = samples[card.key] || [];
	if (all.length === 0)
		return;
	// A young broker's past is not drawn as if it had been idle.
	const length = WINDOWS.find((w) => all.length <= w) || SECONDS;
	const padded = new Array(Math.max(0, length - all.length)).fill(0).concat(all);
	const last = padded.length - 1;
	const peak = Math.max(...all);
	const looking = card.at !== null && card.at !== undefined;
	const index = looking ? Math.round(card.at * last) : last;
	const [n, unit] = card.show(padded[index]);
	let more = index < last ? `${span((last - index) * 1000)} ago` : "";
	if (!more && card.also && samples[card.also])
		more = manyText(samples[card.also][all.length - 1] || 0) + " records/s";
	card.output.replaceChildren(n, el("small", {}, glue(["", unit])),
		el("small", { class: looking ? "" : "also" }, more ? " \u00b7 " + more : ""));
	setText(card.peak, "peak " + glue(card.show(peak)));
	draw(card.area, card.stroke, length > 150 ? thin(padded, 150) : padded, 600, 60, (peak || 1) * 1.05);
	card.cursor.setAttribute("visibility", looking ? "visible" : "hidden");
	card.cursor.setAttribute("x1", (600 * index) / last);
	card.cursor.setAttribute("x2", (600 * index) / last);
	card.svg.setAttribute("aria-label", `${card.title}, the last ${span(length * 1000)}: now ${glue(card.show(padded[last]))}, peak ${glue(card.show(peak))}`);
}

function takeHistory(h) {
	if (h.first > next || h.next < next)
		for (const key of Object.keys(samples))
			delete samples[key];
	for (const [key, values] of Object.entries(h)) {
		if (!Array.isArray(values))
			continue;
		const all = (samples[key] = (samples[key] || []).concat(values));
		if (all.length > SECONDS)
			all.splice(0, all.length - SECONDS);
	}
	next = h.next;
}

// Tables: a column is { title, value(row) -> text or [text, class], sort, cls }

function makeHead(table, columns, onSort) {
	const row = el("tr");
	for (const c of columns) {
		const th = el("th", { scope: "col", class: c.cls || "" });
		if (c.sort) {
			const b = el("button", { type: "button" }, c.title);
			b.addEventListener("click", () => onSort(c));
			th.append(b);
		} else {
			th.append(c.title === "" ? el("span", { class: "unseen" }, c.hidden) : c.title);
		}
		c.th = th;
		row.append(th);
	}
	table.tHead.replaceChildren(row);
}

// Rows keep their elements, so that focus and selection stay where they are.
function fill(table, columns, rows, keyOf, after) {
	const body = table.tBodies[0];
	const old = (table.rowsByKey = table.rowsByKey || new Map());
	const now = new Map();
	let at = body.firstChild;
	const place = (tr) => {
		if (at === tr)
			at = tr.nextSibling;
		else
			body.insertBefore(tr, at);
	};
	for (const row of rows) {
		const key = keyOf(row);
		const tr = old.get(key) || el("tr");
		if (!tr.cells.length)
			for (const c of columns)
				tr.append(el("td", { class: c.cls || "", ...(c.label && { "data-label": c.label }), ...(c.lead && { "data-lead": c.lead }) }));
		columns.forEach((c, i) => c.put(tr.cells[i], row));
		now.set(key, tr);
		place(tr);
		const extra = after && after(row, tr);
		if (extra)
			place(extra);
	}
	while (at) {
		const gone = at;
		at = at.nextSibling;
		gone.remove();
	}
	table.rowsByKey = now;
}

// text(row); zero(row) says that there is nothing to see.
function textColumn(title, text, more) {
	return {
		title, ...more,
		put(td, row) {
			setText(td, text(row));
			td.classList.toggle("zero", Boolean(more && more.zero && more.zero(row)));
			if (more && more.tip)
				td.title = more.tip(row);
		},
	};
}

let nowMs = Date.now();
const whenText = (ms) => (ms === null ? "never" : ago(ms, nowMs));
const tipTime = (ms) => (ms === null ? "" : new Date(ms).toLocaleString());

const nameColumn = {
	title: "Topic", sort: "name", cls: "text wrap",
	put(td, t) {
		let b = td.firstChild;
		if (!b) {
			b = el("button", { type: "button", class: "name", "aria-expanded": "false" }, t.name);
			b.addEventListener("click", () => openTopic(t.name));
			td.append(b);
		}
		b.setAttribute("aria-expanded", String(view.topic === t.name));
		td.querySelectorAll(".tag").forEach((tag) => tag.remove());
		if (t.offline)
			td.append(el("span", { class: "tag bad" }, `${t.offline} offline`));
		if (t.under_replicated)
			td.append(el("span", { class: "tag" }, `${t.under_replicated} under-replicated`));
	},
};
const sparkColumn = {
	title: "", hidden: "Bytes in and out, last ten minutes", cls: "spark",
	put(td, t) {
		if (!t.spark) {
			td.replaceChildren();
			return;
		}
		let s = td.firstChild;
		if (!s) {
			s = svg("svg", { viewBox: "0 0 96 24", preserveAspectRatio: "none", role: "img",
				"aria-label": "bytes in and out, last ten minutes" },
				svg("path", { class: "area" }), svg("path", { class: "stroke" }));
			td.append(s);
		}
		draw(s.children[0], s.children[1], t.spark, 96, 24, Math.max(...t.spark) || 1);
	},
};
const topicColumns = [
	nameColumn,
	textColumn("Partitions", (t) => manyText(t.partitions), { sort: "partitions", label: "partitions", cls: "p3" }),
	textColumn("Records", (t) => manyText(t.records), { sort: "records", label: "records", tip: (t) => t.records.toLocaleString("en"), zero: (t) => !t.records }),
	textColumn("Size", (t) => (t.size_bytes ? bytesText(t.size_bytes) : "0"), { sort: "size", zero: (t) => !t.size_bytes }),
	textColumn("In", (t) => rateText(t.in), { sort: "in", label: "in", zero: (t) => !t.in, tip: (t) => manyText(t.records_in) + " records/s" }),
	textColumn("Out", (t) => rateText(t.out), { sort: "out", label: "out", zero: (t) => !t.out }),
	textColumn("Last write", (t) => whenText(t.last_write_ms), { sort: "last", lead: "written", tip: (t) => tipTime(t.last_write_ms), zero: (t) => t.last_write_ms === null }),
	sparkColumn,
];
const partitionColumns = [
	textColumn("#", (p) => String(p.partition), { cls: "text" }),
	textColumn("Start", (p) => p.start_offset.toLocaleString("en"), { cls: "p2" }),
	textColumn("End", (p) => p.end_offset.toLocaleString("en")),
	textColumn("Records", (p) => manyText(p.end_offset - p.start_offset), { cls: "p2", zero: (p) => p.end_offset === p.start_offset }),
	textColumn("Size", (p) => (p.size_bytes ? bytesText(p.size_bytes) : "0"), { zero: (p) => !p.size_bytes }),
	textColumn("Segments", (p) => (p.segments === null ? "\u2013" : String(p.segments)), { cls: "p3" }),
	textColumn("Leader", (p) => (p.offline ? "offline" : p.leader < 0 ? "none" : String(p.leader)), { cls: "p2" }),
	textColumn("In sync", (p) => `${p.in_sync} of ${p.replicas}`, { cls: "p2" }),
	textColumn("Last write", (p) => whenText(p.last_write_ms), { tip: (p) => tipTime(p.last_write_ms), zero: (p) => p.last_write_ms === null }),
];
const groupColumns = [
	textColumn("Group", (g) => g.name || "(no name)", { sort: "name", cls: "text wrap" }),
	textColumn("Type", (g) => g.type, { sort: "type", cls: "text p3" }),
	textColumn("State", (g) => g.state, { sort: "state", cls: "text" }),
	textColumn("Members", (g) => manyText(g.members), { sort: "members", label: "members", zero: (g) => !g.members }),
	textColumn("Partitions", (g) => manyText(g.partitions), { cls: "p3", zero: (g) => !g.partitions }),
	textColumn("Lag", (g) => manyText(g.lag_records), { sort: "lag", label: "records waiting", tip: (g) => g.lag_records.toLocaleString("en") + " records", zero: (g) => !g.lag_records }),
	textColumn("Behind", (g) => (g.lag_records === 0 ? "0 s" : g.lag_ms === null ? "\u2013" : span(g.lag_ms)), { label: "behind", tip: () => "for how long the oldest record waits", zero: (g) => !g.lag_records }),
];
const connColumns = [
	textColumn("Client", (c) => c.client_id || "(no client id)", { cls: "text wrap" }),
	textColumn("Address", (c) => c.peer, { cls: "text" }),
	textColumn("Software", (c) => c.software || "\u2013", { cls: "text p3" }),
	textColumn("Listener", (c) => c.listener, { cls: "text p3" }),
	textColumn("Requests", (c) => (c.request_rate ? many(c.request_rate).join("") + "/s" : "0"), { label: "requests", zero: (c) => !c.request_rate, tip: (c) => c.requests.toLocaleString("en") + " in all" }),
	textColumn("In", (c) => rateText(c.in), { label: "in", zero: (c) => !c.in }),
	textColumn("Out", (c) => rateText(c.out), { label: "out", zero: (c) => !c.out }),
	textColumn("Last heard", (c) => whenText(c.last_ms), { lead: "heard", tip: (c) => "connected " + tipTime(c.opened_ms) }),
];
function latencyColumn(title, lately, all) {
	return {
		title,
		put(td, a) {
			const us = a[lately] === null ? a[all] : a[lately];
			setText(td, us === null ? "\u2013" : microsText(us));
			td.classList.toggle("old", a[lately] === null);
		},
	};
}
const apiColumns = [
	textColumn("API", (a) => a.name, { cls: "text" }),
	textColumn("Rate", (a) => (a.rate ? many(a.rate).join("") + "/s" : "0"), { zero: (a) => !a.rate }),
	latencyColumn("p50", "p50_us", "all_p50_us"),
	latencyColumn("p99", "p99_us", "all_p99_us"),
	textColumn("All", (a) => manyText(a.requests), { tip: (a) => a.requests.toLocaleString("en") }),
];
const errorColumns = [
	textColumn("API", (e) => e.api, { cls: "text" }),
	textColumn("Error", (e) => e.error.toLowerCase().replaceAll("_", " "), { cls: "text wrap", tip: (e) => e.error }),
	textColumn("Count", (e) => manyText(e.count), { tip: (e) => e.count.toLocaleString("en") }),
];

// Topics

const detail = el("tr", { class: "more-row", id: "partitions" });
const detailTable = el("table", { id: "partitions-table" }, el("caption", { class: "unseen" }), el("thead"), el("tbody"));
const detailNote = el("p", { class: "quiet" });

function openTopic(name) {
	view.topic = view.topic === name ? "" : name;
	detailTable.rowsByKey = null;
	detailTable.tBodies[0].replaceChildren();
	setText(detailNote, "");
	writeAddress();
	hurry();
}

// Tables that the broker sorts: what, and under which key of view.
const sorted = [
	{ what: "topics", key: "sort", columns: topicColumns },
	{ what: "groups", key: "gsort", columns: groupColumns },
];

// Texts from A on, numbers from the greatest on.
const firstSort = (column) => (/text/.test(column.cls) ? "" : "-") + column.sort;

function sortBy(table, column) {
	const now = view[table.key];
	if (now.replace("-", "") !== column.sort)
		view[table.key] = firstSort(column);
	else
		view[table.key] = now.startsWith("-") ? column.sort : "-" + column.sort;
	writeAddress();
	showSort(table);
	hurry();
}

function showSort(table) {
	const now = view[table.key];
	for (const c of table.columns) {
		if (!c.sort)
			continue;
		c.th.removeAttribute("aria-sort");
		if (now.replace("-", "") === c.sort)
			c.th.setAttribute("aria-sort", now.startsWith("-") ? "descending" : "ascending");
	}
	$(table.what + "-sort").value = now;
}

function startSorting(table) {
	const select = $(table.what + "-sort");
	makeHead($(table.what + "-table"), table.columns, (c) => sortBy(table, c));
	for (const c of table.columns)
		if (c.sort)
			select.append(el("option", { value: firstSort(c) }, c.title));
	select.addEventListener("change", (e) => {
		view[table.key] = e.target.value;
		writeAddress();
		showSort(table);
		hurry();
	});
	showSort(table);
}

function showTopics(s) {
	const t = s.topics;
	fill($("topics-table"), topicColumns, t.rows, (row) => row.name,
		(row) => (row.name === view.topic ? detail : null));
	showPartitions(s.topic);
	setText($("topics-count"), t.matched === t.total ? t.total.toLocaleString("en") : `${t.matched.toLocaleString("en")} of ${t.total.toLocaleString("en")}`);
	showEmpty("topics", t.rows.length === 0, t.total === 0
		? "There is no topic yet: ktopics create orders -p 3"
		: `No topic has \u201c${view.q}\u201d in its name.`);
	showMore("topics", t.matched, t.rows.length, "topics");
}

function showPartitions(topic) {
	if (!topic || topic.name !== view.topic) {
		if (topic === null)
			setText(detailNote, "This topic is gone.");
		return;
	}
	setText(detailTable.caption, "Partitions of " + topic.name);
	fill(detailTable, partitionColumns, topic.rows, (p) => p.partition);
	setText(detailNote, topic.rows.length < topic.partitions
		? `The first ${topic.rows.length} of ${topic.partitions} partitions.` : "");
}

function showEmpty(what, empty, text) {
	$(what + "-empty").hidden = !empty;
	$(what + "-table").hidden = empty;
	if (text)
		setText($(what + "-empty"), text);
}

function showMore(what, matched, shown, noun) {
	const more = $(what + "-more");
	more.hidden = matched <= shown || shown >= 500;
	if (!more.hidden)
		setText(more, `Show more of ${matched.toLocaleString("en")} ${noun}`);
}

// The rest

function showGroups(g) {
	fill($("groups-table"), groupColumns, g.rows, (row) => row.name);
	setText($("groups-count"), g.matched === g.total ? g.total.toLocaleString("en") : `${g.matched.toLocaleString("en")} of ${g.total.toLocaleString("en")}`);
	showEmpty("groups", g.rows.length === 0, g.total === 0
		? "There is no group yet: kconsume -G app orders"
		: `No group has \u201c${view.gq}\u201d in its name.`);
	showMore("groups", g.matched, g.rows.length, "groups");
}

function showConnections(c) {
	fill($("conns-table"), connColumns, c.rows, (row) => row.peer + "|" + row.opened_ms);
	setText($("conns-count"), c.matched === c.total ? String(c.total) : `${c.matched} of ${c.total}`);
	showEmpty("conns", c.rows.length === 0, c.total === 0 ? "No client is connected." : "No client matches.");
	showMore("conns", c.matched, c.rows.length, "connections");
}

function showNode(s) {
	const b = s.broker, c = s.cluster;
	const facts = [
		["Listeners", b.listeners.join(", ")],
		["Cluster", b.cluster],
		["Node", String(b.node)],
		["Data directory", b.data_dir],
		["Flush mode", b.flush_mode === "commit" ? "commit: acknowledged is on disk" : "os: the page cache, as Apache Kafka"],
		["Partitions", `${c.partitions.toLocaleString("en")}, ${c.leaders.toLocaleString("en")} led here`],
		["Memory", bytesText(b.resident_bytes)],
		["Open files", b.open_files === null ? "\u2013" : b.open_files.toLocaleString("en") + (b.max_files ? " of " + b.max_files.toLocaleString("en") : "")],
		["Started", new Date(b.started_ms).toLocaleString()],
	];
	const dl = $("node");
	facts.forEach(([term, text], i) => {
		if (!dl.children[i])
			dl.append(el("div", {}, el("dt", {}, term), el("dd")));
		setText(dl.children[i].lastChild, text);
	});
	showDisk(s.disk);
}

function showDisk(d) {
	if (!d.size_bytes)
		return;
	const used = d.size_bytes - d.free_bytes;
	const ours = Math.min(d.used_bytes, used);
	const low = d.free_bytes < d.size_bytes / 10;
	const part = (n, cls) => {
		const i = el("i", { class: cls });
		i.style.width = (100 * n) / d.size_bytes + "%";
		return i;
	};
	$("disk").replaceChildren(
		el("div", { class: low ? "bar low" : "bar", role: "img", "aria-label": `disk: ${bytesText(d.free_bytes)} of ${bytesText(d.size_bytes)} free` },
			part(ours, "ours"), part(used - ours, "other")),
		el("span", {}, el("i", { class: "key ours" }), `records ${bytesText(d.used_bytes)}`), " ",
		el("span", {}, el("i", { class: "key other" }), `other files ${bytesText(used - ours)}`), " ",
		el("span", {}, el("i", { class: "key" }), `free ${bytesText(d.free_bytes)} of ${bytesText(d.size_bytes)}`));
}

function showTrouble(s) {
	const said = [];
	const one = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
	if (s.cluster.offline > 0)
		said.push(`${one(s.cluster.offline, "partition")} without a leader`);
	if (s.cluster.under_replicated > 0)
		said.push(`${one(s.cluster.under_replicated, "partition")} under-replicated`);
	if (s.disk.size_bytes && s.disk.free_bytes < s.disk.size_bytes / 10)
		said.push(`only ${bytesText(s.disk.free_bytes)} left on the disk`);
	$("trouble").hidden = said.length === 0;
	setText($("trouble"), said.join("; "));
}

function showState(state) {
	const text = { serving: "live", stopping: "stopping" }[state] || state;
	$("state").className = "pill " + ({ serving: "live", stopping: "stopping" }[state] || "lost");
	setText($("state").firstChild, text);
}

function show(s) {
	nowMs = s.broker.now_ms;
	takeHistory(s.history);
	showState(s.broker.state);
	setText($("version"), s.broker.version);
	setText($("uptime"), `node ${s.broker.node}, up ${span(s.broker.uptime_ms)}`);
	document.title = `kbrokerd \u00b7 ${s.broker.listeners[0]}`;
	cards.forEach(drawCard);
	showTrouble(s);
	showTopics(s);
	showGroups(s.groups);
	showConnections(s.connections);
	fill($("apis-table"), apiColumns, s.apis, (a) => a.name);
	showEmpty("apis", s.apis.length === 0);
	fill($("errors-table"), errorColumns, s.errors, (e) => e.api + e.error);
	showEmpty("errors", s.errors.length === 0);
	showNode(s);
	document.body.dataset.ready = "true";
}

// Asking: one question at a time, a second between two

let timer = 0;
let asking = false;
let again = false;
let seenMs = 0;
let lost = 0;

function address() {
	const p = new URLSearchParams({ since: next, sort: view.sort, limit: view.limit, gsort: view.gsort, glimit: view.glimit, climit: view.climit });
	for (const key of ["q", "topic", "gq", "cq"])
		if (view[key])
			p.set(key, view[key]);
	return "/status?" + p;
}

async function ask() {
	const response = await fetch(address(), { signal: AbortSignal.timeout(10000), cache: "no-store" });
	if (!response.ok)
		throw new Error((await response.text()).trim());
	const s = await response.json();
	if (lost > 0 || (seenMs && s.history.next < next)) {
		lost = 0;
		// It may be another run of the broker: its past is asked for whole.
		if (next !== 0 && s.history.first !== next) {
			next = 0;
			return ask();
		}
	}
	seenMs = Date.now();
	$("gone").hidden = true;
	document.body.classList.remove("stale");
	show(s);
	return 1000;
}

function notReached(error) {
	lost++;
	showState("not reached");
	document.body.classList.add("stale");
	const why = error.message && !/fetch|network|abort|time/i.test(error.message) ? ` (${error.message})` : "";
	const when = seenMs ? `, last seen ${new Date(seenMs).toLocaleTimeString()}` : "";
	$("gone").hidden = false;
	setText($("gone"), `The broker does not answer${why}${when}. Trying again.`);
	return Math.min(3000, 500 + lost * 250);
}

async function tick() {
	clearTimeout(timer);
	if (asking) {
		again = true;
		return;
	}
	asking = true;
	again = false;
	let pause;
	try {
		pause = await ask();
	} catch (error) {
		pause = notReached(error);
	}
	asking = false;
	if (again)
		tick();
	else if (!document.hidden)
		timer = setTimeout(tick, pause);
}
const hurry = tick;

// Start

function onType(input, key) {
	let wait = 0;
	input.value = view[key];
	input.addEventListener("input", () => {
		clearTimeout(wait);
		wait = setTimeout(() => {
			view[key] = input.value.trim();
			writeAddress();
			hurry();
		}, 150);
	});
}

function start() {
	readAddress();
	cards.forEach(makeCard);
	makeHead($("conns-table"), connColumns);
	makeHead($("apis-table"), apiColumns);
	makeHead($("errors-table"), errorColumns);
	makeHead(detailTable, partitionColumns);
	sorted.forEach(startSorting);
	$("topics-table").classList.add("stack");
	$("groups-table").classList.add("stack");
	$("conns-table").classList.add("stack");
	detail.append(el("td", { colspan: topicColumns.length }, el("div", { class: "sheet" }, detailTable), detailNote));
	onType($("topics-filter"), "q");
	onType($("groups-filter"), "gq");
	onType($("conns-filter"), "cq");
	$("topics-more").addEventListener("click", () => { view.limit = Math.min(500, view.limit * 4); hurry(); });
	$("groups-more").addEventListener("click", () => { view.glimit = Math.min(500, view.glimit * 4); hurry(); });
	$("conns-more").addEventListener("click", () => { view.climit = Math.min(500, view.climit * 4); hurry(); });
	document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
	document.addEventListener("keydown", (e) => {
		if (e.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(e.target.tagName)) {
			e.preventDefault();
			$("topics-filter").focus();
		}
	});
	tick();
}
start();
