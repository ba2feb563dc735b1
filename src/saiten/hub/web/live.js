"use strict";
// Pages follow what happens: told by a stream of events, a page fetches itself and takes over the parts that differ.
// Without scripts it is complete as it is. Moments are put into the reader's time zone; the chosen language is kept.
(() => {
  const here = document.currentScript;
  const base = here.dataset.base;
  const token = here.dataset.xsrf;
  const headers = { "X-XSRFToken": token };
  const raw = new Map(); // id of a part to its text as the server sent it
  let source = null;
  let wait = 2000; // milliseconds to the next try, after the stream broke
  let due = null; // timer of the next look
  let looking = false;
  let changed = false;

  const localise = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const when = new Date(time.dateTime);
      const form = new Intl.DateTimeFormat(document.documentElement.lang, {
        year: "numeric", month: "short", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short",
      });
      time.textContent = form.format(when);
    }
  };

  const parts = (root) => [...root.querySelectorAll("[data-live]"), ...root.querySelectorAll("main [role=status]")];

  const take = (page) => {
    for (const part of parts(page)) {
      const old = document.getElementById(part.id);
      if (!old || raw.get(part.id) === part.innerHTML) continue;
      raw.set(part.id, part.innerHTML);
      const open = [...old.querySelectorAll("details[open][id]")].map((each) => each.id);
      const focused = old.contains(document.activeElement) ? document.activeElement : null;
      const place = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.href ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]` : "");
      old.replaceChildren(...part.childNodes);
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (place) old.querySelector(place)?.focus({ preventScroll: true });
      localise(old);
    }
    // what can be chosen is in one language only: the reader's, which may have changed; what is chosen stays
    for (const option of page.querySelectorAll("select[name] option[value]")) {
      const select = `select[name="${CSS.escape(option.parentElement.name)}"]`;
      const shown = document.querySelector(`${select} option[value="${CSS.escape(option.value)}"]`);
      if (shown && shown.textContent !== option.textContent) shown.textContent = option.textContent;
    }
    const main = document.querySelector("main");
    const again = page.querySelector("main")?.dataset.again;
    if (again) main.dataset.again = again;
    else delete main.dataset.again;
  };

  const plan = () => {
    clearTimeout(due);
    const seconds = Number(document.querySelector("main").dataset.again || 0);
    if (seconds && !document.hidden) due = setTimeout(look, seconds * 1000);
  };

  const look = async () => {
    if (looking) {
      changed = true;
      return;
    }
    looking = true;
    changed = false;
    try {
      const answer = await fetch(location.href, { headers, redirect: "manual", cache: "no-store" });
      if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      else if (answer.status === 403 || answer.type === "opaqueredirect") return location.reload(); // the login has ended
    } catch {
      lost(true); // no network, or no service: the stream's own tries go on
    } finally {
      looking = false;
    }
    if (changed) return soon();
    plan();
  };

  const soon = () => {
    clearTimeout(due);
    due = setTimeout(look, 150 + 350 * Math.random());
  };

  const lost = (is) => {
    for (const each of document.querySelectorAll(".only-lost")) each.hidden = !is;
    for (const each of document.querySelectorAll(".only-live")) each.hidden = is;
  };

  const follow = () => {
    source?.close();
    if (document.hidden) return;
    source = new EventSource(`${base}events?_xsrf=${encodeURIComponent(token)}`);
    source.addEventListener("open", () => {
      wait = 2000;
      lost(false);
      soon();
    });
    source.addEventListener("change", soon);
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      lost(true);
      setTimeout(async () => {
        await look();
        follow();
      }, wait);
      wait = Math.min(2 * wait, 60000);
    });
  };

  for (const part of parts(document)) raw.set(part.id, part.innerHTML);
  localise(document);
  for (const input of document.querySelectorAll("input[name=language]")) {
    input.addEventListener("change", () => {
      document.cookie = `saiten-language=${input.value}; path=${base}; max-age=31536000; samesite=lax`;
      document.documentElement.lang = input.value;
      localise(document);
      look();
    });
  }
  document.addEventListener("visibilitychange", () => {
    clearTimeout(due);
    if (document.hidden) source?.close(); // browsers hold few connections to one host
    else follow();
  });
  addEventListener("pagehide", () => source?.close());
  follow();
  plan();
})();
