/// <reference types="vitest/config" />
import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin } from 'vite'

const BASE = '/console/'
const backend = process.env['YINGDA_ORIGIN'] ?? 'http://127.0.0.1:8080'

/** Sets the theme before the first paint: a script that waits and is not part of the bundle. */
const themeFirst: Plugin = {
  name: 'theme-first',
  transformIndexHtml: {
    order: 'post',
    handler: () => [{ tag: 'script', attrs: { src: `${BASE}theme.js` }, injectTo: 'head-prepend' }],
  },
}

export default defineConfig({
  base: BASE,
  plugins: [vue(), themeFirst],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  define: { __VUE_OPTIONS_API__: true, __INTLIFY_PROD_DEVTOOLS__: false },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        // What changes seldom is kept apart, so that an update of ours leaves it in the cache.
        manualChunks: (id: string) =>
          /node_modules\/(@vue|vue|vue-router|pinia|vue-i18n|@intlify)\//.test(id)
            ? 'framework'
            : undefined,
      },
    },
  },
  server: {
    proxy: {
      '/api': { target: backend, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
