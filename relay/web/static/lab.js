// Decodes the attestations in the form while somebody types: nothing is sent, and nothing is verified here.
"use strict";

const area = document.querySelector('textarea[name="document"]');
const decoded = document.getElementById("decoded");
const tokens = /(?:data:application\/jwt,)?([A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})/g;
const most = 4;

function read(part) {
  const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

function add(name, text) {
  decoded.appendChild(document.createElement(name)).textContent = text;
}

function show() {
  const found = [...new Set([...area.value.slice(0, 65536).matchAll(tokens)].map((match) => match[1]))].slice(0, most);
  decoded.replaceChildren();
  found.forEach((token, place) => {
    const parts = token.split(".");
    try {
      const text = JSON.stringify({ header: read(parts[0]), claims: read(parts[1]) }, null, 2);
      add("h2", `Token ${place + 1}, decoded in your browser, not verified`);
      add("pre", text);
      decoded.lastChild.tabIndex = 0;
    } catch {
      return; // no token after all
    }
  });
  decoded.hidden = !decoded.hasChildNodes();
}

if (area && decoded) {
  area.addEventListener("input", show);
  show();
}
