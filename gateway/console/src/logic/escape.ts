/**
 * Lets Escape close a dialog while a closed list has the focus: Element Plus' select keeps the
 * key to itself even when there is nothing to close.
 */
export function passEscapeOn(): void {
  document.addEventListener(
    'keydown',
    (event) => {
      const target = event.target
      if (event.key !== 'Escape' || !event.isTrusted || !(target instanceof HTMLElement)) return
      if (target.role !== 'combobox' || target.ariaExpanded === 'true') return
      const dialog = target.closest('[role="dialog"]')
      if (!dialog) return
      event.stopImmediatePropagation()
      dialog.dispatchEvent(new KeyboardEvent('keydown', { ...KEY, bubbles: true, cancelable: true }))
    },
    { capture: true },
  )
}

const KEY = { key: 'Escape', code: 'Escape' }
