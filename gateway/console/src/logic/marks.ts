/** Mistakes of a document under work, each at the field that has it. */

export interface Mark {
  /** A JSON pointer within the body; "" for all of it. */
  at: string
  text: string
  severity: 'error' | 'warning' | 'note'
}

/** Those at exactly this place. */
export const marksAt = (marks: readonly Mark[], place: string) => marks.filter((mark) => mark.at === place)

/** Those at this place or inside it. */
export const marksIn = (marks: readonly Mark[], place: string) =>
  marks.filter((mark) => mark.at === place || mark.at.startsWith(`${place}/`))

/** The place of a refused field within the body, where the server names it in the request. */
export const inBody = (pointer: string) => `/${pointer}`.replace(/^\/+body/, '').replace(/^\/$/, '')
