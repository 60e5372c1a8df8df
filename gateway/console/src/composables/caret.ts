import { nextTick, type Ref } from 'vue'

/** Puts texts where the caret of the text field `box` is, which holds `text`. */
export function useCaret(box: Readonly<Ref<HTMLTextAreaElement | null>>, text: Ref<string>) {
  return function put(added: string): void {
    const area = box.value
    const at = area?.selectionStart ?? text.value.length
    const before = text.value.slice(0, at)
    const gap = before && !/\s$/.test(before) ? '\n' : ''
    text.value = before + gap + added + text.value.slice(area?.selectionEnd ?? at)
    const end = at + gap.length + added.length
    void nextTick(() => {
      area?.focus()
      area?.setSelectionRange(end, end)
    })
  }
}
