// Keeps the page as it is now. Without this script a page shows what was when it was loaded.
//
// The server says that something changed; the page is fetched anew and the differences are put
// into the document, so that focus, selection, scroll positions and opened details stay.
"use strict";
(() => {
  const pulse = document.getElementById("pulse");
  const source = document.body.dataset.events;
  let stream, log, followed, fetching = false, again = false;

  const say = (state, text) => {
    if (!pulse || pulse.textContent === text) return;
    pulse.className = "pulse " + state;
    pulse.textContent = text;
  };

  // Makes `now` like `next`, touching only what differs.
  const morph = (now, next) => {
    if (now.isEqualNode(next)) return;
    if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName || now.id !== next.id) {
      now.replaceWith(next);
      return;
    }
    if (now.nodeType !== Node.ELEMENT_NODE) {
      now.nodeValue = next.nodeValue;
      return;
    }
    // What a person is typing, and what another stream writes, is not ours to change.
    if (now.hasAttribute("data-stream") || (now.nodeName === "FORM" && now.contains(document.activeElement))) return;
    for (const { name } of [...now.attributes])
      if (!next.hasAttribute(name) && !(now.nodeName === "DETAILS" && name === "open")) now.removeAttribute(name);
    for (const { name, value } of [...next.attributes])
      if (now.getAttribute(name) !== value) now.setAttribute(name, value);
    const before = [...now.childNodes], after = [...next.childNodes];
    after.forEach((child, index) => (before[index] ? morph(before[index], child) : now.append(child)));
    before.slice(after.length).forEach((child) => child.remove());
  };

  const refresh = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.ok) {
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        const main = next.querySelector("main");
        if (main) {
          morph(document.querySelector("main"), main);
          document.title = next.title;
          if (stream) follow();
        }
      } else if (answer.status === 401) {
        say("off", "Signed out: use a new link");
      }
    } catch { say("off", "Connection lost"); }
    fetching = false;
    if (again) { again = false; refresh(); }
  };

  // Another task's log has another list, and what was read of the one before is of no use to it.
  const follow = () => {
    const list = document.querySelector("[data-stream]");
    if (log && list === followed) return;
    log?.close();
    log = undefined;
    followed = list;
    if (!list) return;
    log = new EventSource(list.dataset.stream + "&after=" + encodeURIComponent(list.dataset.after));
    log.onmessage = ({ data, lastEventId }) => {
      const lines = list.firstElementChild;
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
    log.addEventListener("complete", () => { log.close(); });
  };

  const open = () => {
    if (!source || stream) return;
    stream = new EventSource(source);
    // What happened before the stream was open is told by nobody else.
    stream.onopen = () => { say("on", "Live"); refresh(); };
    stream.onerror = () => {
      say("off", "Reconnecting …");
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
