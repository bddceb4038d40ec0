import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Runs the files of all projects side by side: those that compute beside those that wait for containers. */
export class Interleaved extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = Map.groupBy(sorted, ({ project }) => project.name);
    const places = [...projects.values()].flatMap((own) =>
      own.map((file, index) => ({ file, place: index / own.length })),
    );
    return places.sort((one, other) => one.place - other.place).map(({ file }) => file);
  }
}
