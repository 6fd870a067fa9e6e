import type { Fault, SetFault } from '../local/simulator/faults.ts';
import type { Environment } from './environment.ts';
import { type Result, table } from './output.ts';
import { control } from './simulator.ts';

const PATH = '/faults';

/** `faults`: those that are left, first used first. */
export async function listFaults(environment: Environment): Promise<Result> {
  const faults = await control<SetFault[]>(environment, 'GET', PATH);
  const rows = faults.map(({ id, on, kind, times }) => [String(id), on, kind, String(times)]);
  return {
    document: { faults },
    text: rows.length > 0 ? table([['ID', 'ON', 'KIND', 'TIMES'], ...rows]) : 'No fault is set.',
  };
}

/** `faults set <on> <kind>`, after those that are set already; answers all of them. */
export async function setFault(environment: Environment, fault: Fault): Promise<Result> {
  await control(environment, 'POST', PATH, fault);
  return listFaults(environment);
}

/** `faults clear [id]`: takes all of them away, or the one. */
export async function clearFaults(environment: Environment, id?: number): Promise<Result> {
  await control(environment, 'DELETE', id === undefined ? PATH : `${PATH}/${id}`);
  return listFaults(environment);
}
