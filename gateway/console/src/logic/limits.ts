/** What a channel carries, checked before anything is sent. */
import type { ReplyLimits } from '@/api/types'

/** The API's own bound, which notes have too. */
export const TEXT_LIMIT = 10_000

/** From which part of the limit on the length is counted. */
const NEAR = 0.85

export interface Count {
  length: number
  limit: number
  near: boolean
  over: boolean
}

/** How long a text is, in characters as the server counts them, against a limit. */
export function countText(text: string, limit: number): Count {
  const length = [...text.trim()].length
  return { length, limit, near: length >= limit * NEAR, over: length > limit }
}

export type FileRefusal = 'fileEmpty' | 'fileTooBig' | 'fileType' | 'filesTooMany' | 'filesTooBig'

// What Windows calls a .csv or .zip depends on what else is installed: the server looks inside.
const AMBIGUOUS = /csv|zip|excel|octet-stream/

/**
 * Why a file cannot go along with those that are there; null when it can.
 *
 * @param file what is to be added
 * @param sizes the sizes of those already there, in bytes
 * @param limits the channel's
 */
export function refuseFile(
  file: { size: number; type: string },
  sizes: number[],
  limits: ReplyLimits,
): FileRefusal | null {
  if (file.size === 0) return 'fileEmpty'
  if (file.type && !limits.file_types.includes(file.type) && !AMBIGUOUS.test(file.type)) {
    return 'fileType'
  }
  if (file.size > limits.max_file_bytes) return 'fileTooBig'
  if (sizes.length >= limits.max_files) return 'filesTooMany'
  const total = sizes.reduce((sum, size) => sum + size, file.size)
  return total > limits.max_files_bytes ? 'filesTooBig' : null
}
