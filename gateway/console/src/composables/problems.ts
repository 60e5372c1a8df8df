import type { Problem } from '@/api/http'
import { language, t } from '@/i18n'

/** What is wrong with a field, in our words where they are known; "" when it is right. */
export function fieldError(problem: Problem | null, name: string): string {
  const detail = problem?.fields.get(name)
  if (!detail) return ''
  const told = problem?.words.get(name)?.[language.value]
  if (told) return told
  const least = /at least (\d+) character/.exec(detail)?.[1]
  if (least) return least === '1' ? t('problem.empty') : t('problem.tooShort', { least })
  const most = /at most (\d+) character/.exec(detail)?.[1]
  if (most) return t('problem.tooLong', { most })
  return /e-mail address/.test(detail) ? t('problem.email') : detail
}

/** A refusal in words: ours where the code says all, else with the server's detail. */
export function inWords(problem: Problem): string {
  switch (problem.code) {
    case 'offline':
      return t('problem.offline')
    case 'in_progress':
      return t('problem.inProgress')
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
    const told = [...problem.fields].map(
      ([name, detail]) => problem.words.get(name)?.[language.value] ?? detail,
    )
    const detail = [...new Set(told)].join(' ') || problem.detail
    return detail ? `${words} ${detail}` : words
  }
}
