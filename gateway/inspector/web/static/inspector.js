// Everything dynamic: times in the reader's zone, the live tail, figures that stay current, and copying.
// Everything else works without this script. Nothing here ever turns text into markup.
"use strict";

const zone = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const clock = new Intl.DateTimeFormat(undefined, zone);
const calendar = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", ...zone });
const short = new Intl.DateTimeFormat(undefined, { ...zone, day: "numeric", month: "short", second: undefined });
const figures = new Intl.NumberFormat("en-US");

/** Show the times below an element in the reader's zone; UTC is shown on hover. */
function localize(root) {
  const today = new Date().toDateString();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const form = element.closest(".chart") ? short : moment.toDateString() === today ? clock : calendar;
    element.textContent = form.format(moment);
  }
}

function offerCopies(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      const text = button.parentElement.querySelector("code").textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select it, and copy by hand";
      }
    });
  }
}

// Parts of a page that stay current: each gives its interval in seconds in data-live.

// The answer to a form has its own address, which differs from the page's.
const address = document.body.dataset.address ?? location.pathname + location.search;
const parts = [...document.querySelectorAll("[data-live]")];

/** Return this page as it is now. A document that is parsed like this runs no script. */
function fetchPage() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.setRequestHeader("Accept", "text/html");
    request.responseType = "document";
    request.timeout = 10_000;
    request.onload = () => (request.status === 200 && request.response ? resolve(request.response) : reject());
    request.onerror = request.ontimeout = reject;
    request.send();
  });
}

function isInUse(part) {
  const selection = getSelection();
  return part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
}

function renew(part, page) {
  const fresh = page.getElementById(part.id);
  if (!fresh) return location.replace(address); // it became another page, for example with the first event
  if (fresh.outerHTML === part.dataset.was || isInUse(part)) return;
  part.dataset.was = fresh.outerHTML;
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  localize(part);
}

function keepNew() {
  const seconds = Math.min(...parts.map((part) => Number(part.dataset.live)));
  let failures = 0;
  const again = async () => {
    if (!document.hidden) {
      try {
        const page = await fetchPage();
        for (const part of parts) renew(part, page);
        failures = 0;
        delete document.body.dataset.stale;
      } catch {
        failures += 1;
        if (failures > 1) document.body.dataset.stale = "The inspector does not answer. What you see is not new.";
      }
    }
    setTimeout(again, seconds * 1000 * Math.min(1 + failures, 10));
  };
  setTimeout(again, seconds * 1000);
}

// The live tail.

const MOST_ROWS = 200;
const MOST_FRESH = 25; // per draw
const DRAW_MS = 200;
const REST = 4; // pause for this many times as long as a draw took, so that the page stays responsive

class Tail {
  constructor(bar) {
    this.rows = document.querySelector("[data-tail-rows]");
    this.template = document.getElementById("row");
    this.state = bar.querySelector("[data-tail-state]");
    this.rate = bar.querySelector("[data-tail-rate]");
    this.more = bar.querySelector("[data-tail-more]");
    this.button = bar.querySelector("[data-tail-pause]");
    this.waiting = [];
    this.seen = []; // [time, events] of the last seconds
    this.undrawn = 0;
    this.last = this.rows.dataset.from;
    this.known = new Set([...this.rows.querySelectorAll("a.name")].map((link) => link.pathname));
    this.button.hidden = false;
    this.button.addEventListener("click", () => (this.wanted ? this.pause() : this.resume()));
    // A browser has six connections to a host: hidden tabs must leave them to visible ones.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    this.resume();
    this.keepDrawing();
  }

  say(kind, text) {
    this.state.className = `mark ${kind}`;
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  resume() {
    this.wanted = true;
    this.button.textContent = "Pause";
    this.open();
  }

  open() {
    if (!this.wanted || this.source || document.hidden) return;
    const query = new URLSearchParams(location.search);
    if (this.last) query.set("from", this.last);
    this.source = new EventSource(`/events/stream?${query}`);
    this.say("wait", "Connecting");
    this.source.onopen = () => this.say("good", "Live");
    this.source.onmessage = (message) => this.take(message);
    this.source.addEventListener("problem", (message) => {
      this.pause();
      this.say("bad", JSON.parse(message.data));
    });
    this.source.onerror = () => {
      this.say("wait", "Connecting again");
      // A browser that got an error as the answer does not retry by itself.
      if (this.source?.readyState === EventSource.CLOSED) {
        this.source = undefined;
        setTimeout(() => this.open(), 2000);
      }
    };
  }

  close() {
    this.source?.close();
    this.source = undefined;
  }

  pause() {
    this.close();
    this.wanted = false;
    this.button.textContent = "Go on";
    this.rate.textContent = "";
    this.say("none", "Paused");
  }

  take(message) {
    const burst = JSON.parse(message.data);
    this.last = message.lastEventId;
    this.say("good", "Live");
    this.seen.push([performance.now(), burst.rows.length + burst.more]);
    this.undrawn += burst.more;
    this.waiting.push(...burst.rows.filter((row) => !this.known.has(`/events/${row.position}`)));
    if (this.waiting.length > MOST_FRESH) {
      this.undrawn += this.waiting.length - MOST_FRESH;
      this.waiting.splice(0, this.waiting.length - MOST_FRESH);
    }
  }

  keepDrawing() {
    const begun = performance.now();
    this.draw();
    // What comes after a frame comes after the layout of the new rows, which takes longer than creating them.
    requestAnimationFrame(() =>
      setTimeout(() => {
        const took = performance.now() - begun;
        setTimeout(() => this.keepDrawing(), Math.max(DRAW_MS, REST * took));
      }),
    );
  }

  draw() {
    const now = performance.now();
    while (this.seen.length && this.seen[0][0] < now - 2000) this.seen.shift();
    if (this.source) {
      const events = this.seen.reduce((sum, [, count]) => sum + count, 0);
      this.rate.textContent = `${figures.format(Math.round(events / 2))} events/s`;
    }
    this.more.textContent = this.undrawn ? `${figures.format(this.undrawn)} came too fast to be drawn` : "";
    // Rows do not move under the pointer or the keyboard of someone who is about to open one.
    if (document.hidden || !this.waiting.length || this.rows.matches(":hover, :focus-within")) return;
    const fresh = this.waiting.splice(0).reverse();
    this.rows.prepend(...fresh.map((row) => this.make(row)));
    while (this.rows.childElementCount > MOST_ROWS) this.rows.lastElementChild.remove();
    document.querySelector("[data-tail-empty]")?.remove();
  }

  make(row) {
    const item = this.template.content.cloneNode(true).firstElementChild;
    const fill = (selector, text) => (item.querySelector(selector).textContent = text);
    const time = item.querySelector("time");
    const moment = new Date(row.received_at);
    time.dateTime = row.received_at;
    time.title = `${row.received_at.replace("T", " ").replace("Z", "")} UTC`;
    time.textContent = clock.format(moment);
    fill(".type", row.type);
    fill(".name", row.event || row.message_id);
    fill(".who", row.user_id || row.anonymous_id || "–");
    fill(".source", row.source);
    const verdict = row.verdict || "accepted";
    fill(".mark", verdict);
    if (verdict !== "accepted") item.querySelector(".mark").className = "mark wait";
    if (!row.event) item.querySelector(".name").classList.add("none");
    item.querySelector(".name").href = `/events/${row.position}`;
    return item;
  }
}

/** Reload the page of a fresh gateway as soon as there is an event; a hidden tab keeps no connection. */
function awaitFirst() {
  let source;
  const look = () => {
    source?.close();
    if (document.hidden) return;
    source = new EventSource("/events/stream");
    source.onmessage = (message) => JSON.parse(message.data).rows.length && location.reload();
  };
  document.addEventListener("visibilitychange", look);
  look();
}

localize(document);
offerCopies(document);
for (const form of document.forms) {
  form.addEventListener("submit", () => document.documentElement.classList.add("busy"));
}
addEventListener("pageshow", () => document.documentElement.classList.remove("busy"));
if (parts.length) keepNew();
// On a fresh gateway the page becomes the overview as soon as there is an event.
if (document.querySelector("[data-first]")) awaitFirst();
const bar = document.querySelector("[data-tail]:not([hidden])");
if (bar) new Tail(bar);
