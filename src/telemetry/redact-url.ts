const SECRET_KEYS: ReadonlySet<string> = new Set(['access_token', 'accesstoken', 'token', 'sig', 'signature']);

/** A URL fit for a log: access tokens are not in it, however their keys are written. */
export function redactUrl(url: string): string {
  return url.replace(/(?<=[?&;])([^?&;=#]*)=[^&;#]*/g, (pair, key: string) => {
    return SECRET_KEYS.has(decode(key).toLowerCase()) ? `${key}=redacted` : pair;
  });
}

function decode(key: string): string {
  return key.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
