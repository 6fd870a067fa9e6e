// @ts-check
/** @import { Seen } from './timeline.js' */
import { html } from 'lit-html';

/*
 * What goes wrong next at the simulator: a form that sets it, and a list of what is set, each with a button that takes
 * it away.
 */

/** The calls by whom they serve, as the form groups them; one that is in none of them comes last. */
const GROUPS = {
  'paytech tells us': ['webhook'],
  'A customer pays': ['create', 'get', 'patch'],
  'The back office acts': ['capture', 'void', 'approve', 'reject', 'chargeback', 'subscriptions'],
};
const OTHERS = 'We look things up';
const TIMES = ['1', '2', '3', '5', '10', 'always'];

/** The call whose kinds the form offers now. */
let chosen = 'webhook';

/**
 * @param {Seen} seen
 * @param {(method: string, path: string, body?: object) => void} control
 * @param {() => void} redraw
 */
export function faults(seen, control, redraw) {
  return html`<section class="card faults" aria-labelledby="faults">
    <h2 id="faults">Let something go wrong</h2>
    ${form(seen, control, redraw)} ${armed(seen, control)}
  </section>`;
}

/**
 * @param {Seen} seen
 * @param {(method: string, path: string, body?: object) => void} control
 * @param {() => void} redraw
 */
function form({ kindsOf, whatHappens }, control, redraw) {
  const choose = (/** @type {Event} */ { target }) => {
    const select = /** @type {any} */ (target);
    chosen = select.value;
    redraw();
    select.form.elements.kind.selectedIndex = 0;
  };
  const set = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const { on, kind, times } = Object.fromEntries(
      new FormData(/** @type {HTMLFormElement} */ (event.target)),
    );
    control('POST', '/faults', { on, kind, times: times === 'always' ? times : Number(times) });
  };
  return html`<form @submit=${set}>
    <label>Call
      <select name="on" @change=${choose}>
        ${grouped(Object.keys(kindsOf)).map(
          ([group, calls]) =>
            html`<optgroup label=${group}>${calls.map((call) => html`<option ?selected=${call === chosen}>${call}</option>`)}</optgroup>`,
        )}
      </select>
    </label>
    <label>What happens
      <select name="kind">
        ${kindsOf[chosen]?.map((kind) => html`<option value=${kind}>${kind}: ${whatHappens[kind]}</option>`)}
      </select>
    </label>
    <label>Times <select name="times">${TIMES.map((times) => html`<option>${times}</option>`)}</select></label>
    <button>Set</button>
  </form>`;
}

/**
 * @param {string[]} calls
 * @returns {[string, string[]][]}
 */
function grouped(calls) {
  const named = Object.values(GROUPS).flat();
  return [...Object.entries(GROUPS), [OTHERS, calls.filter((call) => !named.includes(call))]];
}

/**
 * @param {Seen} seen
 * @param {(method: string, path: string, body?: object) => void} control
 */
function armed({ faults: set, whatHappens }, control) {
  if (set.length === 0) return html`<p class="empty">Nothing goes wrong now: no fault is set.</p>`;
  return html`<h3 id="armed">Set now, the first is used first</h3>
    <ul class="armed" aria-labelledby="armed">${set.map(
      ({ id, on, kind, times }) =>
        html`<li>
          <b>${on} ${kind}</b> <span>${times === 'always' ? 'always' : times === 1 ? 'once' : `${times} times`}</span>
          <small>${whatHappens[kind]}</small>
          <button
            type="button"
            aria-label="Remove ${on} ${kind}"
            @click=${() => control('DELETE', `/faults/${id}`)}
          >Remove</button>
        </li>`,
    )}</ul>
    <button type="button" @click=${() => control('DELETE', '/faults')}>Remove all</button>`;
}
