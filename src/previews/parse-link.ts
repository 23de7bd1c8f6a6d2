import { BadRequest } from '../matrix/index.ts';

/** Without the fragment, which no server gets to see; equal for links that browsers take for the same. @throws {BadRequest} */
export function parseLink(text: string): URL {
  if (!/^https?:\/\//.test(text)) throw new BadRequest('Only links that begin with http:// or https:// have previews');
  const url = URL.parse(text);
  if (url === null || url.hostname === '') throw new BadRequest('There is no host in this link, or no possible one');
  url.hash = '';
  return url;
}
