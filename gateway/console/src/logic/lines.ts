/** A document's body as lines, so that two can be compared by what each alone has. */

export function linesOf(value: unknown, lead = ''): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((each, place) =>
      typeof each === 'object' && each !== null ? linesOf(each, `${lead} ${place + 1}`) : [`${lead}: ${String(each)}`],
    )
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, each]) => linesOf(each, lead ? `${lead} › ${key}` : key))
  }
  if (value === null || value === undefined || value === '' || value === false) return []
  return [`${lead}: ${String(value)}`]
}

/** The lines that one has and the other has not. */
export function onlyLines(one: unknown, other: unknown): string[] {
  const known = new Set(linesOf(other))
  return linesOf(one).filter((line) => !known.has(line))
}
