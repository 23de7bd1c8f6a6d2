import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

/** What a name may have. `SRV` as `priority weight port target`, with `.` for "no such service". */
export type RecordType = 'A' | 'AAAA' | 'CNAME' | 'SRV';

/** What a name server in trouble does. */
export type DnsTrouble =
  /** Never answers. */
  | 'silent'
  /** Says that it failed (SERVFAIL). */
  | 'failing'
  /** Says that it does not want to (REFUSED). */
  | 'refusing';

/** A name server on a real port of this machine, which knows what the test tells it and NXDOMAIN for all else. */
export interface FakeDns extends AsyncDisposable {
  /** For `dns.setServers`. */
  readonly server: string;
  /** As `A example.org`, oldest first; each repetition counts. */
  readonly questions: readonly string[];
  /** The records of that type from now on, in place of those before. Names are compared without case. */
  set(name: string, type: RecordType, values: readonly string[]): void;
  /** Answers that change from question to question; the last one stays. */
  setInTurn(name: string, type: RecordType, turns: readonly (readonly string[])[]): void;
  /** From now on questions about that name, or of that type only, run into it; `undefined` ends that. */
  suffer(name: string, trouble: DnsTrouble | undefined, type?: RecordType): void;
}

const NOERROR = 0;
const CODES = { failing: 2, 'no such name': 3, refusing: 5 } as const;
const RECURSION = 0x0180;

/** Dispose of it (`await using`) to close the port. */
export async function startFakeDns(): Promise<FakeDns> {
  const turnsOf = new Map<string, (readonly string[])[]>();
  const names = new Set<string>();
  const troubles = new Map<string, DnsTrouble>();
  const questions: string[] = [];
  const socket = createSocket('udp4');

  const setInTurn = (name: string, type: RecordType, turns: readonly (readonly string[])[]) => {
    names.add(name.toLowerCase());
    turnsOf.set(`${type} ${name.toLowerCase()}`, [...turns]);
  };

  /** With the aliases on the way, as a resolver of an internet provider would. */
  const recordsOf = (type: string, asked: string): Answer[] => {
    const name = asked.toLowerCase();
    const [alias] = type === 'CNAME' ? [] : takeTurn(turnsOf.get(`CNAME ${name}`));
    if (alias !== undefined) return [toAnswer('CNAME', asked, alias), ...recordsOf(type, alias)];
    return takeTurn(turnsOf.get(`${type} ${name}`)).map((value) => toAnswer(type as RecordType, asked, value));
  };

  const answerTo = (query: Packet): Buffer | undefined => {
    const { type = '', name = '' } = query.questions?.[0] ?? {};
    questions.push(`${type} ${name}`);
    const trouble = troubles.get(name.toLowerCase()) ?? troubles.get(`${type} ${name.toLowerCase()}`);
    if (trouble === 'silent') return undefined;
    const answers = trouble === undefined ? recordsOf(type, name) : [];
    const isKnown = answers.length > 0 || names.has(name.toLowerCase());
    const code = trouble !== undefined ? CODES[trouble] : isKnown ? NOERROR : CODES['no such name'];
    return encode({
      type: 'response',
      id: query.id ?? 0,
      flags: RECURSION | code,
      questions: query.questions ?? [],
      answers,
    });
  };

  socket.on('message', (message, { port, address }) => {
    const answer = answerTo(decode(message));
    if (answer !== undefined) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');

  return {
    server: `127.0.0.1:${socket.address().port}`,
    questions,
    set: (name, type, values) => setInTurn(name, type, [values]),
    setInTurn,
    suffer(name, trouble, type) {
      const key = type === undefined ? name.toLowerCase() : `${type} ${name.toLowerCase()}`;
      if (trouble === undefined) troubles.delete(key);
      else troubles.set(key, trouble);
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function takeTurn(turns: (readonly string[])[] | undefined): readonly string[] {
  const [first = [], ...later] = turns ?? [];
  if (later.length > 0) turns?.shift();
  return first;
}

function toAnswer(type: RecordType, name: string, value: string): Answer {
  if (type !== 'SRV') return { type, name, ttl: 0, data: value };
  const [priority, weight, port, target = ''] = value.split(' ');
  return {
    type,
    name,
    ttl: 0,
    data: { priority: Number(priority), weight: Number(weight), port: Number(port), target },
  };
}
