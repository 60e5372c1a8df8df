import { nextTick, type Ref } from 'vue'

/** Where an agent writes, whatever it is made of: a text field or an editor of rich text. */
export interface Writable {
  focus: () => void
  /** What stands before the caret, in its paragraph at least. */
  before: () => string
  /** Puts a text where the caret is. */
  put: (text: string) => void
  /** Replaces the last characters before the caret; `gap`, a part of the text, is then marked. */
  replaceBefore: (length: number, text: string, gap?: string) => void
}

/** The text field `box`, which holds `text`. */
export function inTextField(
  box: Readonly<Ref<HTMLTextAreaElement | null>>,
  text: Ref<string>,
): Writable {
  function change(from: number, to: number, added: string, gap?: string): void {
    text.value = text.value.slice(0, from) + added + text.value.slice(to)
    const at = gap ? text.value.indexOf(gap, from) : from + added.length
    void nextTick(() => {
      box.value?.focus()
      box.value?.setSelectionRange(at, gap ? at + gap.length : at)
    })
  }

  const caret = () => box.value?.selectionStart ?? text.value.length

  return {
    focus: () => void nextTick(() => box.value?.focus()),
    before: () => text.value.slice(0, caret()),
    put(added) {
      const before = text.value.slice(0, caret())
      const lead = before && !/\s$/.test(before) ? '\n' : ''
      change(caret(), box.value?.selectionEnd ?? caret(), lead + added)
    },
    replaceBefore: (length, added, gap) => change(caret() - length, caret(), added, gap),
  }
}
