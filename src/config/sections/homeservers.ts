import { Type } from 'typebox';
import { oneOf } from '../option.ts';

/** The fields that an entry of `homeservers` and a per-domain file have in common. */
export const homeserverFields = {
  csApi: Type.String({
    default: '',
    format: 'http-url',
    description: "Base URL of the homeserver's client-server API, as Vitrine reaches it.",
  }),
  backoffAt: Type.Integer({
    default: 10,
    description: 'After so many failures in a row the homeserver is left alone for a while. 0 or less: 10.',
  }),
  adminApiKind: oneOf(['matrix', 'synapse', 'dendrite'], {
    default: 'matrix',
    description: "Which admin API the homeserver has. Only `synapse` can list a room's media.",
    later: true,
  }),
  signingKeyPath: Type.String({
    default: '',
    description:
      'File with the key that signs requests to other servers, in the format of matrix-media-repo, Synapse or Dendrite.',
  }),
};

const homeserver = Type.Object(
  {
    name: Type.String({
      default: '',
      format: 'server-name',
      description: 'Server name: what stands behind the colon of its user IDs.',
    }),
    ...homeserverFields,
  },
  { description: 'One homeserver.' },
);

export const homeservers = Type.Array(homeserver, {
  default: [],
  description: 'The homeservers whose media is kept here. Per-domain files can add more.',
});
