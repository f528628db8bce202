// Keeps the page as it is now. Without this script a page shows what was when it was loaded.
//
// The server says that something changed, and some figures grow without that: the page is fetched
// anew then, and the differences are put into the document, so that focus, selection, scroll
// positions and opened details stay.
"use strict";
(() => {
  // An answer that takes longer is none; the server gives up at about the same time.
  const PATIENCE_MS = 15000;
  const pulse = document.getElementById("pulse");
  const source = document.body.dataset.events;
  let stream, log, followed, due, trouble = "", fetching = false, again = false;

  // Says whether the page is as things are now, and where it is not, of when it is.
  const say = () => {
    if (!pulse) return;
    const isLive = !trouble && stream?.readyState === EventSource.OPEN;
    const asOf = document.querySelector("footer time")?.dateTime.slice(11, 19);
    const text = isLive ? "Live" : (trouble || "Reconnecting …") + ", as of " + asOf + " UTC";
    document.body.classList.toggle("stale", !isLive);
    if (pulse.textContent === text) return;
    pulse.className = isLive ? "pulse on" : "pulse off";
    pulse.textContent = text;
  };

  // What a node is known by, wherever it stands among the others.
  const key = (node) => node.id || (node.nodeName === "SECTION" && node.getAttribute("aria-label")) || "";

  // Makes `now` like `next`, touching only what differs.
  const morph = (now, next) => {
    if (now.isEqualNode(next)) return;
    if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName || now.id !== next.id) {
      now.replaceWith(next);
      return;
    }
    if (now.nodeType !== Node.ELEMENT_NODE) {
      // A selection that begins or ends here would be lost.
      const { anchorNode, focusNode, isCollapsed } = getSelection();
      if (isCollapsed || (anchorNode !== now && focusNode !== now)) now.nodeValue = next.nodeValue;
      return;
    }
    // What another stream writes is its own; it ends when that says so, and is opened anew when the page does.
    if ("after" in now.dataset && "after" in next.dataset) {
      if (next.dataset.stream) now.dataset.stream = next.dataset.stream;
      return;
    }
    // What a person is typing is not ours to change.
    if (now.nodeName === "FORM" && now.contains(document.activeElement)) return;
    for (const { name } of [...now.attributes])
      if (!next.hasAttribute(name) && !(now.nodeName === "DETAILS" && name === "open")) now.removeAttribute(name);
    for (const { name, value } of [...next.attributes])
      if (now.getAttribute(name) !== value) now.setAttribute(name, value);
    morphChildren(now, next);
  };

  // Children that are known stay the same ones, also where others come or go before them.
  const morphChildren = (now, next) => {
    const wanted = new Set([...next.children].map(key));
    const known = new Map([...now.children].map((child) => [key(child), child]));
    known.delete("");
    let at = now.firstChild;
    const pass = () => {
      const passed = at;
      if (known.get(key(at)) === at) known.delete(key(at));
      at = at.nextSibling;
      return passed;
    };
    for (const child of [...next.childNodes]) {
      const same = known.get(key(child));
      while (same && at !== same) pass().remove();
      if (same || (at && !key(child) && !(key(at) && wanted.has(key(at))))) morph(pass(), child);
      else now.insertBefore(child, at);
    }
    while (at) pass().remove();
  };

  const refresh = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    clearTimeout(due);
    const began = performance.now();
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", signal });
      if (answer.ok) {
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of ["main", "footer"]) {
          const [now, other] = [document.querySelector(part), next.querySelector(part)];
          if (now && other) morph(now, other);
        }
        document.title = next.title;
        document.body.dataset.redraw = next.body.dataset.redraw ?? "";
        trouble = "";
        if (stream) follow();
      } else {
        trouble = { 401: "Signed out: use a new link", 404: "No longer there" }[answer.status] ?? "Cannot be shown now";
      }
    } catch { trouble = "Connection lost"; }
    fetching = false;
    if (document.hidden) return;
    say();
    if (again) { again = false; refresh(); return; }
    // Times go on where nothing is told. A page that takes long to make is made less often.
    const rest = document.body.dataset.redraw * 1000;
    if (rest) due = setTimeout(refresh, Math.max(rest, 20 * (performance.now() - began)));
  };

  // Another task's log has another list, and what was read of the one before is of no use to it.
  const follow = () => {
    const list = document.querySelector("[data-stream]");
    if (log && list === followed && log.readyState !== EventSource.CLOSED) return;
    log?.close();
    log = undefined;
    followed = list;
    if (!list) return;
    const lines = list.firstElementChild;
    log = new EventSource(list.dataset.stream + "&after=" + encodeURIComponent(list.dataset.after));
    log.onmessage = ({ data, lastEventId }) => {
      const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 24;
      const add = (text, kind) => {
        const item = document.createElement("li");
        if (kind) item.className = kind;
        item.textContent = text;
        lines.append(item);
      };
      for (const line of JSON.parse(data)) {
        if (line.file !== list.dataset.file) add(list.dataset.file = line.file, "from");
        add(line.text);
      }
      list.dataset.after = lastEventId;
      while (lines.childElementCount > 1000) lines.firstElementChild.remove();
      if (atEnd) list.scrollTop = list.scrollHeight;
    };
    // Nobody holds the run any more. The page says so when somebody does again.
    log.addEventListener("complete", ({ target }) => {
      target.close();
      list.removeAttribute("data-stream");
    });
  };

  const open = () => {
    if (!source || stream) return;
    stream = new EventSource(source);
    // What happened before the stream was open is told by nobody else.
    stream.onopen = () => { say(); refresh(); };
    stream.onerror = () => {
      say();
      // A refused stream does not try again by itself; the page tells whether a person must sign in.
      if (stream?.readyState !== EventSource.CLOSED) return;
      close();
      refresh();
      setTimeout(() => { if (!document.hidden) open(); }, 5000);
    };
    stream.addEventListener("changed", refresh);
    follow();
  };
  const close = () => {
    stream?.close(); log?.close();
    clearTimeout(due);
    stream = log = followed = undefined;
  };

  // A hidden tab holds no connection: browsers allow six to one host.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else { open(); refresh(); }
  });
  const list = document.querySelector("[data-stream]");
  if (list) list.scrollTop = list.scrollHeight;
  if (!document.hidden) open();
})();
