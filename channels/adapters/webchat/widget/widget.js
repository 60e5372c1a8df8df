/*
 * The web chat widget. One script, no dependencies, ES2018.
 *
 *   <script src="https://gateway.example/widget.js" data-inbox="shop"
 *           data-lang="zh-Hans" data-theme="auto"
 *           data-identifier="customer-42" data-hmac="…" (or data-token="a JWT")></script>
 *
 * window.Yingda: open(text), close(), identify({identifier, hmac} | {token} | null),
 * setLanguage("zh-Hans" | "zh-Hant" | "en"). An element with data-yingda-open opens the chat;
 * its value is put into the composer.
 *
 * What others wrote is shown through text nodes only.
 */
(function () {
  'use strict';

  const script = document.currentScript || document.querySelector('script[data-inbox]');
  if (window.Yingda || !script) return;

  const INBOX = script.dataset.inbox || '';
  const BASE = new URL('.', script.src).href;
  const STYLE = "%STYLE%";
  const QUEUE_LIMIT = 50;
  const QUEUE_MS = 24 * 3600 * 1000;
  const ACK_MS = 12000;
  const PING_MS = 25000;
  const STABLE_MS = 30000;
  const ORPHAN_MS = 30000;
  const GROUP_MS = 5 * 60000;

  // ------------------------------------------------------------------ words

  const LANGUAGES = { 'zh-Hans': '简体中文', 'zh-Hant': '繁體中文', en: 'English' };
  const WORDS = {
    en: {
      open: 'Open chat', close: 'Close chat', unread: '{n} unread', log: 'Conversation',
      language: 'Language', bot: 'Assistant', onBot: 'Answers at once, day and night',
      onQueue: 'Finding a person for you…', onAgent: '{name} is with you', connecting: 'Connecting…',
      offline: 'No connection. What you write is sent when it is back.',
      full: 'Very busy at the moment. Your message is sent automatically in a few seconds.',
      slow: 'You write very fast. Your message is sent automatically in a few seconds.',
      refused: 'The chat is not available on this page.',
      identity: 'Your sign-in could not be confirmed. Please reload the page.',
      placeholder: 'Write a message…', send: 'Send', attach: 'Attach a file',
      human: 'Talk to a person', today: 'Today', yesterday: 'Yesterday',
      sending: 'Sending', waiting: 'Waiting for connection', sent: 'Sent', delivered: 'Delivered',
      read: 'Read', retry: 'Try again', remove: 'Remove', you: 'You', typing: '{name} is typing',
      fresh: 'New messages', source: 'From the knowledge base', article: 'Read the article',
      download: 'Download', view: 'View {name}', uploading: 'Uploading {n}%', choices: 'Suggestions',
      over: 'At most {n} characters', many: 'At most {n} files in one message',
      big: 'Larger than {n}', empty: 'The file is empty', kind: 'This kind of file cannot be sent',
      noUpload: 'The upload failed', noSend: 'Not sent', stale: 'Not sent within 24 hours',
      lost: 'The file is no longer there; please attach it again',
      stuck: 'Too many unsent messages. Please wait for the connection.',
    },
    'zh-Hans': {
      open: '打开在线客服', close: '关闭在线客服', unread: '{n} 条未读', log: '对话',
      language: '语言', bot: '智能助手', onBot: '7×24 小时即时回答',
      onQueue: '正在为您接入人工客服…', onAgent: '{name} 正在为您服务', connecting: '正在连接…',
      offline: '网络不通，您写的内容会在恢复后自动发送。',
      full: '当前咨询较多，消息将在几秒后自动发送。',
      slow: '发送得太快了，消息将在几秒后自动发送。',
      refused: '本页面暂时无法使用在线客服。',
      identity: '无法确认您的登录状态，请刷新页面。',
      placeholder: '输入您的问题…', send: '发送', attach: '添加文件',
      human: '转人工', today: '今天', yesterday: '昨天',
      sending: '发送中', waiting: '等待网络', sent: '已发送', delivered: '已送达',
      read: '已读', retry: '重试', remove: '删除', you: '我', typing: '{name}正在输入',
      fresh: '新消息', source: '来自知识库', article: '查看文章',
      download: '下载', view: '查看 {name}', uploading: '正在上传 {n}%', choices: '建议',
      over: '最多 {n} 个字', many: '一条消息最多 {n} 个文件',
      big: '超过 {n}', empty: '文件是空的', kind: '不能发送这种文件',
      noUpload: '上传失败', noSend: '发送失败', stale: '24 小时内未能发送',
      lost: '文件已失效，请重新添加',
      stuck: '未发送的消息太多，请等待网络恢复。',
    },
    'zh-Hant': {
      open: '開啟線上客服', close: '關閉線上客服', unread: '{n} 則未讀', log: '對話',
      language: '語言', bot: '智慧助理', onBot: '7×24 小時即時回答',
      onQueue: '正在為您轉接真人客服…', onAgent: '{name} 正在為您服務', connecting: '正在連線…',
      offline: '網路不通，您寫的內容會在恢復後自動傳送。',
      full: '目前諮詢較多，訊息將在幾秒後自動傳送。',
      slow: '傳送得太快了，訊息將在幾秒後自動傳送。',
      refused: '本頁面暫時無法使用線上客服。',
      identity: '無法確認您的登入狀態，請重新整理頁面。',
      placeholder: '輸入您的問題…', send: '傳送', attach: '加入檔案',
      human: '轉真人客服', today: '今天', yesterday: '昨天',
      sending: '傳送中', waiting: '等待網路', sent: '已傳送', delivered: '已送達',
      read: '已讀', retry: '重試', remove: '刪除', you: '我', typing: '{name}正在輸入',
      fresh: '新訊息', source: '來自知識庫', article: '查看文章',
      download: '下載', view: '檢視 {name}', uploading: '正在上傳 {n}%', choices: '建議',
      over: '最多 {n} 個字', many: '一則訊息最多 {n} 個檔案',
      big: '超過 {n}', empty: '檔案是空的', kind: '不能傳送這種檔案',
      noUpload: '上傳失敗', noSend: '傳送失敗', stale: '24 小時內未能傳送',
      lost: '檔案已失效，請重新加入',
      stuck: '未傳送的訊息太多，請等待網路恢復。',
    },
  };
  const HUMAN = { en: 'Talk to a person', 'zh-Hans': '转人工', 'zh-Hant': '轉人工' };

  function t(key, values) {
    const text = WORDS[state.language][key];
    return values ? text.replace(/\{(\w+)\}/g, (_, name) => values[name]) : text;
  }

  function findLanguage(tag) {
    const parts = String(tag || '').toLowerCase().split(/[-_]/);
    if (parts[0] === 'en') return 'en';
    if (parts[0] !== 'zh') return null;
    return !parts.includes('hans') && /hant|tw|hk|mo/.test(parts.slice(1).join('-')) ? 'zh-Hant' : 'zh-Hans';
  }

  function chooseLanguage() {
    for (const tag of [store.get('language'), script.dataset.lang, document.documentElement.lang].concat(navigator.languages)) {
      const found = findLanguage(tag);
      if (found) return found;
    }
    return 'en';
  }

  // ------------------------------------------------------------------ memory

  /* localStorage where the browser allows it, else this page's memory. */
  const store = (function () {
    const prefix = 'yingda:' + INBOX + ':';
    const memory = new Map();
    let area = null;
    try {
      area = window.localStorage;
      area.setItem(prefix + '?', '1');
      area.removeItem(prefix + '?');
    } catch (error) {
      area = null;
    }
    return {
      prefix,
      get(key) {
        const text = area ? area.getItem(prefix + key) : memory.get(key);
        try {
          return text ? JSON.parse(text) : null;
        } catch (error) {
          return null;
        }
      },
      set(key, value) {
        const text = JSON.stringify(value);
        try {
          if (area) area.setItem(prefix + key, text);
          else memory.set(key, text);
        } catch (error) {
          memory.set(key, text);
        }
      },
      remove(key) {
        memory.delete(key);
        if (area) area.removeItem(prefix + key);
      },
      keys(start) {
        const all = new Set(memory.keys());
        for (let i = 0; area && i < area.length; i += 1) {
          const key = area.key(i);
          if (key.startsWith(prefix)) all.add(key.slice(prefix.length));
        }
        return Array.from(all).filter((key) => key.startsWith(start)).sort();
      },
    };
  })();

  const state = {
    language: 'en',
    config: null,
    identity: null,
    session: null,
    visitor: '', // whose session this page had last
    connection: 'idle', // idle, connecting, ready, offline, refused, identity
    busy: '',
    controller: 'bot',
    isTold: false, // by the server, who answers: nothing need be read from the messages
    agent: '',
    open: false,
    offset: 0, // the server's clock less this one
    greetedAt: 0,
    isReturning: false,
    messages: new Map(), // by the visitor's own id of a message, or the server's
    seq: 0,
    readSeq: 0,
    drafts: [],
  };

  const now = () => Date.now() + state.offset;

  /* Anonymous visits and each identified customer have memories of their own. */
  function scope() {
    return state.identity ? 'id:' + state.identity.who + ':' : 'anon:';
  }

  function readIdentity(given) {
    const jwt = given && (given.token || given.jwt);
    if (jwt) {
      let who = 'token';
      try {
        const body = jwt.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
        who = String(JSON.parse(decodeURIComponent(escape(atob(body)))).sub);
      } catch (error) { /* the server will say what is wrong with it */ }
      return { who, proof: { jwt } };
    }
    if (given && given.identifier) {
      return { who: given.identifier, proof: { identifier: given.identifier, hmac: given.hmac || '' } };
    }
    return null;
  }

  /* Ids that sort by time (RFC 9562, version 7). */
  let lastTime = 0;
  function newId() {
    lastTime = Math.max(Date.now(), lastTime + 1);
    const bytes = crypto.getRandomValues(new Uint8Array(10));
    bytes[0] = (bytes[0] & 15) | 112;
    bytes[2] = (bytes[2] & 63) | 128;
    const hex = lastTime.toString(16).padStart(12, '0') +
      Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  // ------------------------------------------------------------------ HTTP

  class Refusal extends Error {
    constructor(response, problem) {
      super(problem.detail || 'HTTP ' + response.status);
      this.status = response.status;
      this.code = problem.code || '';
      this.retryAfter = Number(response.headers.get('Retry-After')) || 0;
    }
  }

  async function call(method, path, body, options) {
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), (options && options.timeout) || 15000);
    if (options && options.aborters) options.aborters.add(aborter);
    try {
      const headers = {};
      if (body) headers['Content-Type'] = 'application/json';
      if (state.session && !path.includes('/sessions')) {
        headers.Authorization = 'Bearer ' + state.session.session_token;
      }
      const response = await fetch(BASE + 'web/v1/' + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: 'omit',
        cache: 'no-store',
        signal: aborter.signal,
      });
      const answer = await response.json().catch(() => ({}));
      if (!response.ok) throw new Refusal(response, answer);
      return answer;
    } finally {
      clearTimeout(timer);
      if (options && options.aborters) options.aborters.delete(aborter);
    }
  }

  const inboxPath = (name) => encodeURIComponent(INBOX) + '/' + name;

  async function loadConfig() {
    const language = state.language;
    const config = await call('GET', inboxPath('config') + '?lang=' + language);
    if (language !== state.language) return;
    state.config = config;
    state.offset = config.server_time - Date.now();
    state.greetedAt = state.greetedAt || now();
    view.paintConfig();
  }

  let opening = null;
  function openSession() {
    if (state.session && state.session.expires_at - 60000 > Date.now()) return Promise.resolve();
    if (!opening) {
      const epoch = link.epoch;
      opening = requestSession(epoch).finally(() => { opening = null; });
    }
    return opening;
  }

  async function requestSession(epoch) {
    const key = scope() + 'session';
    const stored = state.identity ? null : store.get(key);
    const body = { language: state.language };
    if (state.identity) body.identity = state.identity.proof;
    else if (stored) body.session_token = stored.token;
    const session = await call('POST', inboxPath('sessions'), body);
    if (epoch !== link.epoch) throw new Error('superseded');
    const before = state.visitor || (stored && stored.visitor);
    if (before && before !== session.visitor) forget();
    if (state.visitor !== session.visitor) state.isReturning = session.seq > 0;
    state.visitor = session.visitor;
    if (!state.identity) store.set(key, { token: session.session_token, visitor: session.visitor });
    state.session = session;
  }

  /* Another visitor's conversation, or a memory that the server does not share. */
  function forget() {
    for (const [key, message] of state.messages) {
      if (message.seq) state.messages.delete(key);
    }
    state.seq = 0;
    state.readSeq = 0;
    store.remove(scope() + 'read');
    view.sync();
  }

  // ------------------------------------------------------------------ connection

  const link = {
    epoch: 0,
    mode: 'ws',
    socket: null,
    attempt: 0,
    failures: 0,
    timer: 0,
    watch: 0,
    stable: 0,
    pollSince: 0,
    heardAt: 0,
    running: false,
    aborters: new Set(),

    get ready() { return state.connection === 'ready'; },

    /* Begins, or tries at once when it was waiting to try again. */
    start() {
      if (this.running || this.ready) return;
      clearTimeout(this.timer);
      this.timer = 0;
      this.run(this.epoch);
    },

    async run(epoch) {
      this.running = true;
      if (state.connection === 'idle') setConnection('connecting');
      try {
        await openSession();
        if (epoch !== this.epoch) return;
        if (this.mode === 'ws') await this.openSocket(epoch);
        else await this.poll(epoch);
      } catch (error) {
        if (epoch === this.epoch) this.onFailure(error);
      } finally {
        if (epoch === this.epoch) this.running = false;
      }
    },

    onFailure(error) {
      const status = error instanceof Refusal ? error.status : 0;
      if (status === 401 && error.code !== 'identity') this.dropSession();
      else if (status === 401) return this.giveUp('identity', error);
      else if (status === 403 || (status === 404 && !state.config)) return this.giveUp('refused', error);
      // An inbox that was there a while ago, when it told its looks, may come back.
      this.retry(status === 404 ? 5 : error.retryAfter || 0);
    },

    giveUp(reason, error) {
      console.warn('[Yingda] ' + error.message);
      setConnection(reason);
    },

    dropSession() {
      state.session = null;
      if (!state.identity) store.remove(scope() + 'session');
    },

    /* Back-off from 1 to 30 s with full jitter, so that a restart is not met by a stampede. */
    retry(seconds) {
      if (this.ready || state.connection === 'connecting') setConnection('offline');
      clearTimeout(this.stable);
      clearTimeout(this.timer);
      const ceiling = Math.min(30000, 1000 * Math.pow(2, this.attempt));
      this.attempt += 1;
      const wait = Math.max(seconds * 1000, 200 + Math.random() * ceiling);
      this.timer = setTimeout(() => this.start(), wait);
    },

    openSocket(epoch) {
      return new Promise((resolve) => {
        const socket = new WebSocket(BASE.replace(/^http/, 'ws') + 'web/v1/ws');
        const deadline = setTimeout(() => socket.close(), 8000);
        let isWelcome = false;
        this.socket = socket;
        socket.onopen = () => socket.send(JSON.stringify({
          type: 'hello', token: state.session.session_token, resume_from: state.seq,
        }));
        socket.onmessage = (event) => {
          if (this.socket !== socket) return;
          const frame = JSON.parse(event.data);
          this.heardAt = Date.now();
          if (frame.type === 'welcome') {
            isWelcome = true;
            this.failures = 0;
            clearTimeout(deadline);
            state.isTold = true;
            setController(frame.controller, frame.agent);
            this.onReady(frame.seq);
            this.watchSocket();
            resolve();
          } else {
            onFrame(frame);
          }
        };
        socket.onclose = (event) => {
          clearTimeout(deadline);
          if (this.socket !== socket) return;
          this.socket = null;
          clearInterval(this.watch);
          if (epoch !== this.epoch) return;
          // A close code of the server's got through, so sockets do: 1012 and 1013 ask to come again.
          const isServers = event.code >= 4000 || event.code === 1012 || event.code === 1013;
          if (!isWelcome && !isServers) this.suspectSocket();
          this.onClosed(event);
          resolve();
        };
      });
    },

    /* Where plain HTTP gets through and sockets do not, HTTP it is. */
    suspectSocket() {
      call('GET', inboxPath('config')).then(() => {
        this.failures += 1;
        if (this.failures >= 2) this.mode = 'poll';
      }, () => { /* nothing gets through: no fault of the socket's */ });
    },

    onClosed(event) {
      outbox.onBroken();
      if (event.code === 4001) this.dropSession();
      if (event.code === 4003) {
        this.giveUp('refused', new Error(event.reason));
        return;
      }
      this.retry({ 4013: 5, 4029: 10 }[event.code] || 0);
    },

    /* A connection that died without a word is found out by its silence. */
    watchSocket() {
      clearInterval(this.watch);
      this.watch = setInterval(() => {
        const silence = Date.now() - this.heardAt;
        if (silence > PING_MS + 10000) this.breakOff();
        else if (silence > PING_MS - 1000) this.send({ type: 'ping' });
      }, 5000);
    },

    probe() {
      if (!this.ready || !this.socket) return;
      const asked = Date.now();
      this.send({ type: 'ping' });
      setTimeout(() => { if (this.ready && this.heardAt < asked) this.breakOff(); }, 5000);
    },

    breakOff() {
      const socket = this.socket;
      if (!socket) return;
      socket.close();
      // The close event may take minutes on a dead network.
      if (socket.onclose) socket.onclose({ code: 1006, reason: '' });
    },

    onReady(seq) {
      setConnection('ready');
      clearTimeout(this.stable);
      this.stable = setTimeout(() => { this.attempt = 0; }, STABLE_MS);
      view.onHistory(seq);
      outbox.pump();
    },

    async poll(epoch) {
      this.pollSince = Date.now();
      applyPage(await call('GET', 'messages?after=' + state.seq));
      if (epoch !== this.epoch) return;
      this.onReady(state.seq);
      while (epoch === this.epoch && this.ready) {
        const page = await call('GET', 'events?wait=25&after=' + state.seq, null, { timeout: 40000, aborters: this.aborters });
        if (epoch !== this.epoch) return;
        applyPage(page);
        if (Date.now() - this.pollSince > 120000) {
          // Perhaps a socket gets through by now.
          this.mode = 'ws';
          this.failures = 1;
          setConnection('connecting');
          this.timer = setTimeout(() => this.start(), 100);
          return;
        }
      }
    },

    send(frame) {
      if (this.socket && this.socket.readyState === 1) {
        this.socket.send(JSON.stringify(frame));
        return true;
      }
      return false;
    },

    signal(frame) {
      if (!this.ready || this.send(frame) || this.mode !== 'poll') return;
      call('POST', 'signals', frame).catch(() => { /* told again with the next one */ });
    },

    /* Ends what runs, for another visitor or for good. */
    reset() {
      this.epoch += 1;
      clearTimeout(this.timer);
      clearInterval(this.watch);
      const socket = this.socket;
      this.socket = null;
      if (socket) socket.close();
      for (const aborter of this.aborters) aborter.abort();
      this.running = false;
      this.attempt = 0;
      this.mode = 'ws';
      this.failures = 0;
      state.session = null;
      setConnection('idle');
    },

    onOffline() {
      this.breakOff();
      for (const aborter of this.aborters) aborter.abort();
    },
  };

  function setConnection(value) {
    if (state.connection === value) return;
    state.connection = value;
    if (value !== 'ready') {
      state.busy = '';
      view.hideTyping();
    }
    view.paintStatus();
    view.sync();
  }

  // ------------------------------------------------------------------ what comes in

  function onFrame(frame) {
    if (frame.type === 'ack') outbox.onAck(frame.client_msg_id);
    else if (frame.type === 'nack') outbox.onNack(frame);
    else if (frame.type === 'resync') resync();
    else applyEvent(frame);
  }

  function applyPage(page) {
    for (const event of page.events) applyEvent(event);
  }

  function resync() {
    forget();
    call('GET', 'messages').then(applyPage).catch(() => link.breakOff());
  }

  function applyEvent(event) {
    const data = event.data;
    if (event.type === 'message') {
      applyMessage(data);
    } else if (event.type === 'state') {
      for (const message of state.messages.values()) {
        if (data.ids.includes(message.id)) message.state = data.state;
      }
      view.sync();
    } else if (event.type === 'typing') {
      view.showTyping(data.author, 6000);
    } else if (event.type === 'controller') {
      setController(data.controller, data.agent);
    }
  }

  function setController(controller, agent) {
    if (state.controller === controller && state.agent === agent) return;
    state.controller = controller;
    state.agent = agent;
    // Who was at it is not whoever answers now.
    view.hideTyping();
    view.paintStatus();
  }

  /* Without a socket nobody says who answers: the newest message tells. */
  function inferController(data) {
    if (data.kind === 'agent') setController('agent', data.author);
    else if (data.kind === 'bot' && !view.isSettled) setController('bot', '');
  }

  function applyMessage(data) {
    const isOwn = data.kind === 'customer';
    const key = (isOwn && data.client_msg_id) || data.id;
    const known = state.messages.get(key);
    state.messages.set(key, Object.assign(known || { key, time: data.created_at, isNew: view.isSettled }, {
      id: data.id, seq: data.seq, kind: data.kind, author: data.author, text: data.text,
      choices: data.choices, attachments: data.attachments, article: data.article,
      state: isOwn && data.state !== 'read' ? 'delivered' : data.state, time: data.created_at,
    }));
    state.seq = Math.max(state.seq, data.seq);
    if (isOwn && data.client_msg_id) outbox.onAck(data.client_msg_id);
    if (!state.isTold) inferController(data);
    if (!isOwn) view.hideTyping();
    view.sync();
    if (!isOwn) receipts.note(data);
  }

  /* Tells how far this visitor received and read, a few times a second at most. */
  const receipts = {
    delivered: 0,
    read: 0,
    timer: 0,
    note(data) {
      if (data.state === 'sent' || data.state === 'pending') this.delivered = Math.max(this.delivered, data.seq);
      this.plan();
    },
    plan() {
      if (!this.timer) this.timer = setTimeout(() => this.tell(), 300);
    },
    tell() {
      clearTimeout(this.timer);
      this.timer = 0;
      const isSeen = state.open && document.visibilityState === 'visible' && view.isPinned;
      const newest = newestIncoming();
      if (isSeen && link.ready && newest > state.readSeq) {
        state.readSeq = newest;
        store.set(scope() + 'read', newest);
        view.paintBadge();
        link.signal({ type: 'seen', seq: newest, state: 'read' });
        this.delivered = 0;
      } else if (this.delivered) {
        link.signal({ type: 'seen', seq: this.delivered, state: 'delivered' });
        this.delivered = 0;
      }
    },
  };

  function newestIncoming() {
    let seq = 0;
    for (const message of state.messages.values()) {
      if (message.seq && message.kind !== 'customer') seq = Math.max(seq, message.seq);
    }
    return seq;
  }

  function countUnread() {
    let count = 0;
    for (const { kind, seq, state: how } of state.messages.values()) {
      if ((kind === 'bot' || kind === 'agent') && seq > state.readSeq && how !== 'read') count += 1;
    }
    return count;
  }

  // ------------------------------------------------------------------ what goes out

  /*
   * Messages wait in localStorage until they are acknowledged, each under a key of its own so
   * that two tabs do not overwrite each other's. They go one at a time, which keeps their order;
   * a resend after a lost connection carries the same id and is no second message.
   */
  const outbox = {
    flight: null,
    flightTimer: 0,
    pauseTimer: 0,
    mine: new Set(),

    key(id) { return scope() + 'q:' + id; },

    items() {
      return store.keys(scope() + 'q:').map((key) => store.get(key)).filter(Boolean);
    },

    /* Takes over what an earlier page could not send. */
    load() {
      for (const item of this.items()) {
        const age = now() - item.time;
        if (age > 2 * QUEUE_MS) {
          store.remove(this.key(item.id));
          continue;
        }
        if (age > QUEUE_MS && !item.failed) {
          item.failed = 'stale';
          store.set(this.key(item.id), item);
        }
        this.mine.add(item.id);
        this.show(item);
      }
    },

    show(item) {
      const known = state.messages.get(item.id);
      if (known && known.seq) return;
      state.messages.set(item.id, {
        key: item.id, kind: 'customer', author: '', text: item.text, attachments: item.files,
        choices: [], time: item.time, isNew: view.isSettled, state: item.failed ? 'failed' : 'sending', failed: item.failed,
      });
      view.sync();
    },

    add(text, payload, files) {
      if (this.items().length >= QUEUE_LIMIT) return false;
      const item = { id: newId(), text, payload: payload || null, files: files || [], time: now(), language: state.language };
      this.mine.add(item.id);
      store.set(this.key(item.id), item);
      this.show(item);
      this.pump();
      return true;
    },

    pump() {
      if (this.flight || this.pauseTimer || !link.ready) return;
      // What another tab left behind for long, this one takes over.
      const isOurs = (each) => this.mine.has(each.id) || now() - each.time > ORPHAN_MS;
      const item = this.items().find((each) => !each.failed && isOurs(each));
      if (!item) return;
      this.flight = item.id;
      const frame = {
        client_msg_id: item.id, text: item.text, payload: item.payload, sent_at: item.time,
        language: item.language, attachments: item.files.map((file) => file.token),
      };
      if (link.mode === 'poll') {
        call('POST', 'messages', frame).then(() => this.onAck(item.id), (error) => this.onPostError(item.id, error));
        return;
      }
      link.send(Object.assign({ type: 'msg' }, frame));
      this.flightTimer = setTimeout(() => link.breakOff(), ACK_MS);
    },

    land(id) {
      if (this.flight !== id) return;
      this.flight = null;
      clearTimeout(this.flightTimer);
    },

    onBroken() {
      if (this.flight) this.land(this.flight);
    },

    onAck(id) {
      const wasMine = this.mine.delete(id);
      store.remove(this.key(id));
      this.land(id);
      const message = state.messages.get(id);
      if (message && message.state === 'sending') message.state = 'sent';
      if (message && message.failed) message.failed = undefined;
      if (state.busy) {
        state.busy = '';
        view.paintStatus();
      }
      if (wasMine && message && !message.seq && state.controller === 'bot') view.expectReply();
      view.sync();
      this.pump();
    },

    onNack(frame) {
      const id = frame.client_msg_id;
      this.land(id);
      if (frame.code === 'rate' || frame.code === 'full') {
        this.pause(frame.code, frame.retry_after);
        return;
      }
      const item = store.get(this.key(id));
      if (item) {
        item.failed = frame.code;
        store.set(this.key(id), item);
        this.show(item);
      }
      this.pump();
    },

    onPostError(id, error) {
      const status = error instanceof Refusal ? error.status : 0;
      if (status >= 400 && status !== 401) {
        const isLater = status === 429 || status >= 500;
        const code = isLater && error.code !== 'rate' ? 'full' : error.code;
        this.onNack({ client_msg_id: id, code, retry_after: error.retryAfter });
      } else {
        this.land(id);
        if (status) link.dropSession();
        link.onOffline();
      }
    },

    pause(reason, seconds) {
      state.busy = reason === 'rate' ? 'slow' : 'full';
      view.paintStatus();
      this.pauseTimer = setTimeout(() => {
        this.pauseTimer = 0;
        this.pump();
      }, (seconds || 5) * 1000);
    },

    retry(id) {
      const item = store.get(this.key(id));
      if (!item) return;
      // An aged message is a new attempt of the visitor's; its id stays.
      item.failed = undefined;
      item.time = now();
      this.mine.add(id);
      store.set(this.key(id), item);
      this.show(item);
      this.pump();
    },

    remove(id) {
      store.remove(this.key(id));
      this.mine.delete(id);
      state.messages.delete(id);
      view.sync();
    },

    /* Another tab of this visitor queued or dealt with a message. */
    onStorage(id, item) {
      if (item) this.show(item);
      else {
        const message = state.messages.get(id);
        if (!message || message.seq || this.mine.has(id)) return;
        if (message.failed) state.messages.delete(id);
        else message.state = 'sent';
        view.sync();
      }
    },
  };

  // ------------------------------------------------------------------ files

  function readableSize(bytes) {
    const units = ['B', 'kB', 'MB'];
    let size = bytes;
    let unit = 0;
    while (size >= 1000 && unit < 2) {
      size /= 1000;
      unit += 1;
    }
    return new Intl.NumberFormat(state.language, { maximumFractionDigits: unit ? 1 : 0 }).format(size) + ' ' + units[unit];
  }

  function address(path) {
    return BASE + String(path).replace(/^\//, '');
  }

  function attach(files) {
    const limits = state.config ? state.config.limits : { attachments: 0 };
    view.setHint('');
    for (const file of files) {
      if (state.drafts.length >= limits.attachments) {
        view.setHint(t('many', { n: limits.attachments }));
        break;
      }
      const draft = { name: file.name || 'image.png', size: file.size, file, progress: 0, error: '' };
      const known = !file.type || limits.attachment_types.includes(file.type) || /csv|zip|excel/.test(file.type);
      const reason = !file.size ? 'empty' : file.size > limits.attachment_bytes ? 'big' : known ? '' : 'kind';
      if (reason) {
        refuseFile(draft, reason);
        continue;
      }
      if (/^image\/(png|jpeg|gif|webp)$/.test(file.type)) draft.preview = URL.createObjectURL(file);
      state.drafts.push(draft);
      uploadDraft(draft);
    }
    view.paintDrafts();
  }

  /* What will not be better the second time is told, and gone. */
  function refuseFile(draft, reason) {
    const words = draft.name + ': ' + t(reason, { n: readableSize(state.config.limits.attachment_bytes) });
    const before = view.hint.textContent;
    dropDraft(draft);
    view.setHint(before ? before + '\n' + words : words);
  }

  function uploadDraft(draft) {
    draft.error = '';
    draft.progress = 0;
    openSession().then(() => sendFile(draft), () => failDraft(draft, 'noUpload'));
  }

  function sendFile(draft) {
    const form = new FormData();
    form.append('file', draft.file, draft.name);
    const request = new XMLHttpRequest();
    draft.request = request;
    request.open('POST', BASE + 'web/v1/uploads');
    request.setRequestHeader('Authorization', 'Bearer ' + state.session.session_token);
    request.timeout = 120000;
    request.upload.onprogress = (event) => {
      draft.progress = Math.round(100 * event.loaded / (event.total || 1));
      view.paintDrafts();
    };
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch (error) { /* judged by its status */ }
      if (request.status === 201) draft.uploaded = answer;
      else if (request.status === 413) refuseFile(draft, 'big');
      else if (request.status === 400) refuseFile(draft, 'kind');
      else failDraft(draft, 'noUpload');
      view.paintDrafts();
    };
    request.onerror = request.ontimeout = () => failDraft(draft, 'noUpload');
    request.send(form);
  }

  function failDraft(draft, error) {
    draft.error = error;
    view.paintDrafts();
  }

  function dropDraft(draft) {
    if (draft.request) draft.request.abort();
    if (draft.preview) URL.revokeObjectURL(draft.preview);
    state.drafts = state.drafts.filter((each) => each !== draft);
    view.paintDrafts();
  }

  // ------------------------------------------------------------------ elements

  const ICONS = {
    chat: 'M12 4c4.7 0 8.5 3.2 8.5 7.3S16.700 18.600 12 18.600c-.8 0-1.600-.1-2.400-.3L5.300 20l.8-3.300c-1.600-1.300-2.600-3.200-2.600-5.400C3.500 7.200 7.300 4 12 4zM8.500 11.300h.01M12 11.300h.01M15.500 11.300h.01',
    down: 'M6 9.500l6 6 6-6',
    close: 'M6 6l12 12M18 6L6 18',
    globe: 'M12 3.500a8.500 8.500 0 100 17 8.500 8.500 0 000-17zM3.500 12h17M12 3.500c2.500 2.500 3.500 5.500 3.500 8.500s-1 6-3.500 8.500c-2.500-2.500-3.500-5.500-3.500-8.500s1-6 3.500-8.500z',
    send: 'M12 19.500V5M5.500 11.500L12 5l6.500 6.500',
    clip: 'M19.500 11.500l-7.400 7.400a4.600 4.600 0 01-6.500-6.500l7.700-7.700a3.100 3.100 0 014.400 4.400l-7.600 7.600a1.500 1.500 0 01-2.200-2.200l7-7',
    person: 'M5 13v-1a7 7 0 0114 0v1M5 13.500A1.500 1.500 0 016.500 12H8v6H6.500A1.500 1.500 0 015 16.500zM19 13.500a1.500 1.500 0 00-1.500-1.500H16v6h1.500a1.500 1.500 0 001.500-1.500zM19 17c0 2-2 3.500-5 3.500',
    bot: 'M12 4v3M6.500 7h11A2.500 2.500 0 0120 9.500v6a2.500 2.500 0 01-2.500 2.500h-11A2.500 2.500 0 014 15.500v-6A2.500 2.500 0 016.500 7zM9 11.500v1.500M15 11.500v1.500M12 4h.01',
    clock: 'M12 4.500a7.500 7.500 0 100 15 7.500 7.500 0 000-15zM12 8v4.300l2.600 1.500',
    tick: 'M5 12.500l4.500 4.500L19 7.500',
    ticks: 'M2.500 12.800l4.200 4.200 8.500-9M11.500 16l1 1L21.500 8',
    alert: 'M12 4.500a7.500 7.500 0 100 15 7.500 7.500 0 000-15zM12 8.200v4.600M12 15.800h.01',
    file: 'M7 3.500h7l4.500 4.500v11a1.500 1.500 0 01-1.500 1.500H7A1.500 1.500 0 015.500 19V5A1.500 1.500 0 017 3.500zM14 3.500V8h4.500M9 12.500h6M9 16h6',
    book: 'M5 5.500A1.500 1.500 0 016.500 4H19v13H6.500A1.500 1.500 0 005 18.500zM5 18.500A1.500 1.500 0 006.500 20H19v-3',
    load: 'M12 4.500V15M7.500 11l4.500 4.500 4.500-4.500M5.500 19.500h13',
    again: 'M19 12a7 7 0 11-2.200-5.100M19 4v4h-4',
  };

  function icon(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', ICONS[name]);
    svg.append(path);
    return svg;
  }

  function el(tag, attributes, children) {
    const node = document.createElement(tag);
    for (const name of Object.keys(attributes || {})) {
      const value = attributes[name];
      if (typeof value === 'function') node.addEventListener(name, value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
    }
    for (const child of children || []) {
      if (child) node.append(child);
    }
    return node;
  }

  function labelled(node, text) {
    node.setAttribute('aria-label', text);
    node.title = text;
  }

  const LINK = /https?:\/\/[^\s<>"'`\u3000-\u303f\uff00-\uff60\u2018-\u201d]+/gi;

  /* Text as text nodes; addresses in it as links that pass nothing on. */
  function appendText(parent, text) {
    let end = 0;
    LINK.lastIndex = 0;
    for (let match = LINK.exec(text); match; match = LINK.exec(text)) {
      let found = match[0].replace(/[.,;:!?*]+$/, '');
      if (found.endsWith(')') && !found.includes('(')) found = found.slice(0, -1);
      let url;
      try {
        url = new URL(found);
      } catch (error) {
        continue;
      }
      parent.append(text.slice(end, match.index));
      parent.append(el('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, [found]));
      end = match.index + found.length;
    }
    parent.append(text.slice(end));
  }

  // ------------------------------------------------------------------ colours

  function luminance(rgb) {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  /* The colour moved towards black or white until it can be read on the surface (WCAG AA). */
  function readable(rgb, surface, towards) {
    let found = rgb;
    for (let step = 0; step < 40 && contrast(found, surface) < 4.6; step += 1) {
      found = found.map((value, i) => value + (towards[i] - value) * 0.06);
    }
    return found.map(Math.round);
  }

  function paintColours(root, accent, isDark) {
    const white = [255, 255, 255];
    const black = [17, 22, 32];
    const rgb = [1, 3, 5].map((at) => parseInt(accent.slice(at, at + 2), 16));
    const on = contrast(rgb, white) >= 4.5 || contrast(rgb, white) > contrast(rgb, black) ? white : black;
    const text = isDark ? readable(rgb, [33, 42, 55], white) : readable(rgb, [244, 246, 249], black);
    const css = (colour) => 'rgb(' + colour.join(',') + ')';
    root.style.setProperty('--accent', css(on === white ? readable(rgb, white, black) : rgb));
    root.style.setProperty('--on-accent', css(on));
    root.style.setProperty('--accent-text', css(text));
    root.style.setProperty('--accent-soft', 'rgba(' + text.join(',') + ',.12)');
  }

  // ------------------------------------------------------------------ view

  const view = {
    isSettled: false,
    rows: new Map(),
    days: new Map(),
    top: 0,
    isPinned: true, // shows the newest message, and goes on doing so
    typingTimer: 0,
    replyTimer: 0,
    theme: script.dataset.theme || 'auto',

    build() {
      this.host = el('div', { id: 'yingda-widget' });
      const shadow = this.host.attachShadow({ mode: 'open' });
      this.addStyle(shadow);
      this.root = el('div', { class: 'root' });
      shadow.append(this.root);
      this.buildLauncher();
      this.buildPanel();
      this.root.append(this.panel, this.launcher);
      this.translate();
      this.paintTheme();
      document.body.append(this.host);
    },

    /* A constructed sheet is let through by strict Content-Security-Policies. */
    addStyle(shadow) {
      try {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(STYLE);
        shadow.adoptedStyleSheets = [sheet];
      } catch (error) {
        shadow.append(el('style', {}, [STYLE]));
      }
    },

    buildLauncher() {
      this.badge = el('span', { class: 'badge', hidden: true, 'aria-hidden': 'true' });
      this.launcher = el('button', {
        class: 'launcher', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'panel',
        click: () => (state.open ? closePanel() : openPanel()),
      }, [icon('chat'), icon('down'), this.badge]);
    },

    buildPanel() {
      this.announcer = el('div', { class: 'sr', role: 'status' });
      this.notice = el('div', { class: 'notice', role: 'status', hidden: true }, [icon('alert'), el('span')]);
      this.log = el('div', { class: 'log', role: 'log', 'aria-live': 'off' });
      this.typing = el('div', { class: 'typing', hidden: true }, [
        el('div', { class: 'face', 'aria-hidden': 'true' }),
        el('div', { class: 'dots', 'aria-hidden': 'true' }, [el('i'), el('i'), el('i')]),
      ]);
      this.scroller = el('div', { class: 'scroller', tabindex: '0', role: 'group', scroll: () => this.onScroll() }, [this.log, this.typing]);
      if (window.ResizeObserver) {
        const observer = new ResizeObserver(() => this.stay());
        observer.observe(this.scroller);
        observer.observe(this.log);
      }
      this.panel = el('section', { class: 'panel', id: 'panel', role: 'dialog', tabindex: '-1', 'aria-labelledby': 'title', hidden: true, keydown: onKey }, [
        this.buildHeader(), this.notice, this.scroller, this.buildFooter(), this.announcer,
      ]);
    },

    buildHeader() {
      this.avatar = el('div', { class: 'avatar', 'aria-hidden': 'true' });
      this.title = el('h2', { class: 'title', id: 'title' });
      this.status = el('p', { class: 'status', 'aria-live': 'polite' });
      this.globe = el('button', { class: 'tool', type: 'button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', click: () => this.toggleMenu() }, [icon('globe')]);
      this.closer = el('button', { class: 'tool', type: 'button', click: closePanel }, [icon('close')]);
      this.menu = el('div', { class: 'menu', role: 'menu', hidden: true }, Object.keys(LANGUAGES).map((language) => el('button', {
        type: 'button', role: 'menuitemradio', lang: language, 'data-language': language, click: () => {
          setLanguage(language);
          this.toggleMenu(false);
        },
      }, [icon('tick'), LANGUAGES[language]])));
      return el('header', { class: 'header' }, [
        this.avatar, el('div', { class: 'who' }, [this.title, this.status]), this.globe, this.closer, this.menu,
      ]);
    },

    buildFooter() {
      this.jump = el('button', { class: 'jump', type: 'button', hidden: true, click: () => this.toEnd() }, [icon('down'), el('span')]);
      this.drafts = el('div', { class: 'drafts', hidden: true });
      this.input = el('textarea', { rows: '1', enterkeyhint: 'send', autocomplete: 'off', input: () => this.onInput(), paste: onPaste });
      this.picker = el('input', { type: 'file', multiple: true, hidden: true, tabindex: '-1', change: () => {
        attach(this.picker.files);
        this.picker.value = '';
      } });
      this.clip = el('button', { class: 'tool clip', type: 'button', click: () => this.picker.click() }, [icon('clip')]);
      this.humanWord = el('span');
      this.human = el('button', { class: 'human', type: 'button', click: askForPerson }, [icon('person'), this.humanWord]);
      this.count = el('span', { class: 'count', hidden: true });
      this.sender = el('button', { class: 'send', type: 'button', disabled: true, click: send }, [icon('send')]);
      this.hint = el('p', { class: 'hint', role: 'alert', hidden: true });
      this.composer = el('div', { class: 'composer', dragover: onDrag, dragleave: onDrag, drop: onDrop }, [
        this.drafts, this.input, this.picker,
        el('div', { class: 'bar' }, [this.clip, this.human, el('span', { class: 'space' }), this.count, this.sender]),
      ]);
      return el('div', { class: 'footer' }, [this.jump, this.composer, this.hint]);
    },

    translate() {
      this.root.lang = state.language;
      labelled(this.globe, t('language'));
      labelled(this.closer, t('close'));
      labelled(this.clip, t('attach'));
      labelled(this.sender, t('send'));
      this.humanWord.textContent = t('human');
      this.input.placeholder = t('placeholder');
      this.input.setAttribute('aria-label', t('placeholder'));
      this.log.setAttribute('aria-label', t('log'));
      this.scroller.setAttribute('aria-label', t('log'));
      this.menu.setAttribute('aria-label', t('language'));
      this.jump.lastChild.textContent = t('fresh');
      for (const item of this.menu.children) item.setAttribute('aria-checked', String(item.dataset.language === state.language));
      for (const row of this.rows.values()) row.remove();
      this.rows.clear();
      this.days.clear();
      this.paintConfig();
      this.paintDrafts();
    },

    paintConfig() {
      const config = state.config;
      this.title.textContent = config ? config.titles[state.language] : '';
      this.clip.hidden = !config || !config.limits.attachments;
      if (config) this.picker.accept = config.limits.attachment_types.join(',');
      paintColours(this.root, config ? config.accent : '#2457d6', this.isDark);
      this.launcher.hidden = !config;
      this.paintStatus();
      this.paintBadge();
      this.sync();
    },

    paintTheme() {
      const dark = window.matchMedia('(prefers-color-scheme: dark)').matches;
      this.isDark = this.theme === 'dark' || (this.theme !== 'light' && dark);
      this.root.classList.toggle('dark', this.isDark);
      this.paintConfig();
    },

    paintStatus() {
      const { connection, controller, agent } = state;
      const isAgent = controller === 'agent';
      const isOff = ['offline', 'refused', 'identity'].includes(connection);
      const text = { queue: t('onQueue'), agent: t('onAgent', { name: agent }) }[controller] || t('onBot');
      this.status.textContent = connection === 'connecting' || connection === 'offline' ? t('connecting') : text;
      this.avatar.className = 'avatar' + (isOff ? ' is-off' : controller === 'queue' ? ' is-waiting' : '');
      this.avatar.replaceChildren(face(isAgent ? 'agent' : 'bot', agent));
      const notice = isOff ? connection : state.busy;
      this.notice.hidden = !notice;
      this.notice.lastChild.textContent = notice ? t(notice) : '';
      this.human.hidden = controller !== 'bot';
      this.onInput(true);
    },

    paintBadge() {
      const count = countUnread();
      this.badge.hidden = !count || state.open;
      this.badge.textContent = count > 99 ? '99+' : count;
      labelled(this.launcher, state.open ? t('close') : t('open') + (count ? ' · ' + t('unread', { n: count }) : ''));
    },

    paintDrafts() {
      this.drafts.hidden = !state.drafts.length;
      this.drafts.replaceChildren(...state.drafts.map((draft) => this.makeDraft(draft)));
      this.onInput(true);
    },

    makeDraft(draft) {
      const isBusy = !draft.error && !draft.uploaded;
      const words = draft.error ? t(draft.error)
        : isBusy ? t('uploading', { n: draft.progress }) : readableSize(draft.size);
      const again = draft.error && el('button', { class: 'tool', type: 'button', click: () => {
        uploadDraft(draft);
        this.paintDrafts();
      } }, [icon('again')]);
      if (again) labelled(again, t('retry') + ': ' + draft.name);
      const drop = el('button', { class: 'tool', type: 'button', click: () => dropDraft(draft) }, [icon('close')]);
      labelled(drop, t('remove') + ': ' + draft.name);
      return el('div', { class: 'draft' + (draft.error ? ' is-failed' : '') }, [
        draft.preview ? el('img', { src: draft.preview, alt: '' }) : el('span', { class: 'kind' }, [icon('file')]),
        el('div', {}, [el('b', {}, [draft.name]), el('small', { role: draft.error ? 'alert' : null }, [words]),
          isBusy && el('progress', { max: '100', value: String(draft.progress), 'aria-label': words })]),
        el('div', { class: 'draft-tools' }, [again, drop]),
      ]);
    },

    /* Brings the shown conversation in line with what is known, touching only what changed. */
    sync() {
      if (!this.log || !this.root) return;
      const messages = sortedMessages();
      const wanted = [];
      let before = null;
      messages.forEach((message, i) => {
        const after = messages[i + 1];
        const day = dayKey(message.time);
        if (!before || dayKey(before.time) !== day) wanted.push(this.day(day, message.time));
        const row = this.row(message);
        const isFirst = !belongs(before, message) || wanted[wanted.length - 1].className === 'day';
        row.classList.toggle('is-first', isFirst);
        row.classList.toggle('is-last-of-group', !after || !belongs(message, after) || dayKey(after.time) !== day);
        row.classList.toggle('is-newest', !after);
        wanted.push(row);
        before = message;
      });
      this.arrange(wanted);
      this.paintBadge();
      this.stay();
      receipts.plan();
    },

    arrange(wanted) {
      const keep = new Set(wanted);
      for (const node of Array.from(this.log.children)) {
        if (!keep.has(node)) node.remove();
      }
      let cursor = this.log.firstChild;
      for (const node of wanted) {
        if (node === cursor) cursor = cursor.nextSibling;
        else this.log.insertBefore(node, cursor);
      }
    },

    day(key, time) {
      if (!this.days.has(key)) this.days.set(key, el('div', { class: 'day' }, [el('span')]));
      const node = this.days.get(key);
      const name = dayName(key, time);
      if (node.textContent !== name) node.firstChild.textContent = name;
      return node;
    },

    /* What was shown once is not built anew, or a screen reader would read it again. */
    row(message) {
      const known = this.rows.get(message.key);
      const row = known || el('div', { 'data-id': message.key });
      const content = message.kind + message.author + message.text;
      if (row.content !== content) {
        row.content = content;
        row.look = '';
        this.fillRow(row, message);
        if (message.isNew && !known) row.classList.add('is-new');
      }
      const look = [message.state, message.failed, message.time, link.ready].join();
      if (message.kind === 'customer' && row.look !== look) {
        row.look = look;
        this.paintOwn(row, message);
      }
      this.rows.set(message.key, row);
      return row;
    },

    fillRow(row, message) {
      const isOwn = message.kind === 'customer';
      if (message.kind === 'activity') {
        row.className = 'activity';
        row.replaceChildren(message.text);
        return;
      }
      const name = isOwn ? t('you') : message.author || t('bot');
      row.className = 'row' + (isOwn ? ' own' : '');
      row.meta = el('div', { class: 'meta' });
      row.replaceChildren(...[
        el('div', { class: isOwn ? 'sr' : 'name' }, [name]),
        !isOwn && el('div', { class: 'face', 'aria-hidden': 'true' }, [face(message.kind, name)]),
        this.makeStack(message),
        row.meta,
        this.makeChoices(message),
      ].filter(Boolean));
      if (!isOwn) row.meta.append(makeTime(message.time));
    },

    makeStack(message) {
      const stack = el('div', { class: 'stack' });
      if (message.text) {
        const bubble = el('div', { class: 'bubble', dir: 'auto' });
        appendText(bubble, message.text);
        stack.append(bubble);
      }
      const files = message.attachments || [];
      if (files.length) stack.append(el('div', { class: 'files' }, files.map(makeFile)));
      if (message.article) stack.append(makeSource(message.article));
      return stack;
    },

    makeChoices(message) {
      if (!message.choices || !message.choices.length) return null;
      return el('div', { class: 'choices', role: 'group', 'aria-label': t('choices') }, message.choices.map((choice) => el('button', {
        type: 'button', click: () => say(choice.title, choice.payload),
      }, [choice.title])));
    },

    paintOwn(row, message) {
      const isWaiting = message.state === 'sending';
      const isFailed = message.state === 'failed';
      row.classList.toggle('is-waiting', isWaiting);
      row.classList.toggle('is-failed', isFailed);
      const word = isFailed ? failure(message.failed)
        : isWaiting && state.connection !== 'ready' ? t('waiting') : t(message.state);
      const sign = icon({ sending: 'clock', sent: 'tick', failed: 'alert' }[message.state] || 'ticks');
      if (message.state === 'read') sign.classList.add('is-read');
      const mark = el('span', { title: word }, [sign, el('span', { class: 'sr' }, [word])]);
      row.meta.replaceChildren(...(isFailed ? [
        sign, word,
        el('button', { type: 'button', click: () => outbox.retry(message.key) }, [t('retry')]),
        el('button', { type: 'button', click: () => outbox.remove(message.key) }, [t('remove')]),
      ] : [makeTime(message.time), mark]));
    },

    unsettle() {
      this.isSettled = false;
      this.log.setAttribute('aria-live', 'off');
    },

    /* From here on, what comes is news to be announced. */
    onHistory(seq) {
      if (this.isSettled) return;
      const settle = () => {
        this.isSettled = true;
        this.log.setAttribute('aria-live', 'polite');
      };
      if (!seq || state.seq >= seq) settle();
      else setTimeout(settle, 1500);
    },

    showTyping(author, duration) {
      if (author) this.typingAuthor = author;
      const name = author || t('bot');
      this.typing.firstChild.replaceChildren(face(author ? 'agent' : 'bot', name));
      this.announcer.textContent = t('typing', { name });
      this.typing.hidden = false;
      this.stay();
      clearTimeout(this.typingTimer);
      this.typingTimer = setTimeout(() => this.hideTyping(), duration);
    },

    hideTyping() {
      if (!this.typing) return;
      clearTimeout(this.typingTimer);
      clearTimeout(this.replyTimer);
      this.typing.hidden = true;
      this.announcer.textContent = '';
    },

    /* The bot is at it: dots, unless the answer is there before they could be seen. */
    expectReply() {
      clearTimeout(this.replyTimer);
      this.replyTimer = setTimeout(() => this.showTyping('', 8000), 250);
    },

    toEnd() {
      this.isPinned = true;
      this.stay();
    },

    /* Follows what is new, unless the visitor went back to read. */
    stay() {
      if (this.isPinned) this.scroller.scrollTop = this.scroller.scrollHeight;
      this.top = this.scroller.scrollTop;
      this.jump.hidden = this.isPinned || !countUnread();
    },

    onScroll() {
      const box = this.scroller;
      // What grows below, such as a picture that loads, is no wish to read back.
      if (box.scrollHeight - box.scrollTop - box.clientHeight < 60) this.isPinned = true;
      else if (box.scrollTop < this.top) this.isPinned = false;
      this.stay();
      receipts.plan();
    },

    onInput(isQuiet) {
      const input = this.input;
      const length = Array.from(input.value).length;
      const limit = state.config ? state.config.limits.text : 4000;
      input.style.height = 'auto';
      if (input.scrollHeight) input.style.height = Math.min(132, input.scrollHeight) + 'px';
      this.count.hidden = length < limit * 0.9;
      this.count.textContent = limit - length;
      this.count.classList.toggle('is-over', length > limit);
      const isUploading = state.drafts.some((draft) => !draft.uploaded && !draft.error);
      const hasFile = state.drafts.some((draft) => draft.uploaded);
      this.sender.disabled = isUploading || length > limit || !(input.value.trim() || hasFile);
      if (isQuiet === true) return;
      this.setHint(length > limit ? t('over', { n: limit }) : '');
      if (length) tellTyping();
    },

    setHint(text) {
      this.hint.textContent = text;
      this.hint.hidden = !text;
    },

    toggleMenu(force) {
      const isOpen = force === undefined ? this.menu.hidden : force;
      this.menu.hidden = !isOpen;
      this.globe.setAttribute('aria-expanded', String(isOpen));
      if (isOpen) this.menu.querySelector('[aria-checked=true]').focus();
      else this.globe.focus();
    },

    isModal() { return window.matchMedia('(max-width: 480px)').matches; },

    /* Keeps the composer above the on-screen keyboard. */
    fitKeyboard() {
      const port = window.visualViewport;
      if (port) this.root.style.setProperty('--keyboard', Math.max(0, window.innerHeight - port.height - port.offsetTop) + 'px');
    },

    setOpen(isOpen) {
      this.panel.hidden = !isOpen;
      this.root.classList.toggle('is-open', isOpen);
      this.launcher.setAttribute('aria-expanded', String(isOpen));
      const isModal = isOpen && this.isModal();
      this.panel.setAttribute('aria-modal', String(isModal));
      this.lockPage(isModal);
      this.menu.hidden = true;
      this.paintBadge();
    },

    /* The page behind does not scroll while the chat covers it. */
    lockPage(isLocked) {
      const style = document.documentElement.style;
      if (isLocked === (this.overflow !== undefined)) return;
      if (isLocked) {
        this.overflow = style.overflow;
        style.overflow = 'hidden';
      } else {
        style.overflow = this.overflow;
        this.overflow = undefined;
      }
    },

    showPicture(file) {
      const back = this.root.getRootNode().activeElement;
      const closer = el('button', { class: 'tool', type: 'button' }, [icon('close')]);
      const saver = el('a', { class: 'tool', href: address(file.url), download: file.name }, [icon('load')]);
      labelled(closer, t('close'));
      labelled(saver, t('download'));
      const viewer = el('div', { class: 'viewer', role: 'dialog', 'aria-modal': 'true', 'aria-label': file.name }, [
        el('img', { src: address(file.url), alt: file.name }), el('div', { class: 'viewer-bar' }, [saver, closer]),
      ]);
      const leave = () => {
        viewer.remove();
        if (back) back.focus();
      };
      viewer.addEventListener('click', (event) => { if (event.target === viewer) leave(); });
      viewer.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') leave();
        if (event.key === 'Tab') trap(event, [saver, closer]);
        event.stopPropagation();
      });
      closer.addEventListener('click', leave);
      this.root.append(viewer);
      closer.focus();
    },
  };

  function face(kind, name) {
    return kind === 'agent' && name ? Array.from(name)[0].toUpperCase() : icon('bot');
  }

  function failure(code) {
    const { limits } = state.config;
    const words = { stale: 'stale', file_expired: 'lost', too_long: 'over', too_many_files: 'many' }[code];
    return words ? t(words, { n: code === 'too_long' ? limits.text : limits.attachments }) : t('noSend');
  }

  function makeTime(time) {
    const text = new Intl.DateTimeFormat(state.language, {
      hour: 'numeric', minute: '2-digit', hourCycle: state.language === 'en' ? undefined : 'h23',
    }).format(time);
    return el('time', { datetime: new Date(time).toISOString() }, [text]);
  }

  function makeFile(file) {
    if (file.thumb) {
      const button = el('button', { class: 'picture', type: 'button', click: () => view.showPicture(file) });
      labelled(button, t('view', { name: file.name }));
      const scale = Math.min(1, 240 / (file.width || 240), 240 / (file.height || 240));
      button.append(el('img', {
        src: address(file.thumb), alt: file.name, loading: 'lazy',
        width: file.width && Math.round(file.width * scale), height: file.height && Math.round(file.height * scale),
      }));
      return button;
    }
    const words = el('span', {}, [el('b', {}, [file.name]), el('small', {}, [readableSize(file.size)])]);
    return el('a', { class: 'file', href: address(file.url), download: file.name, target: '_blank', rel: 'noopener noreferrer' }, [
      el('span', { class: 'kind' }, [icon('file')]), words,
    ]);
  }

  function makeSource(article) {
    const words = el('span', {}, [article.title || (article.url ? t('article') : t('source'))]);
    const isSafe = article.url && /^(https?:\/\/|\/)/.test(article.url);
    if (!isSafe) return el('div', { class: 'source' }, [icon('book'), words]);
    const href = article.url[0] === '/' ? address(article.url) : article.url;
    return el('a', { class: 'source', href, target: '_blank', rel: 'noopener noreferrer' }, [icon('book'), words]);
  }

  function sortedMessages() {
    const all = Array.from(state.messages.values()).sort((a, b) => (
      a.seq && b.seq ? a.seq - b.seq : a.seq ? -1 : b.seq ? 1 : a.key < b.key ? -1 : 1
    ));
    const greeting = state.config && state.config.greeting;
    if (greeting && !state.isReturning) {
      all.unshift({
        key: 'greeting', kind: 'bot', author: '', text: greeting.text, choices: greeting.choices, time: state.greetedAt,
      });
    }
    return all;
  }

  function belongs(before, message) {
    return Boolean(before) && before.kind === message.kind && before.author === message.author &&
      message.kind !== 'activity' && message.time - before.time < GROUP_MS;
  }

  function dayKey(time) {
    const date = new Date(time);
    return [date.getFullYear(), date.getMonth(), date.getDate()].join('-');
  }

  function dayName(key, time) {
    if (key === dayKey(now())) return t('today');
    if (key === dayKey(now() - 86400000)) return t('yesterday');
    return new Intl.DateTimeFormat(state.language, { month: 'long', day: 'numeric', weekday: 'long' }).format(time);
  }

  // ------------------------------------------------------------------ what the visitor does

  function openPanel(text) {
    if (!state.open) {
      state.open = true;
      view.setOpen(true);
      view.sync();
      view.toEnd();
      // On a phone the keyboard would cover the greeting.
      setTimeout(() => { if (state.open) (view.isModal() ? view.panel : view.input).focus(); }, 0);
    }
    if (typeof text === 'string' && text) view.input.value = text;
    view.onInput(true);
    link.start();
    receipts.plan();
  }

  function closePanel() {
    if (!state.open) return;
    receipts.tell();
    state.open = false;
    view.setOpen(false);
    view.launcher.focus();
  }

  function say(text, payload, files) {
    view.toEnd();
    if (outbox.add(text, payload, files)) {
      view.toEnd();
      link.start();
      return true;
    }
    view.setHint(t('stuck'));
    return false;
  }

  function send() {
    if (view.sender.disabled) return;
    const uploaded = state.drafts.filter((draft) => draft.uploaded);
    const text = wellFormed(view.input.value.trim());
    if (!say(text, null, uploaded.map((draft) => draft.uploaded))) return;
    view.input.value = '';
    uploaded.forEach(dropDraft);
    view.onInput(true);
    view.setHint('');
    view.input.focus();
  }

  /* A lone half of a surrogate pair is no text that JSON in UTF-8 could carry. */
  function wellFormed(text) {
    return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|([^\ud800-\udbff]|^)[\udc00-\udfff]/g, '$1\ufffd');
  }

  function askForPerson() {
    say(HUMAN[state.language]);
    view.input.focus();
  }

  let typedAt = 0;
  function tellTyping() {
    if (Date.now() - typedAt < 3000 || state.controller === 'bot') return;
    typedAt = Date.now();
    link.signal({ type: 'typing' });
  }

  function onKey(event) {
    if (event.key === 'Escape') {
      event.stopPropagation();
      if (view.menu.hidden) closePanel();
      else view.toggleMenu(false);
    } else if (event.key === 'Enter' && event.target === view.input && !event.shiftKey) {
      // While an input method composes, Enter chooses a candidate.
      if (event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      send();
    } else if (event.key === 'Tab' && view.isModal()) {
      const able = Array.from(view.panel.querySelectorAll('button, a[href], textarea, [tabindex="0"]'));
      trap(event, able.filter((node) => !node.disabled && node.offsetParent));
    } else if (!view.menu.hidden && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      const items = Array.from(view.menu.children);
      const at = items.indexOf(event.target);
      items[(at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length].focus();
    }
  }

  function trap(event, nodes) {
    const last = nodes[nodes.length - 1];
    const active = view.root.getRootNode().activeElement;
    if (event.shiftKey && active === nodes[0]) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && active === last) {
      event.preventDefault();
      nodes[0].focus();
    }
  }

  function onPaste(event) {
    const files = event.clipboardData ? event.clipboardData.files : [];
    if (!files.length || view.clip.hidden) return;
    event.preventDefault();
    attach(files);
  }

  function onDrag(event) {
    if (view.clip.hidden) return;
    event.preventDefault();
    view.composer.classList.toggle('is-over', event.type === 'dragover');
  }

  function onDrop(event) {
    onDrag(event);
    if (!view.clip.hidden) attach(event.dataTransfer.files);
  }

  function setLanguage(language) {
    const found = findLanguage(language);
    if (!found || found === state.language) return;
    state.language = found;
    store.set('language', found);
    view.translate();
    loadConfig().catch(() => { /* the old greeting stays */ });
  }

  function identify(given) {
    const identity = readIdentity(given);
    const isSame = JSON.stringify(identity) === JSON.stringify(state.identity);
    if (isSame && state.connection !== 'identity') return;
    link.reset();
    outbox.onBroken();
    outbox.mine.clear();
    state.identity = identity;
    state.messages.clear();
    state.seq = 0;
    state.visitor = '';
    view.unsettle();
    setController('bot', '');
    begin();
  }

  /* Takes up this visitor's earlier conversation, if there is one. */
  function begin() {
    state.readSeq = store.get(scope() + 'read') || 0;
    state.isReturning = state.readSeq > 0;
    outbox.load();
    view.sync();
    const isKnown = state.identity ? store.get(scope() + 'read') : store.get(scope() + 'session');
    if (isKnown || state.open || outbox.mine.size) link.start();
  }

  function onStorage(event) {
    if (!event.key || !event.key.startsWith(store.prefix + scope())) return;
    const key = event.key.slice((store.prefix + scope()).length);
    const value = event.newValue ? JSON.parse(event.newValue) : null;
    if (key.startsWith('q:')) outbox.onStorage(key.slice(2), value);
    else if (key === 'read' && value > state.readSeq) {
      state.readSeq = value;
      view.paintBadge();
    }
  }

  function onAwake() {
    if (document.visibilityState === 'hidden') return;
    receipts.plan();
    if (link.ready) link.probe();
    else if (link.timer) link.start();
  }

  function listen() {
    window.addEventListener('online', onAwake);
    window.addEventListener('offline', () => link.onOffline());
    window.addEventListener('storage', onStorage);
    // Another width breaks the lines in the composer elsewhere.
    window.addEventListener('resize', () => view.onInput(true));
    document.addEventListener('visibilitychange', onAwake);
    if (window.visualViewport) window.visualViewport.addEventListener('resize', () => view.fitKeyboard());
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => view.paintTheme());
    view.panel.addEventListener('click', (event) => {
      if (!view.menu.hidden && !event.target.closest('.menu, [aria-haspopup]')) view.toggleMenu(false);
    });
    document.addEventListener('click', (event) => {
      const opener = event.target.closest && event.target.closest('[data-yingda-open]');
      if (!opener) return;
      event.preventDefault();
      openPanel(opener.dataset.yingdaOpen);
    });
  }

  async function boot() {
    state.language = chooseLanguage();
    state.identity = readIdentity(script.dataset);
    view.build();
    listen();
    onBuilt();
    for (let attempt = 0; !state.config; attempt += 1) {
      try {
        await loadConfig();
      } catch (error) {
        if (error instanceof Refusal && error.status < 500 && error.status !== 429) {
          console.warn('[Yingda] ' + error.message);
          return;
        }
        await new Promise((resolve) => { setTimeout(resolve, Math.min(30000, 2000 * Math.pow(2, attempt))); });
      }
    }
    begin();
  }

  let onBuilt;
  const built = new Promise((resolve) => { onBuilt = resolve; });
  window.Yingda = {
    open: (text) => built.then(() => openPanel(text)),
    close: () => built.then(closePanel),
    identify: (given) => built.then(() => identify(given)),
    setLanguage: (language) => built.then(() => setLanguage(language)),
  };

  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', boot);
  else boot();
})();
