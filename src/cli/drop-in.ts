import type { ExitCode } from './error.ts'

/** The commands that take the place of iptables' own: by name, given what follows the name. */
export const dropIns: Readonly<Record<string, (argv: readonly string[]) => Promise<ExitCode>>> = {}
