import { nextTick } from "vue";
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteLocationRaw } from "vue-router";
import { i18n } from "@/i18n";
import type { Me, Role } from "@/model/types";
import { useSession } from "@/stores/session";
import { routes } from "./routes";

/** Where each role's day begins. */
export function homeOf(role: Role): RouteLocationRaw {
  switch (role) {
    case "party":
      return { name: "my-cases" };
    case "judge":
      return { name: "desk-day" };
    case "president":
      return { name: "publications" };
    case "clerk":
      return { name: "desk-cases" };
  }
}

/** Only addresses of our own pages may be returned to after sign-in. */
export function safeReturn(target: unknown): string | null {
  return typeof target === "string" && /^\/(?![/\\])/u.test(target) ? target : null;
}

/** Whether a person may open a page: true, or where to go instead. */
export function gate(to: Pick<RouteLocationNormalized, "meta" | "fullPath">, me: Me | null, isDemo: boolean): true | RouteLocationRaw {
  if (to.meta.demoOnly && !isDemo) return { name: "home" };
  if (to.meta.isPublic) return true;
  if (me === null) return { name: "sign-in", query: { next: to.fullPath } };
  if (to.meta.roles && !to.meta.roles.includes(me.role)) return homeOf(me.role);
  return true;
}

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
  const session = useSession();
  await session.start();
  // Without an answer from the server the shell shows the offline state in place of the page.
  if (!session.isReady) return true;
  return gate(to, session.me, session.isDemo);
});

export function titleOf(to: Pick<RouteLocationNormalized, "meta">): string {
  const { t, te } = i18n.global;
  const product = t("common.product");
  return to.meta.title && te(to.meta.title) ? `${t(to.meta.title)} · ${product}` : product;
}

router.afterEach((to, from) => {
  document.title = titleOf(to);
  // A reader of the screen starts each new page at its content; the first page keeps the browser's own start.
  if (from.matched.length > 0 && to.path !== from.path) void nextTick(() => document.getElementById("content")?.focus({ preventScroll: true }));
});

/** A page that was open while the court's server was renewed asks for files that are gone: load it anew, once in 10 s. */
router.onError((error: unknown, to) => {
  const isStale = error instanceof Error && /dynamically imported module|Importing a module script|preload/iu.test(error.message);
  const last = Number(sessionStorage.getItem("hs_reloaded_at") ?? 0);
  if (!isStale || navigator.onLine === false || Date.now() - last < 10_000) return;
  sessionStorage.setItem("hs_reloaded_at", String(Date.now()));
  location.assign(to.fullPath);
});
