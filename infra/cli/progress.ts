import { SingleBar } from 'cli-progress';
import { progress } from './output.ts';

/** How far long work has come, for whoever waits. */
export interface Progress {
  /** One more of them is done. */
  step(): void;
  end(): void;
}

/** So often where nobody watches, so that a log shows that it goes on and is not filled. */
const LINES = 10;

/**
 * A bar on a terminal, and a line now and then elsewhere; on stderr, since stdout is for the result. `total` may be
 * left out where nobody knows it: then it only counts.
 */
export function openProgress(
  what: string,
  total?: number,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (stream.isTTY) return bar(what, total, stream);
  const every = total === undefined ? 1_000 : Math.max(1, Math.ceil(total / LINES));
  let done = 0;
  const say = (line: string) => (stream === process.stderr ? progress(line) : stream.write(`${line}\n`));
  return {
    step() {
      done++;
      if (done % every === 0) say(`${what}: ${done}${total === undefined ? '' : ` of ${total}`}`);
    },
    end() {},
  };
}

function bar(what: string, total: number | undefined, stream: NodeJS.WriteStream): Progress {
  const format =
    total === undefined ? `${what}: {value}` : `${what} {bar} {value} of {total}, {eta_formatted} left`;
  const shown = new SingleBar({
    format,
    stream,
    barsize: 30,
    barCompleteChar: '#',
    barIncompleteChar: '.',
    // A run that is broken off must leave the terminal as it was.
    clearOnComplete: true,
    hideCursor: null,
  });
  shown.start(total ?? 0, 0);
  return { step: () => shown.increment(), end: () => shown.stop() };
}
