/** The objects of /api/v1 as the console uses them. Times are ISO 8601, UTC. */

export type Language = 'zh-Hans' | 'zh-Hant' | 'en'
export type Role = 'agent' | 'leader' | 'administrator'
export type Availability = 'online' | 'away'
export type Controller = 'bot' | 'queue' | 'agent'
export type ConversationStatus = 'open' | 'pending' | 'solved'
export type Severity = 'general' | 'important' | 'urgent' | 'critical'
export type TicketState = 'new' | 'open' | 'pending' | 'solved' | 'closed'
export type TicketKind =
  | 'consultation'
  | 'fault'
  | 'complaint'
  | 'suggestion'
  | 'service'
  | 'order'
  | 'bug'
export type MessageKind = 'customer' | 'bot' | 'agent' | 'note' | 'activity'
export type MessageState = 'pending' | 'sent' | 'delivered' | 'read' | 'failed'
export type View = 'mine' | 'unassigned' | 'bot' | 'all' | 'solved'
export type Right =
  | 'see_team'
  | 'see_all'
  | 'work'
  | 'assign_others'
  | 'take_over'
  | 'edit_canned'
  | 'configure'
  | 'operate'

export const VIEWS: readonly View[] = ['mine', 'unassigned', 'bot', 'all', 'solved']
export const SEVERITIES: readonly Severity[] = ['general', 'important', 'urgent', 'critical']
export const TICKET_KINDS: readonly TicketKind[] = [
  'consultation',
  'fault',
  'complaint',
  'suggestion',
  'service',
  'order',
  'bug',
]
export const TICKET_STATES: readonly TicketState[] = ['new', 'open', 'pending', 'solved', 'closed']
export const ROLES: readonly Role[] = ['agent', 'leader', 'administrator']
export const LANGUAGES: readonly Language[] = ['zh-Hans', 'zh-Hant', 'en']

export interface Named {
  id: string
  name: string
}

export type Team = Named

export interface Agent extends Named {
  email: string
  role: Role
  active: boolean
  language: Language
  availability: Availability
  must_change_password: boolean
  team_ids: string[]
  created_at: string
  present: boolean
}

export interface Me {
  agent: Agent
  csrf: string
  rights: Right[]
  must_change_password: boolean
  teams: Team[]
}

export type Setting = string | number | boolean | string[] | null

export interface Inbox extends Named {
  kind: string
  language: Language
  team_id: string | null
  bot: boolean
  enabled: boolean
  settings: Record<string, Setting>
  secrets_set: string[]
  created_at: string
}

export interface ChannelSetting {
  name: string
  type: string
  label: Record<Language, string>
  secret: boolean
  default: Setting
}

export interface ChannelKind {
  kind: string
  capabilities: Record<string, boolean | number>
  settings: ChannelSetting[]
}

export interface TicketBrief {
  id: string
  number: number
  severity: Severity
  state: TicketState
  kind: TicketKind
}

export interface ConversationRow {
  id: string
  inbox: Named & { kind: string }
  contact: Named
  controller: Controller
  status: ConversationStatus
  agent: Named | null
  team: Named | null
  ticket: TicketBrief | null
  language: string
  subject: string
  preview: string
  unread: number
  waiting_since: string | null
  last_message_at: string
  last_seq: number
  version: number
  created_at: string
}

export interface ContactConversation {
  id: string
  preview: string
  status: ConversationStatus
  controller: Controller
  last_message_at: string
  ticket_number: number | null
}

export interface Ticket {
  id: string
  number: number
  conversation_id: string
  contact: Named
  team: Named | null
  agent: Named | null
  kind: TicketKind
  severity: Severity
  state: TicketState
  subject: string
  summary: string
  reason: string
  created_at: string
  updated_at: string
  solved_at: string | null
  closed_at: string | null
}

export interface Contact extends Named {
  email: string
  phone: string
  company: string
  language: string
  attributes: Record<string, string>
  verified: boolean
  created_at: string
  handles: { inbox_id: string; inbox_name: string; value: string }[]
  conversations: ContactConversation[]
  tickets: Ticket[]
}

export interface Conversation extends Omit<ConversationRow, 'contact'> {
  handle: string
  thread: string
  contact: Contact
}

export interface Attachment {
  index: number
  name: string
  mime: string
  size: number
  width: number | null
  height: number | null
  url: string
  thumbnail_url: string | null
}

export interface TrailEntry {
  hop: string
  outcome: string
  reason: string
  ms: number
  at: string
}

export interface MessageDetails {
  intent?: string | null
  confidence?: number | null
  reason?: string | null
  catalogue_version?: string | null
  activity?: string
  values?: Record<string, string | number | null>
}

export interface Message {
  id: string
  conversation_id: string
  seq: number
  kind: MessageKind
  state: MessageState
  author: { id: string | null; name: string } | null
  text: string
  payload: string | null
  choices: { title: string; payload: string }[]
  attachments: Attachment[]
  article: { slug: string; title: string } | null
  failure: string | null
  created_at: string
  sent_at: string | null
  details: MessageDetails
  trail: TrailEntry[]
}

export interface Canned {
  id: string
  shortcut: string
  title: string
  text: string
  language: string
  team_id: string | null
  updated_at: string
}

export interface Upload {
  upload_id: string
  name: string
  mime: string
  size: number
  thumbnail_url: string | null
}

export interface SearchHit {
  conversation: ConversationRow
  message_id: string
  snippet: string
}

export interface AuditEntry {
  id: string
  at: string
  actor: { id: string | null; name: string } | null
  action: string
  object_type: string
  object_id: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

export interface DeadLetter {
  id: string
  key: string
  reason: string
  attempts: number
  died_at: string
  preview: string
}

export interface OperationsStatus {
  bus: { depth: number; oldest_age_ms: number | null; in_flight: number; dead: number }
  outbox: { depth: number }
  catalogue_version: string
  version: string
  roles: string[]
  sockets: number
}

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

export interface Items<T> {
  items: T[]
}

export interface MessagePage extends Items<Message> {
  has_more: boolean
}

export type Counts = Record<View, number>

export type Frame =
  | { type: 'hello'; server_time: string; agent_id: string }
  | { type: 'message'; conversation_id: string; message: Message; conversation: ConversationRow }
  | {
      type: 'message_state'
      conversation_id: string
      ids: string[]
      state: MessageState
      failure: string | null
    }
  | { type: 'conversation'; conversation: ConversationRow }
  | { type: 'ticket'; ticket: Ticket; opened: boolean }
  | {
      type: 'typing'
      conversation_id: string
      who: 'customer' | 'agent'
      agent_id?: string
      name: string
    }
  | { type: 'presence'; conversation_id: string; viewers: Named[] }
  | { type: 'agent_presence'; agent_id: string; present: boolean; availability: Availability }
  | { type: 'overflow' }
  | { type: 'pong' }
