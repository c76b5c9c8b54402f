import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "@/app/App.vue";
import { router } from "@/app/router";
import { i18n, startLanguage } from "@/i18n";
import "@/styles/tokens.css";
import "@/styles/base.css";

void startLanguage().then(() => {
  createApp(App).use(createPinia()).use(i18n).use(router).mount("#app");
});
