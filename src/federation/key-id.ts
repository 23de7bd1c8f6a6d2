/** `ed25519:` and a version: names one key of one server. The only algorithm that Matrix has for servers. */
export type KeyId = `ed25519:${string}`;

/**
 * The specification's alphabet is `A-Z a-z 0-9 _`; older keys have others. Refused is what could end a value in a
 * header, a line in a key file, or the key ID itself.
 */
const VERSION = /^[!#-+\--9;-[\]-~]{1,255}$/;

/** What is wrong with the version of a key, in words that end a sentence; `undefined`: nothing. */
export function findVersionProblem(version: string): string | undefined {
  if (VERSION.test(version)) return undefined;
  return 'allowed are up to 255 visible ASCII characters other than " , : and \\';
}

/** `undefined` for what is no key ID, and for keys of other algorithms. */
export function parseKeyId(text: string): KeyId | undefined {
  const [algorithm, version = '', ...more] = text.split(':');
  if (algorithm !== 'ed25519' || more.length > 0 || findVersionProblem(version) !== undefined) return undefined;
  return `ed25519:${version}`;
}
