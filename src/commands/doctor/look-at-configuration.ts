import { ConfigError, formatProblem, type LoadedConfig, loadConfig, readEnvironment } from '../../config/index.ts';
import { type Diagnosis, ok, problem, warning } from './diagnosis.ts';

const PART = 'configuration';

/** Reads it as a start would. `loaded` is missing when it cannot be used. */
export async function lookAtConfiguration(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly loaded?: LoadedConfig; readonly diagnoses: readonly Diagnosis[] }> {
  try {
    readEnvironment(env);
    const loaded = await loadConfig(path);
    const { warnings, withoutEffect } = loaded;
    const diagnoses = [
      ok(PART, `${path}: ${[...loaded.config.domains.keys()].join(', ')}`),
      ...warnings.map((found) => warning(PART, formatProblem(found), 'Correct the line, or take it out.')),
    ];
    if (withoutEffect.length > 0) {
      const found = `set, and without effect in this version: ${withoutEffect.join(', ')}`;
      diagnoses.push(warning(PART, found, 'Do not rely on them.'));
    }
    return { loaded, diagnoses };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { diagnoses: [problem(PART, error.message, 'Correct these lines; docs/configuration.md has all options.')] };
  }
}
