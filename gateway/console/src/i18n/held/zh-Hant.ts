/** The words of the page where held mail is decided about. */
import type { Held } from './en'

export const held: Held = {
  title: '待處理來信',
  lead: '在您決定之前，機器人不會回覆這些來信，也不會有人因此加入對話。',
  count: '{count} 封來信待處理',
  inbox: '收件匣',
  anyInbox: '所有收件匣',
  reason: '原因',
  anyReason: '所有原因',
  reasons: {
    stranger: '陌生人',
    unreadable: '無法讀取',
    oversize: '過大',
    suspicious: '可疑',
    automatic: '疑似自動郵件',
  },
  tabs: { decide: '待處理', discarded: '未顯示', balance: '收支核對' },
  empty: '沒有待處理的來信',
  emptyText: '陌生人的回覆和可疑來信會立即出現在這裡。',
  noSubject: '（無主旨）',
  nothing: '暫無內容',
  discardedText: '循環郵件、退信和本方郵件保存在這裡，不在別處顯示。',
  balanceText: '按日：收到 = 已顯示 + 待處理 + 未顯示。',
  why: { loop: '循環郵件', own: '本方郵件', bounce: '退信' },
  when: '時間',
  day: '日期',
  received: '收到',
  shown: '已顯示',
  held: '待處理',
  discarded: '未顯示',
}
