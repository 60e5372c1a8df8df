import { onScopeDispose } from 'vue'

type Handler = () => void

/** Keys as `j`, `?`, `ctrl+k`, or two in a row as `g m`. */
export type Shortcuts = Record<string, Handler>

const FOLLOW_MS = 1200

const layers: Shortcuts[] = []
let first = ''
let firstAt = 0

function isEditable(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  )
}

function isDialogOpen(): boolean {
  return [...document.querySelectorAll('[aria-modal="true"]')].some((each) => each.checkVisibility())
}

/** An open menu or list takes Escape for itself. */
function isMenuOpen(): boolean {
  return [...document.querySelectorAll('.el-popper[aria-hidden="false"]')].some((each) =>
    each.checkVisibility(),
  )
}

function find(key: string): Handler | undefined {
  return layers.findLast((layer) => layer[key])?.[key]
}

function listen(event: KeyboardEvent): void {
  if (event.isComposing || event.defaultPrevented) return
  const withControl = event.ctrlKey || event.metaKey
  const key = withControl ? `ctrl+${event.key.toLowerCase()}` : event.key
  if (event.altKey) return
  // A dialog has the keys for itself, a text field all but those with Ctrl.
  if (!withControl && (isEditable(event.target) || isDialogOpen())) return
  if (key === 'Escape' && isMenuOpen()) return
  const isSecond = first !== '' && event.timeStamp - firstAt < FOLLOW_MS
  const handler = (isSecond && find(`${first} ${key}`)) || find(key)
  first = ''
  if (handler) {
    event.preventDefault()
    handler()
  } else if (layers.some((layer) => Object.keys(layer).some((k) => k.startsWith(`${key} `)))) {
    first = key
    firstAt = event.timeStamp
  }
}

/** Keys that work while the calling component is on screen; later layers win. */
export function useShortcuts(shortcuts: Shortcuts): void {
  if (layers.length === 0) addEventListener('keydown', listen)
  layers.push(shortcuts)
  onScopeDispose(() => {
    layers.splice(layers.indexOf(shortcuts), 1)
    if (layers.length === 0) removeEventListener('keydown', listen)
  })
}
