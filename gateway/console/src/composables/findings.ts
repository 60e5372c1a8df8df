import type { Finding } from '@/api/catalogue'
import { language } from '@/i18n'

/** A mistake and its remedy in the console's language. */
export function findingText(finding: Finding): string {
  const told = language.value === 'en' ? undefined : finding.words[language.value]
  return told ?? [finding.message, finding.remedy].filter(Boolean).join('; ')
}
