/** The queues of one subscriber. */
export interface SubscriberQueues {
  queueUrl: string;
  dlqUrl: string;
  undeliveredUrl: string;
}

/** By the subscriber's name. */
export type Subscribers = ReadonlyMap<string, SubscriberQueues>;

const OUTPUT = /^([A-Z][A-Za-z0-9]*)QueueUrl$/;

/** Those that the outputs of a stack name; `OrderMailQueueUrl` and its two companions are of `order-mail`. */
export function subscribersOf(outputs: ReadonlyMap<string, string>): Subscribers {
  return new Map(
    [...outputs].flatMap(([name, queueUrl]) => {
      const [, pascal = ''] = OUTPUT.exec(name) ?? [];
      const dlqUrl = outputs.get(`${pascal}DlqQueueUrl`);
      const undeliveredUrl = outputs.get(`${pascal}UndeliveredQueueUrl`);
      if (!pascal || dlqUrl === undefined || undeliveredUrl === undefined) return [];
      return [[inKebabCase(pascal), { queueUrl, dlqUrl, undeliveredUrl }] as const];
    }),
  );
}

function inKebabCase(pascal: string): string {
  return pascal.replace(/[A-Z]/g, (letter, at) => (at === 0 ? '' : '-') + letter.toLowerCase());
}
