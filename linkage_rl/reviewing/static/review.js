// Keys of the review page: each presses the button that carries it. Without this file the page
// works by its forms alone.
"use strict";
(() => {
  let waiting = false;

  const isTyping = (target) =>
    target instanceof Element && target.closest("input, select, textarea, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && isTyping(event.target)) {
      event.target.blur();
      return;
    }
    if (isTyping(event.target)) return;
    if (event.key === "s") {
      const field = document.querySelector("[data-search]");
      if (!field) return;
      event.preventDefault();
      field.focus();
      field.select();
      return;
    }
    // a focused button is pressed by the space key itself
    if (event.key === " " && event.target instanceof Element && event.target.closest("button, a, summary")) return;
    // keys of a full-width input method come as full-width letters
    const key = event.key.normalize("NFKC").toLowerCase();
    const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!button) return;
    event.preventDefault();
    // a key that is held down, or pressed before the next client is shown, answers nothing
    if (event.repeat || waiting) return;
    button.click();
  });

  // the second of two quick clicks would answer the same question again, or already the next one
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button || button.form?.method !== "post") return;
    if (waiting || event.detail > 1) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, true);

  document.addEventListener("submit", (event) => {
    if (event.target instanceof HTMLFormElement && event.target.method === "post") waiting = true;
  });
  document.addEventListener("htmx:afterSettle", () => { waiting = false; });
  document.addEventListener("htmx:sendError", () => { waiting = false; });
  document.addEventListener("htmx:timeout", () => { waiting = false; });
  window.addEventListener("pageshow", () => { waiting = false; });
})();
