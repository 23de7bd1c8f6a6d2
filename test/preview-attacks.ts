import { SITE } from './played-previews.ts';

/** Addresses of this machine, of the networks around it, and of what runs in them, as programs write them. */
export const HOSTS: readonly string[] = [
  ...['127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '2130706433', '0x7f000001', '0x7f.0.0.1', '0x7f.1'],
  ...[
    '0177.0.0.1',
    '0177.1',
    '017700000001',
    '127.0.0.1.',
    '127.0x0.0.01',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '%31%32%37.0.0.1',
  ],
  ...['0', '0.0.0.0', '0x0', '0.1.2.3', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[::0001]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[::ffff:0:127.0.0.1]', '[::ffff:10.0.0.1]'],
  ...['[64:ff9b::127.0.0.1]', '[64:ff9b::a00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2002:a00:1::1]'],
  ...['[2001:0:7f00:1::1]', '[2001:0:102:304:0:0:80ff:fffe]', '[fd00::200:5efe:127.0.0.1]'],
  ...['[fe80::1]', '[fe90::1]', '[febf::1]', '[fe80::1%25eth0]', '[fe80::1%eth0]', '[fec0::1]', '[ff02::1]'],
  ...['[fc00::1]', '[fd00:ec2::254]', '10.0.0.1', '10.1', '167772161', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  ...['192.168.1', '0xc0a80001', '100.64.0.1', '100.100.100.200', '169.254.169.254', '0xa9fea9fe', '2852039166'],
  ...[
    '0251.0376.0251.0376',
    '169.254.43518',
    '192.0.0.192',
    '168.63.129.16',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ],
  ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'a.b.localhost.'],
];

/** Links that mean something else than they seem to, or that no preview is made of. */
export const LINKS: readonly string[] = [
  `http://${SITE}@127.0.0.1/`,
  `http://${SITE}:80@127.0.0.1/`,
  'http://user:password@127.0.0.1/',
  `http://127.0.0.1#@${SITE}/`,
  `http://127.0.0.1\\@${SITE}/`,
  `http://127.0.0.1?@${SITE}/`,
  'http:127.0.0.1/',
  'http:/127.0.0.1/',
  'http:///127.0.0.1/',
  'http://\t127.0.0.1/',
  'http://127.0.0.1\r\nX: y/',
  'http://127.0.0.1:22/',
  'http://127.0.0.1:65536/',
  'HTTP://127.0.0.1/',
  ' http://127.0.0.1/',
  '//127.0.0.1/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'dict://127.0.0.1:6379/info',
  'ftp://127.0.0.1/',
  'ldap://127.0.0.1/',
  'jar:http://127.0.0.1!/',
  'unix:/var/run/docker.sock',
  'http+unix://%2Fvar%2Frun%2Fdocker.sock/info',
  'http://unix:/var/run/docker.sock:/info',
  'data:text/html,<title>x</title>',
  'javascript:alert(1)',
  `https://user:password@${SITE}/`,
  `https://${SITE}:25/`,
  `https://${SITE}:6379/`,
];

/** Names of others that lead inside, by what the name server says. */
export const NAMES: Readonly<
  Record<string, { readonly type: 'A' | 'AAAA' | 'CNAME'; readonly values: readonly string[] }>
> = {
  'loopback.example': { type: 'A', values: ['127.0.0.1'] },
  'private.example': { type: 'A', values: ['10.0.0.1', '192.168.0.1'] },
  'metadata.example': { type: 'A', values: ['169.254.169.254'] },
  'zero.example': { type: 'A', values: ['0.0.0.0'] },
  'six.example': { type: 'AAAA', values: ['::1'] },
  'mapped.example': { type: 'AAAA', values: ['::ffff:127.0.0.1'] },
  'nat64.example': { type: 'AAAA', values: ['64:ff9b::7f00:1'] },
  'sixtofour.example': { type: 'AAAA', values: ['2002:a9fe:a9fe::1'] },
  'local.example': { type: 'AAAA', values: ['fe80::1'] },
  'unique.example': { type: 'AAAA', values: ['fd12::1'] },
  'alias.example': { type: 'CNAME', values: ['localhost'] },
  'alias-of-alias.example': { type: 'CNAME', values: ['loopback.example'] },
};

/** Where pages of others lead those who follow. */
export const INSIDE: readonly string[] = [
  'http://127.0.0.1/inside.png',
  'http://169.254.169.254/latest/meta-data/',
  'http://[::1]/inside.png',
  'http://2130706433/inside.png',
  'http://loopback.example/inside.png',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_INFO',
];

/** Pages that make whoever reads them ask for something else. */
export const LURES: Readonly<Record<string, (inside: string) => string>> = {
  'og:image': (inside) => `<meta property="og:image" content="${inside}">`,
  'og:image:secure_url': (inside) => `<meta property="og:image:secure_url" content="${inside}">`,
  'og:url': (inside) => `<meta property="og:url" content="${inside}">`,
  'og:video': (inside) => `<meta property="og:video" content="${inside}">`,
  'twitter:image': (inside) => `<meta name="twitter:image" content="${inside}">`,
  'structured data': (inside) => `<script type="application/ld+json">{"name":"lure","image":"${inside}"}</script>`,
  microdata: (inside) => `<meta itemprop="image" content="${inside}">`,
  'a linked image': (inside) => `<link rel="image_src" href="${inside}">`,
  'an icon': (inside) => `<link rel="icon" sizes="64x64" href="${inside}">`,
  'a touch icon': (inside) => `<link rel="apple-touch-icon" href="${inside}">`,
  'a picture': (inside) => `<img src="${inside}" width="500" height="500">`,
  'a base': (inside) => `<base href="${inside}"><meta property="og:image" content="x.png">`,
  'a refresh': (inside) => `<meta http-equiv="refresh" content="0; url=${inside}">`,
  'a canonical link': (inside) => `<link rel="canonical" href="${inside}">`,
  'a style sheet': (inside) => `<link rel="stylesheet" href="${inside}">`,
  'a frame': (inside) => `<iframe src="${inside}"></iframe>`,
  'an oEmbed link': (inside) => `<link rel="alternate" type="application/json+oembed" href="${inside}">`,
};
