/* Search in pages that are opened from a folder: browsers allow no workers there, so an unseen frame does the worker's part. */
(function () {
  "use strict";
  if (location.protocol !== "file:") { return; }
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      this.ready = false;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.title = "search";
      document.documentElement.appendChild(this.frame);
      const inside = this.frame.contentWindow, page = this.frame.contentDocument;
      inside.postMessage = (data) => { this.dispatchEvent(new MessageEvent("message", { data: data })); };
      const script = page.createElement("script");
      script.onload = () => {
        this.ready = true;
        this.waiting.splice(0).forEach((data) => this.postMessage(data));
      };
      script.src = new URL(url, location.href).href;
      page.head.appendChild(script);
    }

    postMessage(data) {
      if (!this.ready) { this.waiting.push(data); return; }
      const inside = this.frame.contentWindow;
      inside.dispatchEvent(new inside.MessageEvent("message", { data: data }));
    }

    terminate() { this.frame.remove(); }
  };
})();
