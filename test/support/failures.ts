import { relative } from 'node:path';
import process from 'node:process';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** Says last what failed, a line each: a log of which only the end is kept still names it. */
export default class Failures implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const lines = [
      ...modules.flatMap(failuresOf),
      ...unhandled.map((error) => `outside of tests: ${firstLine(error)}`),
    ];
    if (lines.length > 0) process.stdout.write(['', ' What failed:', ...lines, ''].join('\n'));
  }
}

/** Its tests, and what failed around them: hooks and imports. */
function failuresOf(module: TestModule): readonly string[] {
  const file = relative(process.cwd(), module.moduleId);
  const failures = [
    { name: '', errors: module.errors() },
    ...[...module.children.allSuites()].map((suite) => ({ name: suite.fullName, errors: suite.errors() })),
    ...[...module.children.allTests('failed')].map((test) => ({
      name: test.fullName,
      errors: test.result().errors ?? [],
    })),
  ];
  return failures
    .filter(({ errors }) => errors.length > 0)
    .map(
      ({ name, errors }) =>
        ` ${[file, name].filter(Boolean).join(' > ')}: ${errors.map(firstLine).join('; ')}`,
    );
}

const firstLine = ({ message }: { readonly message: string }): string => message.split('\n', 1)[0] ?? '';
