/** The objects of /api/v1, by the names that the console uses; shapes come from `schema.ts`. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Language = 'zh-Hans' | 'zh-Hant' | 'en'
export type Role = Schemas['Role']
export type Availability = Schemas['Availability']
export type Controller = Schemas['Controller']
export type ConversationStatus = Schemas['ConversationStatus']
export type Severity = Schemas['Severity']
export type TicketState = Schemas['TicketState']
export type TicketKind = Schemas['TicketKind']
export type MessageKind = Schemas['MessageKind']
export type MessageState = Schemas['MessageState']
export type RecogniserKind = Schemas['RecogniserKind']
export type View = Schemas['ListView']
export type Right = Schemas['Right']

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
export const RECOGNISERS: readonly RecogniserKind[] = ['built_in', 'rasa', 'llm']
export const LANGUAGES: readonly Language[] = ['zh-Hans', 'zh-Hant', 'en']

export type Named = Schemas['Reference']
export type Team = Schemas['Team']
export type Hours = Schemas['Hours']
export type HoursRange = Schemas['HoursRange']
export type TeamChange = Schemas['TeamChange']
export type Agent = Schemas['Agent']
export type Me = Schemas['Me']
export type Setting = string | number | boolean | string[]
export type Inbox = Schemas['Inbox']
export type ReplyLimits = Schemas['ReplyLimits']
export type ChannelSetting = Schemas['SettingField']
export type ChannelKind = Schemas['ChannelKind']
export type SettingPreset = Schemas['SettingPreset']
export type InboxHealth = Schemas['ChannelHealth']
export type ChannelTrial = Schemas['SettingsTrial']
export type ChannelTrialResult = Schemas['SettingsTrialResult']
export type TrialStep = Schemas['SettingsTrialStep']
export type Party = Schemas['Party']
export type Letter = Schemas['Letter']
export type LetterDefaults = Schemas['LetterDraft']
/** What is sent of a letter beside its text. */
export interface LetterChoice {
  subject?: string
  to?: Party[]
  cc?: Party[]
  bcc?: Party[]
  html: string
}
export interface NewLetter {
  inbox_id: string
  text: string
  attachments: string[]
  letter: LetterChoice
}
export interface NewForward {
  to: Party[]
  cc: Party[]
  text: string
  with_files: boolean
  attachments: string[]
}
export type ConversationRow = Schemas['ConversationRow']
export type Conversation = Schemas['Conversation']
export type Contact = Schemas['Contact']
export type Ticket = Schemas['Ticket']
export type Attachment = Schemas['Attachment']
export type TrailEntry = Schemas['TrailHop']
export type Canned = Schemas['Canned']
export type Upload = Schemas['Upload']
export type SearchHit = Schemas['SearchItem']
export type AuditEntry = Schemas['AuditRow']
export type DeadLetter = Schemas['DeadLetter']
export type LanguageModel = Schemas['LanguageModel']
export type ModelExchange = Schemas['ModelExchange']
export type OperationsStatus = Schemas['Status']
export type Counts = Schemas['Counts']
export type HeldItem = Omit<Schemas['HeldItem'], 'message'> & { message: Message }
export type DiscardedMessage = Schemas['DiscardedMessage']
export type DayBalance = Schemas['DayBalance']
export type NewInbox = Schemas['InboxInput']
export type InboxChange = Schemas['InboxChange']
export type NewAgent = Schemas['AgentInput']
export type AgentChange = Schemas['AgentChange']
export type NewCanned = Schemas['CannedInput']
export type ContactChange = Schemas['ContactChange']
export type TicketChange = Schemas['TicketChange']
export type Assignment = Schemas['AssignInput']
export type ArticleRow = Schemas['ArticleRow']
export type Article = Schemas['ArticleFull']
export type ArticleHead = Schemas['ArticleHead']
export type ArticleText = Schemas['ArticleVersionText']
export type ArticleHit = Schemas['ArticleHit']
export type ArticleDiffLine = Schemas['ArticleDiffLine']
export type ArticleMiss = Schemas['ArticleMiss']
export type ArticleImport = Schemas['ArticleImport']
export type ArticleDraft = Schemas['DraftInput']
export type NewArticle = Schemas['ArticleInput']
export type ArticleChange = Schemas['ArticleChange']
export type ArticleAudience = Schemas['Audience']
export type ArticleState = Schemas['VersionState']
export type ArticleLanguage = ArticleHead['language']

/** What stands in a message's details beside its text. */
export interface MessageDetails {
  intent?: string | null
  confidence?: number | null
  reason?: string | null
  catalogue_version?: string | null
  activity?: string
  values?: Record<string, string | number | null>
}

export type Message = Omit<Schemas['Message'], 'details'> & { details: MessageDetails }

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

export interface ArticlePage extends Page<ArticleRow> {
  categories: string[]
}

export interface Items<T> {
  items: T[]
}

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
