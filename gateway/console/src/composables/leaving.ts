import { ElMessageBox } from '@/element'
import { t } from '@/i18n'
import { countDrafts } from '@/logic/drafts'
import { useOutgoing } from '@/stores/outgoing'
import { useSession } from '@/stores/session'

/** Signs out; first asks where that deletes what the agent wrote. */
export async function signOut(): Promise<void> {
  const session = useSession()
  const outgoing = useOutgoing()
  const agentId = session.id
  const [unsent, drafts] = [outgoing.mine.length, countDrafts(agentId)]
  if (unsent + drafts > 0) {
    const sure = await ElMessageBox.confirm(t('signIn.leave', { unsent, drafts }), t('signIn.out'), {
      type: 'warning',
      confirmButtonText: t('signIn.out'),
      cancelButtonText: t('action.cancel'),
    }).catch(() => null)
    if (!sure) return
  }
  await session.signOut()
  outgoing.dropAllOf(agentId)
}
