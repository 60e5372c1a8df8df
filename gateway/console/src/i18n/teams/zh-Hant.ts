/** The words of teams and their hours. */
import type { Teams } from './en'

export const teams: Teams = {
  title: '團隊',
  add: '新建團隊',
  members: '沒有成員 | {count} 名成員 | {count} 名成員',
  empty: '還沒有團隊',
  emptyText: '團隊負責一個佇列：所屬收件匣轉交的對話在那裡等待。',
  edit: '編輯團隊',
  hours: '工作時間',
  zone: '時區',
  week: '每週',
  weekHint: '例如 09:00–12:00，13:00–18:00；留空表示休息。',
  days: '例外日期',
  daysHint: '放假的日子不填時間；補班的日子填寫時間。',
  addDay: '新增日期',
  removeDay: '刪除這一天',
  date: '日期',
  closed: '休息',
  unreadable: '請寫成 09:00–18:00；多個時段用逗號分開。',
}
