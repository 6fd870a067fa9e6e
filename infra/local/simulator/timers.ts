/** Every wait of the simulator: none keeps the process alive, and none ends after the simulator was closed. */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();
  #closed = false;

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return;
      const timer = setTimeout(() => {
        this.#running.delete(timer);
        resolve();
      }, ms);
      timer.unref();
      this.#running.add(timer);
    });
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#running) clearTimeout(timer);
    this.#running.clear();
  }
}
