import type { NamedCommand } from './command.ts';
import type { StartService } from './serve.ts';

/** All of them, the default first. What one needs would cost each of the others a part of its time to start. */
export function nameCommands(startService: StartService): readonly [NamedCommand, ...NamedCommand[]] {
  return [
    { name: 'serve', load: async () => (await import('./serve.ts')).serveCommand(startService) },
    { name: 'init', load: async () => (await import('./init.ts')).init },
    { name: 'config', load: async () => (await import('./config.ts')).config },
    { name: 'doctor', load: async () => (await import('./doctor/doctor.ts')).doctor },
    { name: 'check', load: async () => (await import('./check.ts')).check },
    { name: 'datastore', load: async () => (await import('./datastore.ts')).datastore },
    { name: 'signing-key', load: async () => (await import('./signing-key.ts')).signingKey },
    { name: 'thumbnail', load: async () => (await import('./thumbnail.ts')).thumbnail },
  ];
}
