import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { firstLanguage, i18n, useLanguage } from './i18n'
import { passEscapeOn } from './logic/escape'
import { router } from './router'
import './styles/tokens.css'
import './styles/base.css'
import './element'
import './styles/element.css'

passEscapeOn()
await useLanguage(firstLanguage())
createApp(App).use(createPinia()).use(i18n).use(router).mount('#console')
