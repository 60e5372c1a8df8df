/** The words of teams and their hours. */
export const teams = {
  title: 'Teams',
  add: 'New team',
  members: 'no members | {count} member | {count} members',
  empty: 'No teams yet',
  emptyText: 'A team works a queue: what its inboxes hand over waits there.',
  edit: 'Edit team',
  hours: 'Opening hours',
  zone: 'Time zone',
  week: 'Every week',
  weekHint: 'Such as 09:00–12:00, 13:00–18:00; empty: closed.',
  days: 'Exceptional days',
  daysHint: 'Public holidays without hours, and working days that make up for them.',
  addDay: 'Add a day',
  removeDay: 'Remove the day',
  date: 'Date',
  closed: 'closed',
  unreadable: 'Write it like 09:00–18:00; several with commas between.',
}

export type Teams = typeof teams
