/* Shows the court's pushes, says that they were shown or tapped, and opens their page. Every push shows something: a
   silent one costs the subscription on Apple's phones. */
"use strict";

const FALLBACK = { title: "法院通知", text: "您有一条新消息，请打开查看。", link: "/" };

function read(event) {
  try {
    return { ...FALLBACK, ...event.data.json() };
  } catch {
    return FALLBACK;
  }
}

function tell(said, state) {
  if (!said.notice || !said.token) return Promise.resolve();
  return fetch("/api/v1/push/receipts", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ notice: said.notice, token: said.token, state }),
    keepalive: true,
  }).catch(() => undefined);
}

/** Only pages of our own. */
function ownPage(link) {
  const address = new URL(link, self.location.origin);
  return address.origin === self.location.origin ? address.href : self.location.origin;
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const said = read(event);
  const shown = self.registration.showNotification(said.title, {
    body: said.text,
    tag: said.notice || said.link,
    data: said,
    icon: "/mark.svg",
  });
  event.waitUntil(shown.then(() => tell(said, "displayed")));
});

self.addEventListener("notificationclick", (event) => {
  const said = event.notification.data || FALLBACK;
  event.notification.close();
  event.waitUntil(
    Promise.all([
      tell(said, "opened"),
      self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((pages) => {
        const page = ownPage(said.link);
        // A page that holds a hearing is not led away: another one is opened.
        const free = pages.find((one) => !/\/hearings\/[^/]+\/room/.test(one.url));
        return free ? free.focus().then((one) => one.navigate(page)) : self.clients.openWindow(page);
      }),
    ]),
  );
});
