import { expect, it, vi } from 'vitest';
import { CallerLinks } from '../../src/upstream/caller-links.ts';
import type { Link } from '../../src/upstream/link.ts';

/** Sessions that only say when they end, and a clock that the test moves. */
function linksAt(start = 0) {
  const clock = { time: start };
  const links = new CallerLinks(() => clock.time);
  const ended: string[] = [];
  const opened: string[] = [];
  const open = (caller: string) => (): Promise<Link> => {
    opened.push(caller);
    const close = (): Promise<void> => {
      ended.push(caller);
      return Promise.resolve();
    };
    return Promise.resolve({ close } as unknown as Link);
  };
  const use = (
    caller: string,
    work: (link: Link) => Promise<unknown> = () => Promise.resolve(),
    client = caller,
  ) => links.use({ caller, client }, open(caller), work);
  return { links, clock, ended, opened, use };
}

it('a caller has one session, however many calls come at a time', async () => {
  const { opened, use } = linksAt();
  await Promise.all([use('ada'), use('ada'), use('bob')]);
  await use('ada');
  expect(opened).toEqual(['ada', 'bob']);
});

it('the session unused for longest ends where there are too many, and none that a call is made in', async () => {
  const { links, ended, use } = linksAt();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const busy = use('busy', () => promise);
  for (let caller = 0; caller < 300; caller += 1) await use(String(caller));
  expect(links.size).toBeLessThanOrEqual(256);
  await vi.waitFor(() => {
    expect(ended.length).toBe(301 - links.size);
  });
  expect(ended).not.toContain('busy');
  expect(ended[0]).toBe('0');
  resolve(undefined);
  await busy;
});

it('the client that has most sessions gives way, and not those who have one', async () => {
  const { links, ended, use } = linksAt();
  await use('ada');
  await use('bob');
  for (let session = 0; session < 600; session += 1) await use(`eve ${session}`, undefined, 'eve');
  expect(links.size).toBeLessThanOrEqual(256);
  await vi.waitFor(() => {
    expect(ended.length).toBe(602 - links.size);
  });
  expect(ended).not.toContain('ada');
  expect(ended).not.toContain('bob');
  expect(ended[0]).toBe('eve 0');
});

it('a session ends when it is unused for ten minutes', async () => {
  const { links, clock, ended, use } = linksAt();
  await use('ada');
  clock.time = 599;
  await use('bob');
  expect(ended).toEqual([]);
  clock.time = 600;
  links.sweep();
  await vi.waitFor(() => {
    expect(ended).toEqual(['ada']);
  });
});

it('is unused since its last call ended, whichever call began first', async () => {
  const { links, clock, ended, use } = linksAt();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const long = use('long', () => promise);
  await use('ada');
  clock.time = 300;
  resolve(undefined);
  await long;
  clock.time = 600;
  links.sweep();
  await vi.waitFor(() => {
    expect(ended).toEqual(['ada']);
  });
  clock.time = 900;
  links.sweep();
  await vi.waitFor(() => {
    expect(ended).toEqual(['ada', 'long']);
  });
});

it('of those that give way is the last one where a long call in it has just ended', async () => {
  const { ended, use } = linksAt();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const long = use('long', () => promise, 'eve');
  for (let session = 1; session < 256; session += 1) await use(`eve ${session}`, undefined, 'eve');
  resolve(undefined);
  await long;
  await use('ada');
  await vi.waitFor(() => {
    expect(ended).toEqual(['eve 1']);
  });
});

it('one that cannot be opened is tried anew with the next call', async () => {
  const { links, use } = linksAt();
  const refused = links.use(
    { caller: 'ada', client: 'ada' },
    () => Promise.reject(new Error('no')),
    () => Promise.resolve(),
  );
  await expect(refused).rejects.toThrow('no');
  expect(links.size).toBe(0);
  await use('ada');
  expect(links.size).toBe(1);
});

it('the end of all waits for none that is being opened', async () => {
  const { links } = linksAt();
  const opening = links.use(
    { caller: 'ada', client: 'ada' },
    (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('given up'));
        });
      }),
    () => Promise.resolve(),
  );
  const given = expect(opening).rejects.toThrow('given up');
  await links.close();
  await given;
});
