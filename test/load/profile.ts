/** How much is sent, and for how long. `npm run load` takes the long one, `npm run load -- --short` the other. */
export interface Profile {
  /** Requests per second, one step after another, until the knee. */
  createRates: number[];
  webhookRates: number[];
  stepSeconds: number;
  chaosSeconds: number;
  /** Requests per second while things break: creates, webhooks that the customers cause, and questions for a state. */
  chaosRate: number;
}

const LONG: Profile = {
  createRates: [20, 40, 80, 160, 320, 640],
  webhookRates: [40, 80, 160, 320, 640, 1280],
  stepSeconds: 5,
  chaosSeconds: 45,
  chaosRate: 20,
};

const SHORT: Profile = {
  createRates: [20, 60, 120],
  webhookRates: [40, 120, 240],
  stepSeconds: 3,
  chaosSeconds: 18,
  chaosRate: 20,
};

export const profiles = { long: LONG, short: SHORT };
