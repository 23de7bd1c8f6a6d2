/** One step of the schema of matrix-media-repo (MMR). Its number is what MMR's table `gomigrate` remembers. */
export interface Migration {
  readonly number: number;
  readonly does: string;
  /** One or several statements of PostgreSQL. */
  readonly sql: string;
}
