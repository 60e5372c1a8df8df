/** Requests to /api/v1: cookies, CSRF token, problem+json. */

const ROOT = '/api/v1'

let csrf = ''
let onSignedOut: () => void = () => undefined
let onPasswordChangeRequired: () => void = () => undefined

export function setCsrf(token: string): void {
  csrf = token
}

export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener
}

export function whenPasswordChangeRequired(listener: () => void): void {
  onPasswordChangeRequired = listener
}

interface FieldError {
  pointer?: unknown
  detail?: unknown
  words?: Record<string, string>
}

/** What the server refused and why (RFC 9457), or that it could not be reached (status 0). */
export class Problem extends Error {
  readonly fields: ReadonlyMap<string, string>
  /** What is wrong with fields by language, where the server says it in several. */
  readonly words: ReadonlyMap<string, Partial<Record<string, string>>>

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail)
    this.name = 'Problem'
    const fields = new Map<string, string>()
    const words = new Map<string, Partial<Record<string, string>>>()
    const errors = extra['errors']
    if (Array.isArray(errors)) {
      for (const error of errors as FieldError[]) {
        if (typeof error.pointer === 'string') {
          const name = error.pointer.replace(/^[#/]+/, '')
          fields.set(name, String(error.detail ?? detail))
          if (error.words) words.set(name, error.words)
        }
      }
    }
    this.fields = fields
    this.words = words
  }

  /** Seconds to wait before the next try, when the server said so. */
  get retryAfter(): number | null {
    const seconds = Number(this.extra['retry_after'])
    return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : null
  }
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem(0, 'internal', error instanceof Error ? error.message : String(error))
}

type Query = Record<string, string | number | null | undefined>

export interface Options {
  query?: Query
  body?: unknown
  signal?: AbortSignal
  idempotencyKey?: string
}

export function address(path: string, query: Query = {}): string {
  const words = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') words.set(name, String(value))
  }
  const text = words.toString()
  return `${ROOT}${path}${text ? `?${text}` : ''}`
}

export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey
  let response: Response
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      credentials: 'same-origin',
      signal: options.signal ?? null,
      body: options.body === undefined ? null : JSON.stringify(options.body),
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Problem(0, 'offline', 'The server cannot be reached.')
  }
  if (response.status === 204) return undefined as T
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as T
  throw refused(response.status, text, response.headers.get('Retry-After'))
}

/** Sends a file; `onProgress` gets the part sent, 0 to 1. */
export function sendFile<T>(
  path: string,
  file: File,
  onProgress: (part: number) => void,
  signal: AbortSignal,
  query: Query = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transfer = new XMLHttpRequest()
    transfer.open('POST', address(path, { ...query, name: file.name }))
    transfer.setRequestHeader('Content-Type', file.type || 'application/octet-stream')
    transfer.setRequestHeader('X-CSRF-Token', csrf)
    transfer.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total)
    }
    transfer.onload = () => {
      if (transfer.status >= 200 && transfer.status < 300) {
        resolve(JSON.parse(transfer.responseText) as T)
      } else {
        const wait = transfer.getResponseHeader('Retry-After')
        reject(refused(transfer.status, transfer.responseText, wait))
      }
    }
    transfer.onerror = () => reject(new Problem(0, 'offline', 'The server cannot be reached.'))
    transfer.onabort = () => reject(new DOMException('Aborted', 'AbortError'))
    signal.addEventListener('abort', () => transfer.abort())
    transfer.send(file)
  })
}

function refused(status: number, text: string, retryAfter: string | null): Problem {
  let body: Record<string, unknown> = {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (parsed !== null && typeof parsed === 'object') body = parsed as Record<string, unknown>
  } catch {
    // Not JSON: a proxy in between answered; the status says enough.
  }
  const code = typeof body['code'] === 'string' ? body['code'] : `http_${status}`
  const detail = typeof body['detail'] === 'string' ? body['detail'] : ''
  const problem = new Problem(status, code, detail, { retry_after: retryAfter, ...body })
  if (status === 401) onSignedOut()
  if (code === 'password_change_required') onPasswordChangeRequired()
  return problem
}
