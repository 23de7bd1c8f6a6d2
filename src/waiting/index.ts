export { orAborted } from './or-aborted.ts';
export { refuseCrumbs } from './refuse-crumbs.ts';
