/** The console's three languages; each is fetched when it is first wanted. */
import type { Language as ElementLanguage } from 'element-plus/es/locale/index.mjs'
import { shallowRef } from 'vue'
import { createI18n } from 'vue-i18n'
import { LANGUAGES, type Language } from '@/api/types'
import { readStored, store } from '@/logic/storage'
import type { Messages } from './en'

const STORED = 'yingda.language'

interface Texts {
  messages: Messages
  element: ElementLanguage
}

const LOADERS: Record<Language, () => Promise<Texts>> = {
  en: () => import('./en'),
  'zh-Hans': () => import('./zh-Hans'),
  'zh-Hant': () => import('./zh-Hant'),
}

/** Each language in its own words. */
export const LANGUAGE_NAMES: Record<Language, string> = {
  'zh-Hans': '简体中文',
  'zh-Hant': '繁體中文',
  en: 'English',
}

export const i18n = createI18n({
  legacy: false,
  locale: 'zh-Hans' as Language,
  fallbackLocale: 'en',
  missingWarn: false,
  fallbackWarn: false,
  messages: {} as Record<Language, Messages>,
})

export const { t } = i18n.global
export const language = i18n.global.locale
export const elementTexts = shallowRef<ElementLanguage>()

export function isLanguage(value: unknown): value is Language {
  return LANGUAGES.includes(value as Language)
}

/** What this browser was last set to, else what it asks for. */
export function firstLanguage(): Language {
  const stored = readStored(STORED)
  if (isLanguage(stored)) return stored
  for (const wish of navigator.languages) {
    if (/^zh-(hant|tw|hk|mo)/i.test(wish)) return 'zh-Hant'
    if (/^zh/i.test(wish)) return 'zh-Hans'
    if (/^en/i.test(wish)) return 'en'
  }
  return 'en'
}

export async function useLanguage(next: Language): Promise<void> {
  const texts = await LOADERS[next]()
  i18n.global.setLocaleMessage(next, texts.messages)
  language.value = next
  elementTexts.value = texts.element
  document.documentElement.lang = next
  store(STORED, next)
}
