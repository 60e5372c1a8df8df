/** The browser's storage, which may be full, damaged or forbidden: nothing here throws. */

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

export function readStored(key: string): string | null {
  return attempt(() => localStorage.getItem(key)) ?? null
}

/** False when the storage would not take it. */
export function store(key: string, value: string): boolean {
  const isStored = attempt(() => {
    localStorage.setItem(key, value)
    return true
  })
  return isStored ?? false
}

export function dropStored(key: string): void {
  attempt(() => localStorage.removeItem(key))
}

export function storedKeys(prefix: string): string[] {
  return attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(prefix))) ?? []
}
