/** Programs in the languages of those who adopt the service, run where the language is at hand. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'vitest';
import { mustRun } from '../../infra/rehearsal/run.ts';
import { root } from './documents.ts';

/** How a program of one file is run, by the name that a block of code has in a document. */
const COMMANDS: Record<string, { file: string; command: [program: string, ...args: string[]] }> = {
  js: { file: 'main.mjs', command: [process.execPath, 'main.mjs'] },
  python: { file: 'main.py', command: ['python3', 'main.py'] },
  php: { file: 'main.php', command: ['php', 'main.php'] },
  java: { file: 'Main.java', command: ['java', 'Main.java'] },
  csharp: { file: 'Program.cs', command: ['dotnet', 'run'] },
  go: { file: 'main.go', command: ['go', 'run', 'main.go'] },
};

const CSHARP_PROJECT = `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework><RollForward>Major</RollForward></PropertyGroup>
</Project>`;

/** A test that needs programs: skipped, and counted as such, where one is missing, unless CI_STRICT is set. */
export function itWith(...programs: string[]) {
  const isMissing = programs.some((program) => spawnSync(program, ['--version']).error !== undefined);
  return it.skipIf(isMissing && !process.env.CI_STRICT);
}

/** As {@link itWith}, for a program in the language. */
export function itIn(language: string) {
  return itWith(COMMANDS[language]!.command[0]);
}

/** What the program prints. */
export async function runProgram(
  language: string,
  text: string,
  env: Record<string, string>,
  args: string[] = [],
): Promise<string> {
  const { file, command } = COMMANDS[language]!;
  const folder = await mkdtemp(join(tmpdir(), 'program-'));
  try {
    await writeFile(join(folder, file), text);
    if (language === 'js') await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    if (language === 'csharp') await writeFile(join(folder, 'program.csproj'), CSHARP_PROJECT);
    const [program, ...options] = command;
    return await mustRun(program, [...options, ...args], { cwd: folder, env: { ...process.env, ...env } });
  } finally {
    await rm(folder, { recursive: true });
  }
}
