/** Keys that older versions of matrix-media-repo knew, and what to do about each. */
const REMOVED: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/^uploads\.storagePaths$/, 'replaced by "datastores": name the folders there'],
  [/^uploads\.(allowedTypes|exclusions)$/, 'uploads are no longer filtered by type; remove it'],
  [/^uploads\.quota$/, 'this key is called "quotas"'],
  [/^datastores\[\d+\]\.forUploads$/, 'replaced by "forKinds", such as [local_media]'],
  [/^datastores\[\d+\]\.enabled$/, 'replaced by "forKinds"; "enabled: false" is taken as "forKinds: []"'],
  [/^downloads\.cache$/, 'the cache in memory needs no configuration; remove it'],
  [/^homeservers\[\d+\]\.downloadRequiresAuth$/, 'replaced by "repo.freezeUnauthenticatedMedia"'],
  [/^repo\.ignoreForwardedHost$/, 'replaced by "repo.useForwardedHost", which says the opposite'],
  [/^thumbnails\.forceAnimated$/, 'replaced by "thumbnails.defaultAnimated"'],
  [/^thumbnails\.sizes\[\d+\]\.method$/, 'every size is made for both methods; remove it'],
  [/^featureSupport\.MSC2448\.(thumbWidth|thumbHeight)$/, 'blurhashes need no size to be computed from; remove it'],
  [/^featureSupport\.MSC2448\.(maxWidth|maxHeight|punch)$/, 'clients draw blurhashes by themselves; remove it'],
  [/^featureSupport\.IPFS$/, 'this experiment has ended; remove it'],
  [/^featureSupport\.redis$/, 'replaced by "redis", which stands by itself'],
  [/^(cluster|compression)$/, 'this experiment has ended; remove it'],
];

export function removedKeyAdvice(path: string): string | undefined {
  return REMOVED.find(([pattern]) => pattern.test(path))?.[1];
}
