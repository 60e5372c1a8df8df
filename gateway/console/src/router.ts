import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { VIEWS, type Right } from './api/types'
import { useSession } from './stores/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Who may come here; without it everyone who is signed in. */
    right?: Right
    open?: boolean
    /** The section of the bot's area that a page belongs to. */
    section?: string
  }
}

const views = VIEWS.join('|')
const shell = () => import('./components/AppShell.vue')
const inboxPage = () => import('./pages/InboxPage.vue')

/** A section of the bot's area. */
function section(path: string, component: () => Promise<unknown>): RouteRecordRaw {
  const name = `bot-${path}`
  return { path, name, component, meta: { section: name } }
}

const routes: RouteRecordRaw[] = [
  {
    path: '/sign-in',
    name: 'sign-in',
    component: () => import('./pages/SignInPage.vue'),
    meta: { open: true },
  },
  {
    path: '/',
    component: shell,
    children: [
      { path: '', redirect: '/inbox/mine' },
      {
        path: `inbox/:view(${views})/:id?`,
        name: 'inbox',
        component: inboxPage,
        props: true,
      },
      { path: 'tickets', name: 'tickets', component: () => import('./pages/TicketsPage.vue') },
      { path: 'held', name: 'held', component: () => import('./pages/HeldPage.vue') },
      { path: 'canned', name: 'canned', component: () => import('./pages/CannedPage.vue') },
      {
        path: 'knowledge',
        name: 'knowledge',
        component: () => import('./pages/KnowledgePage.vue'),
        meta: { right: 'draft_articles' },
      },
      {
        path: 'knowledge/:id',
        name: 'article',
        component: () => import('./pages/ArticlePage.vue'),
        props: true,
        meta: { right: 'draft_articles' },
        },
        {
        path: 'bot',
        component: () => import('./pages/bot/BotPage.vue'),
        meta: { right: 'edit_catalogue' },
        children: [
          { path: '', redirect: '/bot/intents' },
          section('intents', () => import('./pages/bot/IntentsSection.vue')),
          {
            path: 'intents/:name(.+)',
            name: 'bot-intent',
            component: () => import('./pages/bot/IntentSection.vue'),
            props: true,
            meta: { section: 'bot-intents' },
          },
          {
            path: 'dialogue/:kind?/:name(.+)?',
            name: 'bot-dialogue',
            component: () => import('./pages/bot/DialogueSection.vue'),
            meta: { section: 'bot-dialogue' },
          },
          section('evaluation', () => import('./pages/bot/EvaluationSection.vue')),
          section('publish', () => import('./pages/bot/PublishSection.vue')),
          section('review', () => import('./pages/bot/ReviewSection.vue')),
          section('use', () => import('./pages/bot/UseSection.vue')),
        ],
      },
      {
        path: 'operations',
        name: 'operations',
        component: () => import('./pages/OperationsPage.vue'),
        meta: { right: 'operate' },
      },
      {
        path: 'administration',
        component: () => import('./pages/AdministrationPage.vue'),
        meta: { right: 'configure' },
        children: [
          { path: '', redirect: '/administration/agents' },
          {
            path: 'agents',
            name: 'agents',
            component: () => import('./pages/AgentsSection.vue'),
          },
          { path: 'teams', name: 'teams', component: () => import('./pages/TeamsSection.vue') },
          {
            path: 'inboxes',
            name: 'inboxes',
            component: () => import('./pages/InboxesSection.vue'),
          },
          {
            path: 'language-model',
            name: 'model',
            component: () => import('./pages/ModelSection.vue'),
          },
          { path: 'audit', name: 'audit', component: () => import('./pages/AuditSection.vue') },
        ],
      },
      { path: ':rest(.*)*', redirect: '/inbox/mine' },
    ],
  },
]

export const router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes,
})

let asked = false

router.beforeEach(async (to) => {
  const session = useSession()
  if (!session.isSignedIn && !asked) {
    asked = true
    // Most are signed in and go to a list: its code comes while the server is asked who they are.
    void Promise.all([shell(), inboxPage()]).catch(() => undefined)
    // Without the server the sign-in page says so itself, so a failure here is not the end.
    await session.load().catch(() => false)
  }
  const isReady = session.isSignedIn && !session.mustChangePassword
  if (to.meta.open) return isReady ? '/inbox/mine' : true
  if (!isReady) return { name: 'sign-in', query: { next: to.fullPath } }
  const missing = to.matched.find((step) => step.meta.right && !session.can(step.meta.right))
  return missing ? '/inbox/mine' : true
})
