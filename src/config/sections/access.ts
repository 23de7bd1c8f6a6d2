import { Type } from 'typebox';

export const accessTokens = Type.Object(
  {
    maxCacheTimeSeconds: Type.Integer({
      default: 0,
      description:
        'How long an answer about a token is remembered, in seconds. 0 or less: the homeserver is asked each time.',
    }),
    useLocalAppserviceConfig: Type.Boolean({
      default: false,
      description: 'Know the application services below without asking the homeserver.',
    }),
    appservices: Type.Array(
      Type.Object(
        {
          id: Type.String({ default: '', description: 'A name for the logs.' }),
          asToken: Type.String({
            default: '',
            format: 'not-empty',
            secret: 'whole',
            description: 'The `as_token` of its registration.',
          }),
          senderUserId: Type.String({
            default: '',
            format: 'user-id',
            description: 'Who it is when it names nobody with `?user_id=`.',
          }),
          userNamespaces: Type.Array(
            Type.Object(
              {
                regex: Type.String({
                  default: '',
                  format: 'regular-expression',
                  description: 'Regular expression (RE2) that the whole user ID has to match.',
                }),
              },
              { description: 'One namespace.' },
            ),
            { default: [], description: 'The users that it may act as.' },
          ),
        },
        { description: 'One application service.' },
      ),
      { default: [], description: 'Application services that are known here.' },
    ),
  },
  { description: 'How access tokens are understood.' },
);

export const admins = Type.Array(Type.String({ format: 'user-id' }), {
  default: [],
  description: 'User IDs with all rights on all domains, written exactly.',
});

/** Values of samples; a secret that everybody knows is none. */
export const PLACEHOLDER_SECRETS: readonly string[] = ['', 'ReplaceMe', 'PutSomeRandomSecureValueHere'];

export const sharedSecretAuth = Type.Object(
  {
    enabled: Type.Boolean({ default: false, description: 'Accept the secret below in place of an access token.' }),
    token: Type.String({
      default: 'ReplaceMe',
      secret: 'whole',
      description: 'A long random text. Whoever has it has all rights.',
    }),
  },
  { description: 'A secret for scripts of the operator.' },
);
