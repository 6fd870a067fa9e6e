/** Stands between the service and the simulator: what was asked passes through, is noted, and can be held back. */
import { openServer, readBody } from '../../infra/local/http-server.ts';

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  /** Epoch milliseconds. */
  at: number;
}

export async function watchedGateway() {
  const server = await openServer(0);
  const asked: Asked[] = [];
  let heldBack: (() => void)[] | undefined;
  let isHeld = (_path: string) => true;

  return {
    url: server.url,
    asked,
    close: server.close,
    passOnTo(simulatorUrl: string): void {
      server.serve(async (request, response) => {
        const url = new URL(request.url ?? '', simulatorUrl);
        const bytes = (await readBody(request, 1_000_000)) ?? Buffer.alloc(0);
        const method = request.method ?? '';
        const { pathname: path, searchParams: query } = url;
        asked.push({ method, path, query, body: bytes.toString(), at: Date.now() });
        const letGo = isHeld(path) ? heldBack : undefined;
        if (letGo) await new Promise<void>((resolve) => letGo.push(resolve));
        const { authorization = '', 'user-agent': agent = '' } = request.headers;
        const answer = await fetch(url, {
          method,
          headers: { authorization, 'user-agent': agent, 'content-type': 'application/json' },
          ...(bytes.length > 0 && { body: new Uint8Array(bytes) }),
        });
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
        response.end(await answer.text());
      });
    },
    /** From now on nothing of these paths is answered. */
    holdBack(paths: (path: string) => boolean): void {
      isHeld = paths;
      heldBack = [];
    },
    held: (): number => heldBack?.length ?? 0,
    letGo(): void {
      const held = heldBack ?? [];
      heldBack = undefined;
      for (const resolve of held) resolve();
    },
  };
}
