/**
 * The types that an `Accept` header names, in lower case. One that is only meant by `*` is not among them: programs that
 * send a wildcard do so without knowing what there is. Nor is one that is refused with `q=0`. RFC 9110, section 12.5.1.
 */
export function namedTypes(header: string | undefined): ReadonlySet<string> {
  const named = new Set<string>();
  for (const part of header?.split(',') ?? []) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((text) => /^q\s*=/.test(text))?.replace(/^q\s*=\s*/, '');
    if (/^[^*\s/]+\/[^*\s/]+$/.test(type) && (weight === undefined || Number(weight) > 0)) named.add(type);
  }
  return named;
}
