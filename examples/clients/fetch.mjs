// Makes one video with the EvoLink API: creates a task, polls it until it ends, saves the result. Needs Node.js 18.17, no packages.
//
//     EVOLINK_API_KEY=… node fetch.mjs --prompt TEXT --image-url URL --output video.mp4
//
// Exit status: 0 saved, 1 refused or failed, 2 bad usage, 3 gave up. The reason is printed on stderr.
import { createWriteStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

class End extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}
const refused = ({ status, body: { error } }) =>
  new End(1, `${error?.code || `no code (status ${status})`}: ${error?.message || 'no message'}`);
const gaveUp = (text) => new End(3, `gave up: ${text}`);
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const safe = (text) => {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
};

const seconds = (header) => {
  const wait = /^\d+$/.test(header ?? '') ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(wait) ? 5 : Math.max(1, wait);
};

function client({ base, key, until }) {
  const left = () => (until - performance.now()) / 1000;

  // Sends a request. Status -1: the API was not reached. 0: it may have been reached, but its response was lost.
  async function ask(path, options = {}) {
    const headers = { Authorization: `Bearer ${key}`, ...options.headers };
    const signal = AbortSignal.timeout(Math.ceil(Math.min(30, Math.max(1, left())) * 1000));
    try {
      const answer = await fetch(base + path, { redirect: 'manual', signal, ...options, headers });
      const [status, text] = [answer.status, await answer.text()];
      const is = answer.headers.get('content-type')?.includes('json') ? parsed(text) : null;
      const readable = isObject(is) && (answer.ok || 'error' in is);
      if (!readable && (answer.ok || status >= 500)) return { status: 0, body: {} };
      return { status, body: readable ? is : {}, retryAfter: seconds(answer.headers.get('retry-after')) };
    } catch (error) {
      return { status: unsent.has(error.cause?.code) ? -1 : 0, body: {} };
    }
  }

  async function wait(answer, failures, interval, news) {
    const pause = answer.status === 429 ? Math.max(interval, answer.retryAfter) : interval * 2 ** failures;
    if (pause > left()) throw gaveUp(`out of time: ${news}`);
    await sleep(pause * 1000 + 5); // a timer may be a little early
  }

  async function create(order) {
    const options = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(order) };
    for (let failures = 0; ; ) {
      const answer = await ask('/v1/videos/generations', options);
      const { status, body } = answer;
      if (status >= 200 && status < 300 && body.id && typeof body.id === 'string') return body.id;
      if (status === -1 && failures === 2) throw gaveUp('the API cannot be reached; nothing was created');
      const again = status === 429 || ((status === -1 || status === 500) && failures < 2);
      if (!again && status >= 300 && status <= 500) throw refused(answer);
      if (!again) throw gaveUp("create's answer is lost: there may be a task, with credits reserved. It is not sent again.");
      await wait(answer, failures, 1, 'no task was created');
      if (status !== 429) failures += 1;
    }
  }

  async function follow(id, interval) {
    for (let failures = 0; ; ) {
      const answer = await ask(`/v1/tasks/${encodeURIComponent(id)}`);
      const { status, body } = answer;
      const ok = status >= 200 && status < 300;
      if ((ok && body.status === 'failed') || (status >= 300 && status < 500 && status !== 429)) throw refused(answer);
      if (ok && body.status === 'completed') {
        const link = Array.isArray(body.results) ? body.results.find(safe) : undefined;
        if (link) return link;
        throw gaveUp(`${id} is completed, without a result that can be used`);
      }
      const going = ok || status === 429; // a task with an unknown status is still running
      if (going) failures = 0;
      await wait(answer, failures, interval, `${id} may go on; ask for it later`);
      if (!going) failures += 1;
    }
  }
  return { create, follow };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// An MP4 file is a sequence of boxes. Each box begins with its length.
async function whole(path) {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    let at = 0;
    for (const head = Buffer.alloc(16); at < size; ) {
      await file.read(head, 0, 16, at);
      const length = head.readUInt32BE(0);
      at += (length === 1 ? Number(head.readBigUInt64BE(8)) : length) || size - at;
    }
    return size > 0 && at === size;
  } finally {
    await file.close();
  }
}

// Saves the whole video or nothing. The link needs no key, so none is sent.
async function save(link, output) {
  const part = `${output}.part`;
  for (const pause of [1, 2, 0]) {
    try {
      const answer = await fetch(link, { headers: { 'Accept-Encoding': 'identity' }, signal: AbortSignal.timeout(600_000) });
      const { status, ok } = answer;
      if (status >= 400 && status < 500 && status !== 429) throw gaveUp(`the link to the video no longer works (status ${status})`);
      if (answer.body) await pipeline(Readable.fromWeb(answer.body), createWriteStream(part));
      if (ok && (await whole(part))) return await rename(part, output);
    } catch (error) {
      if (error instanceof End) throw error;
    } finally {
      await rm(part, { force: true });
    }
    await sleep(pause * 1000);
  }
  throw gaveUp(`the video could not be downloaded completely; for 24 hours it is at ${link}`);
}

function told() {
  const names = ['prompt', 'image-url', 'output', 'interval', 'deadline'];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const { values } = parseArgs({ options });
  const { prompt, 'image-url': image, output, interval = '2', deadline = '600' } = values;
  const [base, key] = [process.env.EVOLINK_BASE_URL || 'https://api.evolink.ai', process.env.EVOLINK_API_KEY];
  const need = (right, text) => {
    if (!right) throw new End(2, text);
  };
  need(prompt && image && output, 'usage: fetch.mjs --prompt TEXT --image-url URL --output FILE [--interval 2] [--deadline 600]');
  need(/^[\x21-\x7e][\x20-\x7e]*$/.test(key ?? ''), 'EVOLINK_API_KEY is not set to a key');
  need(safe(base), 'EVOLINK_BASE_URL has to be https');
  need(/^https?:\/\//.test(image) && URL.canParse(image), '--image-url has to be a URL');
  need(Number(interval) >= 1 && Number(deadline) > 0, '--interval has to be 1 at least, --deadline more than 0');
  need(existsSync(dirname(output)), '--output: there is no such directory');
  return { prompt, image, output, interval: Number(interval), deadline: Number(deadline), base: base.replace(/\/+$/, ''), key };
}

try {
  const { prompt, image, output, interval, deadline, base, key } = told();
  const api = client({ base, key, until: performance.now() + deadline * 1000 });
  const id = await api.create({ model: 'grok-imagine-image-to-video-beta', prompt, image_urls: [image] });
  console.error(`evolink: created ${id}`);
  await save(await api.follow(id, interval), output);
} catch (error) {
  console.error(`evolink: ${error.message}`);
  process.exitCode = error.status ?? (error.code?.startsWith('ERR_PARSE_ARGS') ? 2 : 3);
}
