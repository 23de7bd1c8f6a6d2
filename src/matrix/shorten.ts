/** Text of a stranger made fit for a message: at most 60 characters, control characters shown as escapes. */
export function shorten(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(cut).slice(1, -1);
}
