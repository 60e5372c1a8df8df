import type { Problem } from '@/api/http'
import { t } from '@/i18n'

/** A refusal in words: ours where the code says all, else with the server's detail. */
export function inWords(problem: Problem): string {
  switch (problem.code) {
    case 'offline':
      return t('problem.offline')
    case 'not_signed_in':
      return t('problem.notSignedIn')
    case 'already_claimed':
      return t('problem.alreadyClaimed', { agent: String(problem.extra['agent'] ?? '') })
    case 'not_found':
      return t('problem.notFound')
    case 'not_allowed':
      return t('problem.notAllowed')
    case 'rate_limited':
      return t('problem.rateLimited', { seconds: problem.retryAfter ?? 60 })
    case 'unavailable':
      return t('problem.unavailable')
    case 'too_large':
      return t('problem.tooLarge')
    case 'conflict':
      return problem.extra['newer'] === 'true' ? t('problem.newer') : withDetail('conflict')
    case 'invalid_input':
      return withDetail('invalid')
    default:
      return withDetail('other')
  }

  function withDetail(lead: 'conflict' | 'invalid' | 'other'): string {
    const words = t(`problem.${lead}`)
    const detail = [...new Set(problem.fields.values())].join(' ') || problem.detail
    return detail ? `${words} ${detail}` : words
  }
}
