/** A link has no preview, and the reason lies with the link. Not for clients: it may tell where names lead. */
export class NoPreview extends Error {
  override readonly name = 'NoPreview';
  /** Whether it will most likely be the same in a few minutes. */
  readonly isLasting: boolean;
  constructor(message: string, isLasting: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isLasting = isLasting;
  }
}
