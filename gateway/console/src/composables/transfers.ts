import { computed, onScopeDispose, ref, type Ref } from 'vue'
import { api } from '@/api/endpoints'
import { asProblem, type Problem } from '@/api/http'
import type { ReplyLimits, Upload } from '@/api/types'
import { inWords } from '@/composables/problems'
import { language, t } from '@/i18n'
import { fileSize } from '@/logic/files'
import { refuseFile } from '@/logic/limits'

/** A file on its way to the server; with a problem it may be tried again. */
export interface Transfer {
  key: number
  name: string
  /** In bytes. */
  size: number
  /** null for what was uploaded before. */
  file: File | null
  part: number
  upload: Upload | null
  problem: Problem | null
  abort: AbortController
}

let nextKey = 0

const fresh = () => ({
  key: nextKey++,
  part: 0,
  upload: null,
  problem: null,
  abort: new AbortController(),
})

/** The files that go along with an answer, held to what the channel takes. */
export function useTransfers(limits: Readonly<Ref<ReplyLimits | null>>) {
  const transfers = ref<Transfer[]>([])
  /** Why files were not taken, in words; they leave nothing else behind. */
  const refusals = ref<string[]>([])
  const uploading = computed(() => transfers.value.some((each) => !each.upload && !each.problem))
  const settled = computed(() => transfers.value.every((each) => each.upload !== null))

  onScopeDispose(() => {
    for (const each of transfers.value) each.abort.abort()
  })

  function refuse(name: string, reason: string): void {
    refusals.value = [...refusals.value, `${name}: ${reason}`]
  }

  function add(files: Iterable<File>): void {
    refusals.value = []
    for (const file of files) {
      const bounds = limits.value
      const sizes = transfers.value.map((each) => each.size)
      const reason = bounds && refuseFile(file, sizes, bounds)
      if (bounds && reason) {
        const bytes = reason === 'filesTooBig' ? bounds.max_files_bytes : bounds.max_file_bytes
        const limit = fileSize(bytes, language.value)
        refuse(file.name, t(`composer.${reason}`, { limit, count: bounds.max_files }))
        continue
      }
      const { name, size } = file
      transfers.value.push({ ...fresh(), name, size, file })
      void send(transfers.value.at(-1)!)
    }
  }

  /** Takes files that were uploaded before. */
  function restore(uploads: Upload[]): void {
    const back = uploads.map((upload) => {
      const { name, size } = upload
      return { ...fresh(), name, size, file: null, part: 1, upload }
    })
    transfers.value = [...back, ...transfers.value]
  }

  async function send(each: Transfer): Promise<void> {
    if (!each.file) return
    each.problem = null
    each.part = 0
    try {
      each.upload = await api.upload(
        each.file,
        (part) => {
          each.part = part
        },
        each.abort.signal,
      )
    } catch (error) {
      if (each.abort.signal.aborted) return
      const problem = asProblem(error)
      // What the server looked at and refused will not be better the second time.
      if (['invalid_input', 'too_large'].includes(problem.code)) {
        remove(each)
        refuse(each.name, inWords(problem))
      } else {
        each.problem = problem
      }
    }
  }

  function remove(each: Transfer): void {
    each.abort.abort()
    transfers.value = transfers.value.filter((other) => other.key !== each.key)
  }

  return { transfers, refusals, uploading, settled, add, restore, send, remove }
}
