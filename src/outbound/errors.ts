/** Why no answer came, in the words of the one who connects; what it means for a client is the caller's to say. */
export type OutboundTrouble =
  /** There is no such name, or it has no address. */
  | 'name not found'
  /** The name servers did not say. */
  | 'lookup failed'
  /** The name has addresses, and all of them lie in networks that may not be connected to. */
  | 'forbidden address'
  /** The machine is there, nobody listens. */
  | 'refused'
  /** No way leads there. */
  | 'unreachable'
  /** A limit ran out: of connecting, until the headers, between two pieces of the body, or of the whole. */
  | 'timeout'
  /** No certificate for that name, or none that is trusted, or no TLS at all. */
  | 'tls'
  /** What came is not HTTP, or more of it than anybody needs. */
  | 'protocol'
  /** The connection ended in the middle. */
  | 'broken off'
  /** Too many redirects, or one that leads nowhere or out of the allowed schemes. */
  | 'bad redirect'
  /** The body is longer than the caller takes. */
  | 'too large';

/** A connection, request or answer that went wrong on the other side of the network. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly trouble: OutboundTrouble;
  /** @param message for the log; may name hosts and addresses, never holds what the other side sent */
  constructor(trouble: OutboundTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}
