import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../telemetry/index.ts';

const SWEEP_MS = 500;

/** How a connection stood at the last look. */
interface Standing {
  takenBytes: number;
  /** For so long nothing more has been taken, though something waits. */
  idleMs: number;
}

/**
 * Resets connections whose client takes nothing of what is to be sent: of one long answer, or of many short ones that
 * it has asked for at once. A look at all of them twice a second costs less than a timer for each answer. Reset, because
 * what the kernel holds would otherwise be kept for minutes for a client that does not read.
 * @param seconds the limit as it is now; 0 or less: none
 * @returns what ends it
 */
export function resetStalledReaders(server: Server, seconds: () => number, log: Log): () => void {
  const standings = new Map<Socket, Standing>();
  server.on('connection', (socket) => {
    standings.set(socket, { takenBytes: 0, idleMs: 0 });
    socket.once('close', () => standings.delete(socket));
  });
  const timer = setInterval(() => {
    const limitMs = seconds() * 1000;
    for (const [socket, standing] of standings) {
      // A wait that was ours, such as for a file or an upload, leaves nothing to be taken, and starts anew.
      const takenBytes = socket.bytesWritten - socket.writableLength;
      const isStuck = socket.writableLength > 0 && takenBytes === standing.takenBytes;
      standing.idleMs = isStuck ? standing.idleMs + SWEEP_MS : 0;
      standing.takenBytes = takenBytes;
      if (limitMs <= 0 || standing.idleMs < limitMs) continue;
      log.info({ remoteAddr: socket.remoteAddress }, 'The client takes nothing of its answer, and is cut off');
      socket.resetAndDestroy();
    }
  }, SWEEP_MS);
  timer.unref();
  return () => clearInterval(timer);
}
