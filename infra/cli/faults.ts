import type { Fault } from '../local/simulator/faults.ts';
import type { Environment } from './environment.ts';
import { type Result, table } from './output.ts';
import { control } from './simulator.ts';

const PATH = '/faults';

/** `faults`: those that are left, first used first. */
export async function listFaults(environment: Environment): Promise<Result> {
  const faults = await control<Fault[]>(environment, 'GET', PATH);
  const rows = faults.map(({ on, kind, times }) => [on, kind, String(times)]);
  return {
    document: { faults },
    text: rows.length > 0 ? table([['ON', 'KIND', 'TIMES'], ...rows]) : 'No fault is set.',
  };
}

/** `faults set <on> <kind>`, after those that are set already; answers all of them. */
export async function setFault(environment: Environment, fault: Fault): Promise<Result> {
  await control(environment, 'POST', PATH, fault);
  return listFaults(environment);
}

/** `faults clear`: takes all of them away. */
export async function clearFaults(environment: Environment): Promise<Result> {
  await control(environment, 'DELETE', PATH);
  return listFaults(environment);
}
