/** The words of the page where held mail is decided about. */
export const held = {
  title: 'To decide',
  lead: 'Mail that no bot answers and that joins nobody until you decide.',
  count: '{count} mails to decide about',
  inbox: 'Inbox',
  anyInbox: 'Any inbox',
  reason: 'Reason',
  anyReason: 'Any reason',
  reasons: {
    stranger: 'Stranger',
    unreadable: 'Unreadable',
    oversize: 'Too large',
    suspicious: 'Suspicious',
    automatic: 'Looks automatic',
  },
  tabs: { decide: 'To decide', discarded: 'Not shown', balance: 'Balance' },
  empty: 'Nothing to decide',
  emptyText: 'Strangers who answer and doubtful mail appear here at once.',
  noSubject: '(no subject)',
  nothing: 'Nothing here',
  discardedText: 'Loops, bounces and our own mail are kept here and shown nowhere else.',
  balanceText: 'By day: received = shown + held + not shown.',
  why: { loop: 'Loop', own: 'Our own mail', bounce: 'Bounce' },
  when: 'When',
  day: 'Day',
  received: 'Received',
  shown: 'Shown',
  held: 'Held',
  discarded: 'Not shown',
}

export type Held = typeof held
