/** Who is signed in, and with which rights. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { api } from '@/api/endpoints'
import { Problem, setCsrf } from '@/api/http'
import type { Availability, Language, Me, Right } from '@/api/types'
import { isLanguage, useLanguage } from '@/i18n'
import { clearDrafts } from '@/logic/drafts'

export const useSession = defineStore('session', () => {
  const me = ref<Me | null>(null)
  const id = computed(() => me.value?.agent.id ?? '')
  const isSignedIn = computed(() => me.value !== null)
  const mustChangePassword = computed(() => me.value?.must_change_password ?? false)

  function can(right: Right): boolean {
    return me.value?.rights.includes(right) ?? false
  }

  function take(answer: Me): void {
    me.value = answer
    setCsrf(answer.csrf)
  }

  /** Reads who is signed in; false when nobody is. */
  async function load(): Promise<boolean> {
    try {
      take(await api.me())
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return false
      throw error
    }
    const wish = me.value?.agent.language
    if (isLanguage(wish)) await useLanguage(wish)
    return true
  }

  async function signIn(email: string, password: string): Promise<void> {
    take(await api.signIn(email, password))
  }

  /** Signs out; what was begun to be written is not left to whoever comes next. */
  async function signOut(): Promise<void> {
    const agentId = id.value
    await api.signOut()
    clearDrafts(agentId)
    forget()
  }

  function forget(): void {
    me.value = null
    setCsrf('')
  }

  function requirePasswordChange(): void {
    if (me.value) me.value = { ...me.value, must_change_password: true }
  }

  /** Changes the password and, where one is given, the name that customers see. */
  async function changePassword(current: string, next: string, name = ''): Promise<void> {
    await api.changePassword(current, next)
    try {
      if (name && name !== me.value?.agent.name) await api.changeMe({ name })
    } finally {
      // Whatever became of the name, the old password is no longer.
      take(await api.me())
    }
  }

  async function change(wish: {
    name?: string
    language?: Language
    availability?: Availability
  }): Promise<void> {
    take(await api.changeMe(wish))
  }

  /** Shows the console in a language at once, and remembers it for the next sign-in. */
  async function speak(next: Language): Promise<void> {
    await useLanguage(next)
    if (me.value && !mustChangePassword.value) await change({ language: next })
  }

  return {
    me,
    id,
    isSignedIn,
    mustChangePassword,
    can,
    load,
    signIn,
    signOut,
    forget,
    requirePasswordChange,
    changePassword,
    change,
    speak,
  }
})
