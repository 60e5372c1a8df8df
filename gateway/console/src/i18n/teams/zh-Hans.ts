/** The words of teams and their hours. */
import type { Teams } from './en'

export const teams: Teams = {
  title: '团队',
  add: '新建团队',
  members: '没有成员 | {count} 名成员 | {count} 名成员',
  empty: '还没有团队',
  emptyText: '团队负责一个队列：所属收件箱转交的会话在那里等待。',
  edit: '编辑团队',
  hours: '工作时间',
  zone: '时区',
  week: '每周',
  weekHint: '例如 09:00–12:00，13:00–18:00；留空表示休息。',
  days: '例外日期',
  daysHint: '放假的日子不填时间；调休上班的日子填写时间。',
  addDay: '添加日期',
  removeDay: '删除这一天',
  date: '日期',
  closed: '休息',
  unreadable: '请写成 09:00–18:00；多个时段用逗号分开。',
}
