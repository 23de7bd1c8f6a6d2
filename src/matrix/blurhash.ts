import { isBlurhashValid } from 'blurhash';

/** The digits of its base 83. */
const DIGITS = /^[\w#$%*+,\-.:;=?@[\]^{|}~]+$/;

/** Whether a text can be drawn: between 6 and 166 digits, as many as its first one says. MSC2448. */
export function isBlurhash(text: string): boolean {
  return DIGITS.test(text) && isBlurhashValid(text).result;
}
