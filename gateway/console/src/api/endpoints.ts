/** One function per endpoint that the console uses. */
import { request, sendFile } from './http'
import type {
  Agent,
  AgentChange,
  Article,
  ArticleChange,
  ArticleDiffLine,
  ArticleDraft,
  ArticleHead,
  ArticleHit,
  ArticleImport,
  ArticleLanguage,
  ArticleMiss,
  ArticlePage,
  ArticleText,
  Assignment,
  AuditEntry,
  Availability,
  Canned,
  ChannelKind,
  Contact,
  ContactChange,
  Conversation,
  ConversationRow,
  Counts,
  DeadLetter,
  Inbox,
  InboxChange,
  Items,
  Language,
  LanguageModel,
  LetterChoice,
  Me,
  Message,
  ModelExchange,
  NewAgent,
  NewArticle,
  NewCanned,
  NewInbox,
  OperationsStatus,
  Page,
  Party,
  SearchHit,
  Severity,
  Team,
  TeamChange,
  Ticket,
  TicketChange,
  TicketState,
  TrailEntry,
  Upload,
  View,
} from './types'

const get = <T>(path: string, query = {}, signal?: AbortSignal) =>
  request<T>('GET', path, { query, signal })
const post = <T>(path: string, body: unknown = {}, idempotencyKey?: string) =>
  request<T>('POST', path, { body, idempotencyKey })
const patch = <T>(path: string, body: unknown) => request<T>('PATCH', path, { body })

export interface ListQuery {
  view: View
  inbox_id?: string | null
  team_id?: string | null
  severity?: Severity | null
  limit?: number
  cursor?: string | null
}

export interface ArticleQuery {
  q?: string
  category?: string | null
  audience?: string | null
  state?: string | null
  archived?: string
  due?: string
  cursor?: string | null
}

const article = (id: string) => `/articles/${encodeURIComponent(id)}`
const version = (id: string, key: string) =>
  `${article(id)}/versions/${encodeURIComponent(key)}`

const conversation = (id: string) => `/conversations/${encodeURIComponent(id)}`

export const api = {
  signIn: (email: string, password: string) => post<Me>('/sign-in', { email, password }),
  signOut: () => post<void>('/sign-out'),
  me: () => get<Me>('/me'),
  changeMe: (change: { name?: string; language?: Language; availability?: Availability }) =>
    patch<Me>('/me', change),
  changePassword: (current: string, next: string) =>
    post<void>('/me/password', { current, new: next }),

  conversations: (query: ListQuery, signal?: AbortSignal) =>
    get<Page<ConversationRow>>('/conversations', query, signal),
  counts: () => get<Counts>('/conversations/counts'),
  search: (q: string, signal?: AbortSignal) =>
    get<Items<SearchHit>>('/conversations/search', { q, limit: 30 }, signal),
  conversation: (id: string, signal?: AbortSignal) =>
    get<Conversation>(conversation(id), {}, signal),
  messages: (
    id: string,
    query: { after?: number; before?: number; limit?: number },
    signal?: AbortSignal,
  ) => get<Items<Message> & { has_more: boolean }>(`${conversation(id)}/messages`, query, signal),
  claim: (id: string, force = false) =>
    post<Conversation>(`${conversation(id)}/claim`, force ? { force } : {}),
  release: (id: string) => post<Conversation>(`${conversation(id)}/release`),
  handBack: (id: string) => post<Conversation>(`${conversation(id)}/hand-back`),
  assign: (id: string, to: Assignment) =>
    post<Conversation>(`${conversation(id)}/assign`, to),
  reply: (
    id: string,
    body: { text: string; attachments?: string[]; expected_seq?: number; letter?: LetterChoice },
    key: string,
  ) => post<Message>(`${conversation(id)}/messages`, body, key),
  note: (id: string, text: string, key: string) =>
    post<Message>(`${conversation(id)}/notes`, { text }, key),
  markRead: (id: string) => post<void>(`${conversation(id)}/read`),
  solve: (id: string) => post<Conversation>(`${conversation(id)}/solve`),
  reopen: (id: string) => post<Conversation>(`${conversation(id)}/reopen`),

  resend: (messageId: string, to: Party[] = []) =>
    post<Message>(`/messages/${encodeURIComponent(messageId)}/resend`, { to }),
  trail: (messageId: string) =>
    get<Items<TrailEntry>>(`/messages/${encodeURIComponent(messageId)}/trail`),
  upload: (file: File, onProgress: (part: number) => void, signal: AbortSignal) =>
    sendFile<Upload>('/uploads', file, onProgress, signal),

  tickets: (query: { state?: TicketState | null; limit?: number; cursor?: string | null }) =>
    get<Page<Ticket>>('/tickets', query),
  ticket: (id: string) => get<Ticket>(`/tickets/${encodeURIComponent(id)}`),
  changeTicket: (id: string, change: TicketChange) =>
    patch<Ticket>(`/tickets/${encodeURIComponent(id)}`, change),

  contact: (id: string) => get<Contact>(`/contacts/${encodeURIComponent(id)}`),
  changeContact: (id: string, change: ContactChange) =>
    patch<Contact>(`/contacts/${encodeURIComponent(id)}`, change),

  canned: () => get<Items<Canned>>('/canned-responses'),
  addCanned: (canned: NewCanned) => post<Canned>('/canned-responses', canned),
  replaceCanned: (id: string, canned: NewCanned) =>
    request<Canned>('PUT', `/canned-responses/${encodeURIComponent(id)}`, { body: canned }),
  removeCanned: (id: string) =>
    request<void>('DELETE', `/canned-responses/${encodeURIComponent(id)}`),

  articles: (query: ArticleQuery, signal?: AbortSignal) =>
    get<ArticlePage>('/articles', { ...query, limit: 50 }, signal),
  article: (id: string) => get<Article>(article(id)),
  addArticle: (added: NewArticle, key: string) => post<Article>('/articles', added, key),
  changeArticle: (id: string, change: ArticleChange) => patch<Article>(article(id), change),
  saveDraft: (id: string, draft: ArticleDraft) =>
    request<ArticleText>('PUT', `${article(id)}/draft`, { body: draft }),
  moveVersion: (
    id: string,
    key: string,
    step: 'submit' | 'publish' | 'withdraw' | 'restore',
  ) => post<ArticleText>(`${version(id, key)}/${step}`),
  sendBack: (id: string, key: string, reason: string) =>
    post<ArticleText>(`${version(id, key)}/send-back`, { reason }),
  archiveArticle: (id: string, archived: boolean) =>
    post<Article>(`${article(id)}/${archived ? 'archive' : 'unarchive'}`),
  articleVersions: (id: string) => get<Items<ArticleHead>>(`${article(id)}/versions`),
  articleVersion: (id: string, key: string) => get<ArticleText>(version(id, key)),
  compareVersions: (id: string, key: string, against: string) =>
    get<Items<ArticleDiffLine>>(`${version(id, key)}/diff`, { against }),
  searchArticles: (q: string, language: Language, signal?: AbortSignal) =>
    get<Items<ArticleHit>>('/article-search', { q, language }, signal),
  articleMisses: () => get<Items<ArticleMiss>>('/article-misses', { limit: 100 }),
  previewArticle: (body: string) => post<{ html: string }>('/article-preview', { body }),
  importArticles: (
    file: File,
    options: { language: ArticleLanguage; publish: boolean },
    onProgress: (part: number) => void,
    signal: AbortSignal,
  ) =>
    sendFile<ArticleImport>('/article-imports', file, onProgress, signal, {
      language: options.language,
      publish: String(options.publish),
    }),
  articleImport: (id: string) =>
    get<ArticleImport>(`/article-imports/${encodeURIComponent(id)}`),

  agents: () => get<Items<Agent>>('/agents'),
  addAgent: (agent: NewAgent) =>
    post<{ agent: Agent; one_time_password: string }>('/agents', agent),
  changeAgent: (id: string, change: AgentChange) =>
    patch<Agent>(`/agents/${encodeURIComponent(id)}`, change),
  resetPassword: (id: string) =>
    post<{ one_time_password: string }>(`/agents/${encodeURIComponent(id)}/reset-password`),
  teams: () => get<Items<Team>>('/teams'),
  addTeam: (name: string) => post<Team>('/teams', { name }),
  changeTeam: (id: string, change: TeamChange) =>
    patch<Team>(`/teams/${encodeURIComponent(id)}`, change),
  channelKinds: () => get<Items<ChannelKind>>('/channel-kinds'),
  inboxes: () => get<Items<Inbox>>('/inboxes'),
  addInbox: (inbox: NewInbox) => post<Inbox>('/inboxes', inbox),
  changeInbox: (id: string, change: InboxChange) =>
    patch<Inbox>(`/inboxes/${encodeURIComponent(id)}`, change),
  languageModel: () => get<LanguageModel>('/language-model'),
  modelExchanges: (cursor: string | null) =>
    get<Page<ModelExchange>>('/language-model/exchanges', { limit: 30, cursor }),
  tryModel: () => post<ModelExchange>('/language-model/trial'),
  fileMessage: (messageId: string, note: string) =>
    post<void>('/review/file', { message_id: messageId, note }),
  audit: (cursor: string | null) => get<Page<AuditEntry> & { tickets: Record<string, number> }>('/audit', { limit: 50, cursor }),

  deadLetters: () => get<Items<DeadLetter>>('/operations/dead-letters'),
  requeue: (id: string) =>
    post<void>(`/operations/dead-letters/${encodeURIComponent(id)}/requeue`),
  failedMessages: () => get<Items<Message>>('/operations/failed-messages'),
  status: () => get<OperationsStatus>('/operations/status'),
}
