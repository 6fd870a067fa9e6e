// @ts-check
/** @import { Entry, Seen } from './timeline.js' */
import { html, nothing, render } from 'lit-html';
import { paymentsOf, STATIONS, timelineOf } from './timeline.js';

const LOOK_EVERY_MS = 1_000;
const STATES = ['PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED'];
const CALLS = ['create', 'get', 'list', 'patch', 'capture', 'void', 'approve', 'reject', 'balances'];
const CALL_FAULTS = ['timeout', 'timeout-after-accept', 'html', 'reset', '500', '429', 'slow', 'delay'];
const WEBHOOK_FAULTS = ['drop', 'duplicate', 'delay', 'slow', 'reorder'];
const FAULTS = [
  ...WEBHOOK_FAULTS.map((kind) => `webhook ${kind}`),
  ...CALLS.flatMap((call) => CALL_FAULTS.map((kind) => `${call} ${kind}`)),
];

const room = /** @type {HTMLElement} */ (document.getElementById('room'));
/** @type {Seen} */
let seen = { items: [], requests: [], webhooks: [], events: [], queues: {} };
let said = '';
/** Which entries are unfolded, so that a new look leaves them so. @type {Set<string>} */
const unfolded = new Set();

async function look() {
  try {
    const answer = await fetch('/control-room/state');
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    seen = await answer.json();
  } catch {
    said = 'The service does not answer. Is npm start running?';
  }
  draw();
  setTimeout(look, LOOK_EVERY_MS);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
async function control(method, path, body = {}) {
  const answer = await fetch(`/control-room/simulator${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(method === 'POST' && { body: JSON.stringify(body) }),
  });
  const problem = answer.ok ? undefined : await answer.json().catch(() => ({}));
  say(problem ? `paytech refused: ${problem.message ?? answer.status}` : 'Done.');
}

/** @param {string} text */
function say(text) {
  said = text;
  draw();
}

function draw() {
  const payments = paymentsOf(seen);
  const payment = payments.find(({ id }) => `#${id}` === location.hash) ?? payments[0];
  if (room.ariaBusy) room.replaceChildren();
  room.ariaBusy = null;
  render(
    html`
      ${queues()}
      <div class="columns">
        <nav aria-label="Payments">
          <h2>Payments</h2>
          ${
            payments.length === 0
              ? html`<p class="empty">None yet. <a href="/">Buy something</a> and watch it come by.</p>`
              : html`<ul>${payments.map((each) => row(each, each === payment))}</ul>`
          }
        </nav>
        ${payment ? detail(payment) : html`<section class="card"><p class="empty">Nothing to show.</p></section>`}
      </div>
      ${faults()}
      <p role="status" class="said">${said}</p>
    `,
    room,
  );
}

function queues() {
  const chips = Object.entries(seen.queues).map(
    ([name, depth]) => html`<li class=${depth > 0 ? 'busy' : ''}><span>${name}</span> <b>${depth}</b></li>`,
  );
  return html`<section aria-label="Queues"><ul class="queues">${chips}</ul></section>`;
}

/**
 * @param {any} payment
 * @param {boolean} isShown
 */
function row({ id, referenceId, paymentType, state, amount, currency }, isShown) {
  return html`<li>
    <a href="#${id}" aria-current=${isShown ? 'true' : nothing}>
      <span>${referenceId ?? id}</span> ${pill(state)}
      <small>${paymentType.toLowerCase()}, ${amount} ${currency}</small>
    </a>
  </li>`;
}

/** @param {string} state */
const pill = (state) => html`<span class="pill" data-state=${state}>${state}</span>`;

/** @param {any} payment */
function detail(payment) {
  const timeline = timelineOf(payment, seen);
  return html`<section class="card" aria-labelledby="shown">
    <div class="title">
      <h2 id="shown">${payment.referenceId ?? payment.id}</h2>
      ${pill(payment.state)}
    </div>
    <p class="soft">
      ${payment.amount} ${payment.currency}, version ${payment.version}, <code>${payment.id}</code>
    </p>
    <ol class="stations" aria-label="The way so far">
      ${STATIONS.map(([step, name]) => {
        const times = timeline.filter((entry) => entry.step === step).length;
        return html`<li class=${times > 0 ? 'reached' : ''}><b>${name}</b> <small>${times || 'not yet'}</small></li>`;
      })}
    </ol>
    ${controls(payment)}
    <h3>What happened</h3>
    <ol class="timeline">${timeline.map(entryOf)}</ol>
  </section>`;
}

/** @param {Entry} entry */
function entryOf({ at, step, title, detail, tone, json }) {
  const key = `${at} ${step} ${title}`;
  const toggled = (/** @type {Event} */ { target }) => {
    if (/** @type {HTMLDetailsElement} */ (target).open) unfolded.add(key);
    else unfolded.delete(key);
  };
  return html`<li data-step=${step} data-tone=${tone ?? nothing}>
    <details ?open=${unfolded.has(key)} @toggle=${toggled}>
      <summary>
        <time datetime=${at}>${at.slice(11, 23)}</time> <b class="step">${step}</b> <span>${title}</span>
        <small>${detail}</small>
      </summary>
      <pre tabindex="0">${JSON.stringify(json, null, 2)}</pre>
    </details>
  </li>`;
}

/** @param {any} payment */
function controls({ id }) {
  /** @param {(state: string) => Promise<void>} act */
  const withState = (act) => (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    act(String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('state')));
  };
  const stateForm = (/** @type {string} */ label, /** @type {string} */ button, /** @type {any} */ act) =>
    html`<form @submit=${withState(act)}>
      <label>${label} <select name="state">${STATES.map((state) => html`<option ?selected=${state === 'COMPLETED'}>${state}</option>`)}</select></label>
      <button>${button}</button>
    </form>`;
  return html`<div class="controls" role="group" aria-label="Play paytech">
    ${stateForm('paytech makes it', 'Drive', (/** @type {string} */ state) =>
      control('POST', `/payments/${id}/pay`, { state }),
    )}
    ${stateForm('A signed webhook lies', 'Contradict', (/** @type {string} */ state) =>
      control('POST', `/payments/${id}/webhook`, { state }),
    )}
    <button type="button" @click=${() => control('POST', `/payments/${id}/webhook`)}>Resend the webhook</button>
  </div>`;
}

function faults() {
  const set = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const [on, kind] = String(form.get('fault')).split(' ');
    control('POST', '/faults', { on, kind, times: Number(form.get('times')) });
  };
  return html`<section class="card faults" aria-labelledby="faults">
    <h2 id="faults">Let something go wrong</h2>
    <form @submit=${set}>
      <label>The next <input name="times" type="number" min="1" max="100" value="1" /> of</label>
      <label>call and fault <select name="fault">${FAULTS.map((fault) => html`<option>${fault}</option>`)}</select></label>
      <button>Set</button>
      <button type="button" @click=${() => control('DELETE', '/faults')}>Clear all</button>
    </form>
  </section>`;
}

addEventListener('hashchange', draw);
await look();
