/** Mail addresses as people write them: `Anna Liu <anna@example.com>, bob@example.com`. */

export interface Party {
  address: string
  name: string
}

// Close to what the servers take, internationalised addresses included (RFC 6531): a typing
// slip is to be found here, and the other server has the last word.
const ADDRESS = /^[^\s@<>(),:;"[\]\\]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$/u

export function isAddress(text: string): boolean {
  return text.length <= 254 && ADDRESS.test(text) && !text.includes('..')
}

/** Cuts a typed or pasted text into people; commas within quotation marks are no cuts. */
export function readParties(text: string): Party[] {
  return cut(text).map(readParty)
}

function cut(text: string): string[] {
  const pieces = ['']
  let quoted = false
  for (const char of text) {
    if (char === '"') quoted = !quoted
    if (!quoted && /[,;，；、\n\t]/.test(char)) pieces.push('')
    else pieces[pieces.length - 1] += char
  }
  return pieces.map((piece) => piece.trim()).filter(Boolean)
}

function readParty(piece: string): Party {
  const named = /^(.*?)\s*[<＜]([^<>＜＞]*)[>＞]$/.exec(piece)
  if (!named) return { address: piece.replace(/^mailto:/i, ''), name: '' }
  const name = named[1]!.trim().replace(/^"(.*)"$/, '$1')
  return { address: named[2]!.trim(), name }
}

/** How a person is shown: by name where there is one. */
export function partyName(party: Party): string {
  return party.name || party.address
}

/** How many people a list names before the others are a number. */
const MOST_NAMED = 5

/** The first names of a list, and how many people are left out: never one alone. */
export function firstNames(people: readonly Party[]): { names: string[]; hidden: number } {
  const shown = people.length <= MOST_NAMED + 1 ? people : people.slice(0, MOST_NAMED)
  return { names: shown.map(partyName), hidden: people.length - shown.length }
}

/** Those whose addresses a text, such as the reason of a failure, does not name. */
export function withoutNamed(parties: readonly Party[], text: string): Party[] {
  const named = new Set(text.toLowerCase().split(/[\s<>(),:;"']+/).map((word) => word.replace(/\.$/, '')))
  return parties.filter((one) => !named.has(one.address.toLowerCase()))
}

/** The same person once: by address, in whatever letters; the first one stays. */
export function withoutRepeats(parties: Party[], known: readonly Party[] = []): Party[] {
  const seen = new Set(known.map((one) => one.address.toLocaleLowerCase()))
  return parties.filter((one) => {
    const key = one.address.toLocaleLowerCase()
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
