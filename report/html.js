"use strict";
(() => {
	const $ = (id) => document.getElementById(id);
	const plural = (n, one) => n + " " + one + (n === 1 ? "" : "s");
	const all = (selector, in_ = document) => Array.from(in_.querySelectorAll(selector));
	for (const e of all(".script")) e.hidden = false;

	// The theme follows the system until somebody chooses one. A page from disk may not be
	// allowed to remember it.
	const remember = {
		get() { try { return localStorage.getItem("litesoc-theme"); } catch { return null; } },
		set(v) { try { localStorage.setItem("litesoc-theme", v); } catch { /* not remembered */ } },
	};
	const themes = ["auto", "light", "dark"];
	const show = (theme) => {
		if (theme === "auto") delete document.documentElement.dataset.theme;
		else document.documentElement.dataset.theme = theme;
		$("theme").textContent = "Theme: " + theme;
	};
	let theme = themes.includes(remember.get()) ? remember.get() : "auto";
	show(theme);
	$("theme").addEventListener("click", () => {
		theme = themes[(themes.indexOf(theme) + 1) % themes.length];
		remember.set(theme);
		show(theme);
	});

	// A link to an incident opens it; one to what is filtered away shows all again.
	const reveal = () => {
		const target = location.hash.length > 1 && $(decodeURIComponent(location.hash.slice(1)));
		if (!target) return;
		if (target.hidden) reset();
		target.hidden = false;
		if (target.tagName === "DETAILS") target.open = true;
		target.scrollIntoView();
	};

	// Incidents and alerts are filtered together. Of many alerts the first are shown: a
	// browser takes seconds to lay out a table of ten thousand rows.
	const page = 200;
	let most = page;
	const textOf = (e) => Array.from(e.cells ?? [e], (part) => part.textContent).join(" ").toLowerCase() + " " + e.id;
	const stories = all("details.incident").map((e) => ({ e, text: textOf(e) }));
	let rows = all("#alert-table tbody tr").map((e) => ({ e, text: textOf(e) }));
	const boxes = all("#filter input[name=severity]");
	const filter = () => {
		const words = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
		const severities = new Set(boxes.filter((b) => b.checked).map((b) => b.value));
		const status = $("status").value;
		const hits = (items, limit) => {
			let n = 0;
			for (const { e, text } of items) {
				const hit = severities.has(e.dataset.severity) && (!status || e.dataset.status === status) && words.every((w) => text.includes(w));
				if (hit) n++;
				e.hidden = !hit || n > limit;
			}
			return n;
		};
		const told = hits(stories, Infinity), alerts = hits(rows, most);
		$("shown").textContent = `${plural(told, "incident")} and ${plural(alerts, "alert")} match`;
		if ($("more")) {
			$("more").hidden = alerts <= most;
			$("more").textContent = `Show more: ${most} of ${alerts} are shown`;
		}
	};
	const reset = () => {
		$("q").value = "";
		$("status").value = "";
		for (const b of boxes) b.checked = true;
		filter();
	};
	if ($("more")) $("more").addEventListener("click", () => { most += 1000; filter(); });
	let waiting = 0;
	$("q").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { most = page; filter(); }, 80); });
	$("filter").addEventListener("change", filter);
	$("filter").addEventListener("submit", (event) => event.preventDefault());
	filter();
	for (const { e } of rows) e.classList.remove("later");

	const incidents = all("details.incident");
	const expand = (open) => {
		for (const d of incidents) d.open = open;
		$("expand").textContent = open ? "Collapse all" : "Expand all";
	};
	$("expand").addEventListener("click", () => expand($("expand").textContent === "Expand all"));
	let before = [];
	addEventListener("beforeprint", () => { before = incidents.filter((d) => d.open); for (const d of all("details")) d.open = true; });
	addEventListener("afterprint", () => { for (const d of incidents) d.open = before.includes(d); });

	// Which rows come first is another question after sorting.
	const resort = () => {
		const text = new Map(rows.map((r) => [r.e, r]));
		rows = all("#alert-table tbody tr").map((e) => text.get(e));
		filter();
	};

	// A click on a heading sorts by it, the next one the other way round.
	for (const table of all("table.sortable")) {
		all("thead th", table).forEach((th, column) => {
			const button = document.createElement("button");
			button.type = "button";
			button.textContent = th.textContent;
			th.replaceChildren(button);
			button.addEventListener("click", () => {
				const number = th.dataset.key !== undefined;
				const down = th.getAttribute("aria-sort") ? th.getAttribute("aria-sort") === "ascending" : number;
				for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
				th.setAttribute("aria-sort", down ? "descending" : "ascending");
				const body = table.tBodies[0];
				const rows = Array.from(body.rows).map((row) => {
					const cell = row.cells[column];
					const value = cell.dataset.value ?? cell.textContent;
					return { row, value: number ? Number(value) : value };
				});
				rows.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) * (down ? -1 : 1));
				body.append(...rows.map((r) => r.row));
				if (table.id === "alert-table") resort();
			});
		});
	}

	// "/" goes to the filter, "j" and "k" to the next and the previous incident.
	addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey) return;
		if (event.key === "Escape" && document.activeElement === $("q")) { reset(); return; }
		if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
		if (event.key === "/") { $("q").focus(); event.preventDefault(); return; }
		const step = { j: 1, k: -1 }[event.key];
		if (!step) return;
		const shown = incidents.filter((d) => !d.hidden);
		const at = shown.findIndex((d) => d.contains(document.activeElement));
		const next = shown[at < 0 ? (step > 0 ? 0 : shown.length - 1) : Math.min(Math.max(at + step, 0), shown.length - 1)];
		if (next) next.querySelector("summary").focus();
	});

	addEventListener("hashchange", reveal);
	reveal();
})();
