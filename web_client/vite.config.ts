import { fileURLToPath } from "node:url";
import { VantResolver } from "@vant/auto-import-resolver";
import vue from "@vitejs/plugin-vue";
import components from "unplugin-vue-components/vite";
import { defineConfig } from "vitest/config";
import { noOutsideAddresses } from "./outside_addresses";

// Where the development pages find a running court server.
const server = process.env["HEARING_DEV_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  plugins: [
    noOutsideAddresses(),
    vue(),
    // Vant parts are found by their tag; our own components are imported by name, so that a reader sees where they come from.
    components({ dirs: [], dts: "src/vant-components.d.ts", resolvers: [VantResolver()] }),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: "false",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    __VUE_I18N_LEGACY_API__: "false",
    __VUE_I18N_FULL_INSTALL__: "false",
    __INTLIFY_PROD_DEVTOOLS__: "false",
  },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    // Safari 15.4 and the WeChat browser of 2022 phones are the oldest that can hold a hearing.
    target: ["es2021", "chrome90", "safari15.4"],
    sourcemap: false,
    reportCompressedSize: true,
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: server },
      "/socket.io": { target: server, ws: true },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts"],
    server: { deps: { inline: ["vant"] } },
  },
});
