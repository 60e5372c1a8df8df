import { catalogue } from '@/api/catalogue'
import { asProblem } from '@/api/http'
import { inWords } from '@/composables/problems'
import { ElMessage, ElMessageBox } from '@/element'
import { t } from '@/i18n'

/** Asks for a name and keeps a conversation as a test of the bot. */
export async function keepAsTest(conversationId: string, name: string): Promise<void> {
  const wish = await ElMessageBox.prompt(t('editor.tests.keepLead'), t('editor.tests.keep'), {
    inputValue: name.slice(0, 60),
    confirmButtonText: t('action.save'),
    cancelButtonText: t('action.cancel'),
  }).catch(() => null)
  if (!wish?.value.trim()) return
  try {
    await catalogue.keepTest(conversationId, wish.value.trim())
    ElMessage.success(t('editor.tests.kept'))
  } catch (error) {
    ElMessage.error(inWords(asProblem(error)))
  }
}
