// @ts-check
/** @import { Entry, Seen } from './timeline.js' */
import { html, nothing, render } from 'lit-html';
import { withCode } from '../demo/money.js';
import { faults } from './faults.js';
import { paymentsOf, STATIONS, stationOf, timelineOf } from './timeline.js';

const LOOK_EVERY_MS = 1_000;
const STATES = ['PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED'];

const room = /** @type {HTMLElement} */ (document.getElementById('room'));
/** @type {Seen} */
let seen = {
  items: [],
  requests: [],
  webhooks: [],
  events: [],
  queues: {},
  faults: [],
  kindsOf: {},
  whatHappens: {},
};
let said = '';
/** Which entries are unfolded, so that a new look leaves them so. @type {Set<string>} */
const unfolded = new Set();

const GONE = 'The service does not answer. Is npm start running?';

async function look() {
  try {
    const answer = await fetch('/control-room/state');
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    seen = await answer.json();
    if (said === GONE) said = '';
  } catch {
    said = GONE;
  }
  draw();
}

async function keepLooking() {
  await look();
  setTimeout(keepLooking, LOOK_EVERY_MS);
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
  said = problem ? `paytech refused: ${problem.message ?? answer.status}` : 'Done.';
  await look();
}

function draw() {
  const payments = paymentsOf(seen);
  const payment = payments.find(({ id }) => `#${id}` === location.hash) ?? payments[0];
  if (room.ariaBusy) room.replaceChildren();
  room.ariaBusy = null;
  render(
    html`
      ${queues()}
      ${
        payment
          ? html`<div class="columns">
              <nav aria-label="Payments">
                <h2>Payments</h2>
                <ul>${payments.map((each) => row(each, each === payment))}</ul>
              </nav>
              ${detail(payment)}
            </div>`
          : firstSteps()
      }
      ${faults(seen, control, draw)}
      <p role="status" class="said">${said}</p>
    `,
    room,
  );
}

/** What to do while there is no payment to show. */
function firstSteps() {
  return html`<section class="card first-steps" aria-labelledby="first">
    <h2 id="first">Payments</h2>
    <p>None yet. Make one, and watch it come by here, from its claim to its event:</p>
    <ul>
      <li><a href="/">Buy something in the demo shop</a>, and pay with one of its test cards.</li>
      <li>Or, in a terminal: <code>npm run ops -- trigger payment.completed</code></li>
    </ul>
    <p class="soft">
      Then you can play paytech with it, and see what the service makes of a webhook that lies or comes twice. Below you
      let calls and webhooks fail, also before there is a payment.
    </p>
  </section>`;
}

function queues() {
  const chips = Object.entries(seen.queues).map(
    ([name, depth]) =>
      html`<li class=${depth === 0 ? '' : isDeadLetter(name) ? 'broken' : 'busy'}><span>${name}</span> <b>${depth}</b></li>`,
  );
  return html`<section aria-label="Queues"><ul class="queues">${chips}</ul></section>`;
}

/** Whether what lies in the queue was given up. @param {string} name */
const isDeadLetter = (name) => /-(dlq|undelivered)$/.test(name);

/**
 * @param {any} payment
 * @param {boolean} isShown
 */
function row({ id, referenceId, paymentType, state, amount, currency }, isShown) {
  return html`<li>
    <a href="#${id}" aria-current=${isShown ? 'true' : nothing}>
      <span>${referenceId ?? id}</span> ${pill(state)}
      <small>${paymentType.toLowerCase()}</small> ${money(amount, currency)}
    </a>
  </li>`;
}

/** @param {string} state */
const pill = (state) => html`<span class="pill" data-state=${state}>${state}</span>`;

/** @param {string | undefined} amount none while the customer chooses it @param {string} currency */
const money = (amount, currency) =>
  html`<span class="money">${amount === undefined ? currency : withCode(amount, currency)}</span>`;

/** @param {any} payment */
function detail(payment) {
  const timeline = timelineOf(payment, seen);
  return html`<section class="card" aria-labelledby="shown">
    <div class="title">
      <h2 id="shown">${payment.referenceId ?? payment.id}</h2>
      ${pill(payment.state)}
    </div>
    <p class="soft">
      ${money(payment.amount, payment.currency)}, version ${payment.version}, <code>${payment.id}</code>
    </p>
    <ol class="stations" aria-label="The way so far">
      ${STATIONS.map(([step, name]) => {
        const { state, note } = stationOf(timeline, step);
        return html`<li class=${state}><b>${name}</b> <small>${note}</small></li>`;
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

addEventListener('hashchange', draw);
await keepLooking();
