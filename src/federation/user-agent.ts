/** Whom other servers see. */
export const USER_AGENT = 'vitrine';
