/** A URL fit for a log: access tokens are not in it. */
export function redactUrl(url: string): string {
  return url.replace(/([?&;](?:access_token|accessToken|token|sig|signature)=)[^&#;]*/gi, '$1redacted');
}
