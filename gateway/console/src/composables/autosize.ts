import { nextTick, onScopeDispose, watch, type Ref } from 'vue'

/** Keeps a text field as high as what is written in it, up to a part of the window. */
export function useAutosize(box: Readonly<Ref<HTMLTextAreaElement | null>>, text: Ref<string>): void {
  let width = 0
  // Another width breaks the lines elsewhere.
  const resizing = new ResizeObserver(([entry]) => {
    if (!entry || entry.contentRect.width === width) return
    width = entry.contentRect.width
    fit()
  })

  function fit(): void {
    const area = box.value
    if (!area) return
    area.style.height = 'auto'
    area.style.height = `${Math.min(area.scrollHeight, innerHeight * 0.4)}px`
  }

  watch(
    box,
    (area) => {
      resizing.disconnect()
      if (area) resizing.observe(area)
    },
    { flush: 'post' },
  )
  watch(text, () => void nextTick(fit))
  onScopeDispose(() => resizing.disconnect())
}
