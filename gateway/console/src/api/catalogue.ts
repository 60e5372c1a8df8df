/** The bot's catalogue: its types by the names that the console uses, and one function per endpoint. */
import { address, request, sendFile } from './http'
import type { components } from './schema'
import type { Items, Language } from './types'

type Schemas = components['schemas']

export type Kind = Schemas['Kind']
export type Utterance = Schemas['UtteranceBody']
export type Span = Schemas['SpanBody']
export type IntentBody = Schemas['IntentBody']
export type ResponseBody = Schemas['ResponseBody']
export type Variant = Schemas['VariantBody']
export type RuleBody = Schemas['RuleBody']
export type FormBody = Schemas['FormBody']
export type SlotBody = Schemas['SlotBody']
export type DialogueBody = Schemas['DialogueBody']
export type EntityUse = Schemas['EntityUse']
export type TreeBody = Schemas['TreeBody']
export type TreeNode = Schemas['NodeBody']
export type TrainingLanguage = Utterance['language']

export type IntentRow = Schemas['IntentRow']
export type DocumentRow = Schemas['DocumentRow']
export type Finding = Schemas['CatalogueFinding']
export type CatalogueStatus = Schemas['CatalogueStatus']
export type GateMargins = Schemas['GateMargins']
export type Version = Schemas['CatalogueVersion']
export type Job = Schemas['CatalogueJob']
export type CheckReport = Schemas['CheckReport']
export type EvaluationFigures = Schemas['EvaluationFigures']
export type IntentFigures = Schemas['IntentFigures']
export type Failure = Schemas['Failure']
export type Refusal = Schemas['GateRefusal']
export type TestResult = Schemas['TestResult']
export type DocumentChange = Schemas['DocumentChange']
export type LikeSentence = Schemas['LikeSentence']
export type CollisionList = Schemas['CollisionList']
export type PasteResult = Schemas['PasteResult']
export type TrialInput = Schemas['TrialInput']
export type TrialResult = Schemas['TrialResult']
export type ReviewCluster = Schemas['ReviewCluster']
export type ReviewQueue = Schemas['ReviewQueue']
export type ReviewOutcome = Schemas['ReviewOutcome']
export type FaqSuggestion = Schemas['FaqSuggestion']
export type DraftedArticle = Schemas['DraftedArticle']
export type RegressionTest = Schemas['RegressionTest']
export type CatalogueFigures = Schemas['CatalogueFigures']

/** The kinds of documents that can be seen and written as Rasa's YAML. */
export const SOURCED: ReadonlySet<Kind> = new Set<Kind>(['response', 'rule', 'form', 'tree', 'slot', 'synonym', 'regex', 'lookup'])

/** A document of the draft with the body of its kind. */
export type Document<Body> = Omit<Schemas['CatalogueDocument'], 'body'> & { body: Body }

const get = <T>(path: string, query = {}, signal?: AbortSignal) =>
  request<T>('GET', path, { query, signal })
const post = <T>(path: string, body: unknown = {}, signal?: AbortSignal) =>
  request<T>('POST', path, { body, signal })

export const catalogue = {
  status: () => get<CatalogueStatus>('/catalogue'),
  intents: (q: string, signal?: AbortSignal) =>
    get<Items<IntentRow>>('/catalogue/intents', { q }, signal),
  allDocuments: () => get<Items<DocumentRow>>('/catalogue/documents'),
  documents: (kind: Kind, q = '') => get<Items<DocumentRow>>('/catalogue/documents', { kind, q }),
  read: <Body>(kind: Kind, name: string) =>
    get<Document<Body>>('/catalogue/document', { kind, name }),
  save: <Body>(kind: Kind, name: string, body: Body, revision: number | null) =>
    request<Document<Body>>('PUT', '/catalogue/document', { body: { kind, name, body, revision } }),
  remove: (kind: Kind, name: string, revision: number) =>
    request<void>('DELETE', '/catalogue/document', { query: { kind, name, revision } }),
  revert: <Body>(kind: Kind, name: string, revision: number | null) =>
    post<{ document: Document<Body> | null }>('/catalogue/document/revert', {
      kind,
      name,
      revision,
    }),
  reset: () => post<void>('/catalogue/reset'),
  rename: (name: string, newName: string, revision: number) =>
    post<Document<IntentBody>>('/catalogue/intents/rename', { name, new_name: newName, revision }),
  paste: (paste: Schemas['PasteInput']) => post<PasteResult>('/catalogue/paste', paste),
  examine: (kind: Kind, name: string, body: unknown) =>
    post<Items<Finding>>('/catalogue/examine', { kind, name, body }),
  writeSource: (kind: Kind, name: string, body: unknown) =>
    post<{ text: string }>('/catalogue/source/write', { kind, name, body }),
  readSource: (kind: Kind, name: string, text: string) =>
    post<{ body: unknown }>('/catalogue/source/read', { kind, name, text }),
  entities: () => get<Items<EntityUse>>('/catalogue/entities'),
  findings: () => get<Items<Finding>>('/catalogue/findings'),
  collisions: (text: string, intent: string | null, signal: AbortSignal) =>
    post<CollisionList>('/catalogue/collisions', { text, intent }, signal),
  tryOut: (trial: TrialInput) => post<TrialResult>('/catalogue/try', trial),

  check: (folds: number) => post<Job>('/catalogue/check', { folds }),
  publish: (reason: string, override: boolean) =>
    post<Job>('/catalogue/publish', { reason, override }),
  versions: () => get<Items<Version>>('/catalogue/versions'),
  restore: (number: number, reason: string, override: boolean) =>
    post<Job>(`/catalogue/versions/${number}/restore`, { reason, override }),
  changes: (before: string, after: string) =>
    get<Items<DocumentChange>>('/catalogue/changes', { before, after }),
  jobs: () => get<Items<Job>>('/catalogue/jobs'),
  job: (id: string) => get<Job>(`/catalogue/jobs/${encodeURIComponent(id)}`),
  cancel: (id: string) => post<Job>(`/catalogue/jobs/${encodeURIComponent(id)}/cancel`),
  setGate: (gate: GateMargins) => request<GateMargins>('PUT', '/catalogue/gate', { body: gate }),
  importFile: (file: File, onProgress: (part: number) => void, signal: AbortSignal) =>
    sendFile<Job>('/catalogue/import', file, onProgress, signal),
  importFolder: () => post<Job>('/catalogue/offer'),
  declineFolder: () => request<void>('DELETE', '/catalogue/offer'),
  exportAddress: (format: 'zip' | 'csv' | 'xlsx', version: string) =>
    address('/catalogue/export', { format, version }),

  review: (days: number) => get<ReviewQueue>('/review', { days, limit: 100 }),
  resolve: (wish: {
    sentences: { message_id: string; text?: string | null }[]
    outcome: ReviewOutcome
    intent?: string | null
    revision?: number | null
  }) => post<{ resolved: number }>('/review/resolve', wish),
  draftArticle: (messageIds: string[], language: Language) =>
    post<DraftedArticle>('/review/article-drafts', { message_ids: messageIds, language }),
  suggestions: (days: number) => get<Items<FaqSuggestion>>('/review/suggestions', { days }),
  tests: () => get<Items<RegressionTest>>('/regression-tests'),
  keepTest: (conversationId: string, name: string) =>
    post<RegressionTest>('/regression-tests', { conversation_id: conversationId, name }),
  removeTest: (id: string) =>
    request<void>('DELETE', `/regression-tests/${encodeURIComponent(id)}`),
  replay: (version: string) => post<Job>('/regression-tests/replay', { version, tests: [] }),
  figures: (days: number) => get<CatalogueFigures>('/catalogue/figures', { days }),
}
