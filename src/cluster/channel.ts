/**
 * What is told, and what the message is:
 * - `upload_mxc`: the media of this mxc URI has been uploaded
 * - `media_changed`: the record of this mxc URI has changed; `*`: any may have
 * - `tokens_forgotten`: see `auth/token-cache.ts`
 * - `server_trouble`: see `federation/backoff.ts`
 * - `task_changed`: the background task with this number is new or has changed
 */
export type Channel = 'upload_mxc' | 'media_changed' | 'tokens_forgotten' | 'server_trouble' | 'task_changed';
