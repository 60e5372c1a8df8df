/** The words of the page where held mail is decided about. */
import type { Held } from './en'

export const held: Held = {
  title: '待处理来信',
  lead: '在您决定之前，机器人不会答复这些来信，也不会有人因此加入会话。',
  count: '{count} 封来信待处理',
  inbox: '收件箱',
  anyInbox: '所有收件箱',
  reason: '原因',
  anyReason: '所有原因',
  reasons: {
    stranger: '陌生人',
    unreadable: '无法读取',
    oversize: '过大',
    suspicious: '可疑',
    automatic: '疑似自动邮件',
  },
  tabs: { decide: '待处理', discarded: '未显示', balance: '收支核对' },
  empty: '没有待处理的来信',
  emptyText: '陌生人的答复和可疑来信会立即出现在这里。',
  noSubject: '（无主题）',
  nothing: '暂无内容',
  discardedText: '循环邮件、退信和本方邮件保存在这里，不在别处显示。',
  balanceText: '按日：收到 = 已显示 + 待处理 + 未显示。',
  why: { loop: '循环邮件', own: '本方邮件', bounce: '退信' },
  when: '时间',
  day: '日期',
  received: '收到',
  shown: '已显示',
  held: '待处理',
  discarded: '未显示',
}
