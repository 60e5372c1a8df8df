/** Figures in words. */
import type { Language } from '@/api/types'

/** A share from 0 to 1 as a percentage; a dash where nothing was measured. */
export function percent(share: number | null | undefined, language: Language): string {
  if (share === null || share === undefined) return '–'
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(share)
}

/** How far a share rose or fell, in percentage points: "+1.5"; "" when one of them is unknown. */
export function points(
  before: number | null | undefined,
  after: number | null | undefined,
  language: Language,
): string {
  if (before === null || before === undefined || after === null || after === undefined) return ''
  const moved = Math.round((after - before) * 1000) / 10
  const digits = { signDisplay: 'exceptZero', maximumFractionDigits: 1 } as const
  return new Intl.NumberFormat(language, digits).format(moved)
}
