import type { RouteRecordRaw } from "vue-router";
import type { Role } from "@/model/types";

declare module "vue-router" {
  interface RouteMeta {
    /** Open to everyone. Other pages need a signed-in person. */
    isPublic?: boolean;
    /** Only these roles; others are sent home. */
    roles?: readonly Role[];
    /** Key of the page's title. */
    title?: string;
    /** Only where the court is a demonstration. */
    demoOnly?: boolean;
  }
}

const STAFF = ["judge", "clerk", "president"] as const;
const CLERK = ["clerk"] as const;

/** Every page, loaded when first opened. */
export const routes: RouteRecordRaw[] = [
  { path: "/", name: "home", component: () => import("@/features/home/HomePage.vue"), meta: { isPublic: true } },
  {
    path: "/sign-in",
    name: "sign-in",
    component: () => import("@/features/sign_in/SignInPage.vue"),
    meta: { isPublic: true, title: "sign_in.title" },
  },
  {
    path: "/j/:token",
    name: "join",
    component: () => import("@/features/join/JoinPage.vue"),
    props: true,
    meta: { isPublic: true, title: "join.title" },
  },
  {
    path: "/cases",
    name: "my-cases",
    component: () => import("@/features/home/MyCasesPage.vue"),
    meta: { roles: ["party"], title: "home.myCases" },
  },
  {
    path: "/cases/:id/space",
    name: "case-space",
    component: () => import("@/features/case_space/CaseSpacePage.vue"),
    props: true,
    meta: { title: "case_space.title" },
  },
  { path: "/search", name: "search", component: () => import("@/features/search/SearchPage.vue"), meta: { title: "search.title" } },
  {
    path: "/cases/:id/search",
    name: "case-search",
    component: () => import("@/features/search/SearchPage.vue"),
    props: true,
    meta: { title: "search.inCase" },
  },
  {
    path: "/cases/:id/exhibits",
    name: "exhibits",
    component: () => import("@/features/exhibits/ExhibitsPage.vue"),
    props: true,
    meta: { title: "exhibits.title" },
  },
  {
    path: "/cases/:id/exhibits/new",
    name: "exhibit-new",
    component: () => import("@/features/exhibits/ExhibitEditPage.vue"),
    props: (route) => ({ id: route.params["id"], isNew: true }),
    meta: { title: "exhibits.edit.title" },
  },
  {
    path: "/exhibits/:id",
    name: "exhibit",
    component: () => import("@/features/exhibits/ExhibitPage.vue"),
    props: true,
    meta: { title: "exhibits.one" },
  },
  {
    path: "/exhibits/:id/edit",
    name: "exhibit-edit",
    component: () => import("@/features/exhibits/ExhibitEditPage.vue"),
    props: true,
    meta: { title: "exhibits.edit.title" },
  },
  {
    path: "/cases/:id/progress",
    name: "case-progress",
    component: () => import("@/features/progress/ProgressPage.vue"),
    props: true,
    meta: { title: "progress.title" },
  },
  {
    path: "/me/notices",
    name: "notices",
    component: () => import("@/features/progress/NoticesPage.vue"),
    meta: { title: "progress.notices.title" },
  },
  {
    path: "/obligations/:id/proof",
    name: "obligation-proof",
    component: () => import("@/features/reminders/ProofPage.vue"),
    props: true,
    meta: { title: "reminders.proof.title" },
  },
  {
    path: "/cases/:id/acts",
    name: "case-acts",
    component: () => import("@/features/proofs/CaseActsPage.vue"),
    props: true,
    meta: { title: "proofs.acts" },
  },
  {
    path: "/cases/:id/publicity",
    name: "case-publicity",
    component: () => import("@/features/publicity/PublicityPage.vue"),
    props: true,
    meta: { title: "publicity.title" },
  },
  {
    path: "/acts/:id",
    name: "act-proof",
    component: () => import("@/features/proofs/ActProofPage.vue"),
    props: true,
    meta: { title: "proofs.title" },
  },
  {
    path: "/hearings/:id/lobby",
    name: "lobby",
    component: () => import("@/features/lobby/LobbyPage.vue"),
    props: true,
    meta: { title: "lobby.title" },
  },
  {
    path: "/hearings/:id/room",
    name: "room",
    component: () => import("@/features/hearing/HearingPage.vue"),
    props: true,
    meta: { title: "hearing.title" },
  },
  {
    path: "/recordings/:id",
    name: "replay",
    component: () => import("@/features/recordings/ReplayPage.vue"),
    props: true,
    meta: { title: "recordings.one" },
  },
  {
    path: "/hearings/:id/broadcast",
    name: "broadcast-notice",
    component: () => import("@/features/publicity/NoticePage.vue"),
    props: ({ params }) => ({ id: params["id"], kind: "broadcast" }),
    meta: { title: "broadcasts.notice" },
  },
  {
    path: "/publications/:id",
    name: "publication-notice",
    component: () => import("@/features/publicity/NoticePage.vue"),
    props: ({ params }) => ({ id: params["id"], kind: "publication" }),
    meta: { title: "publications.notice" },
  },
  {
    path: "/desk",
    component: () => import("@/features/desk/DeskFrame.vue"),
    meta: { roles: STAFF },
    children: [
      { path: "", name: "desk", redirect: { name: "desk-cases" } },
      {
        path: "cases",
        name: "desk-cases",
        component: () => import("@/features/desk/CasesPage.vue"),
        meta: { title: "desk.cases" },
      },
      {
        path: "reminders",
        name: "desk-reminders",
        component: () => import("@/features/reminders/UnfinishedPage.vue"),
        meta: { title: "reminders.unfinished.title" },
      },
      {
        path: "cases/new",
        name: "desk-filing",
        component: () => import("@/features/desk/FilingPage.vue"),
        meta: { roles: CLERK, title: "filing.title" },
      },
      {
        path: "cases/import",
        name: "desk-import",
        component: () => import("@/features/desk/ImportPage.vue"),
        meta: { roles: CLERK, title: "imports.title" },
      },
      {
        path: "cases/:id",
        name: "desk-case",
        component: () => import("@/features/desk/CasePage.vue"),
        props: true,
        meta: { title: "desk.case" },
      },
      {
        path: "cases/:id/exhibits",
        name: "desk-exhibits",
        component: () => import("@/features/exhibits/ExhibitBoardPage.vue"),
        props: true,
        meta: { title: "exhibits.desk.title" },
      },
      {
        path: "day",
        name: "desk-day",
        component: () => import("@/features/desk/DayPage.vue"),
        meta: { title: "desk.day" },
      },
      { path: "search", name: "desk-search", component: () => import("@/features/search/DeskSearchPage.vue"), meta: { title: "search.title" } },
      {
        path: "contacts",
        name: "desk-contacts",
        component: () => import("@/features/contact_requests/ContactsPage.vue"),
        meta: { roles: CLERK, title: "contact_requests.queue" },
      },
      {
        path: "hearings/:id",
        name: "desk-hearing",
        component: () => import("@/features/desk/ReadinessPage.vue"),
        props: true,
        meta: { title: "desk.readiness" },
      },
      {
        path: "recordings",
        name: "recordings",
        component: () => import("@/features/recordings/RecordingsPage.vue"),
        meta: { title: "recordings.title" },
      },
      {
        path: "recordings/:id",
        name: "recording",
        component: () => import("@/features/recordings/RecordingPage.vue"),
        props: true,
        meta: { title: "recordings.one" },
      },
      {
        path: "publications",
        name: "publications",
        component: () => import("@/features/recordings/PublicationsPage.vue"),
        meta: { title: "publications.title" },
      },
      {
        path: "publications/:id",
        name: "publication",
        component: () => import("@/features/publications/PublicationPage.vue"),
        props: true,
        meta: { title: "publications.one" },
      },
    ],
  },
  {
    path: "/public",
    name: "public-recordings",
    component: () => import("@/features/public_recordings/PublicListPage.vue"),
    meta: { isPublic: true, title: "public_recordings.title" },
  },
  {
    path: "/public/live/:id",
    name: "public-live",
    component: () => import("@/features/public_recordings/PublicFilmPage.vue"),
    props: ({ params }) => ({ id: params["id"], live: true }),
    meta: { isPublic: true, title: "broadcasts.liveOne" },
  },
  {
    path: "/public/:id",
    name: "public-recording",
    component: () => import("@/features/public_recordings/PublicFilmPage.vue"),
    props: true,
    meta: { isPublic: true, title: "public_recordings.one" },
  },
  {
    path: "/demo",
    name: "demo",
    component: () => import("@/features/demo/DemoPage.vue"),
    meta: { isPublic: true, demoOnly: true, title: "demo.title" },
  },
  {
    path: "/demo/outbox",
    name: "outbox",
    component: () => import("@/features/demo/OutboxPage.vue"),
    meta: { isPublic: true, demoOnly: true, title: "demo.outbox" },
  },
  {
    path: "/:rest(.*)*",
    name: "not-found",
    component: () => import("@/app/NotFoundPage.vue"),
    meta: { isPublic: true, title: "common.notFoundTitle" },
  },
];
