/**
 * Makes the images that the tests use available, and builds ours. What no registry answers for is stood in for,
 * under the same name, by an image built from Debian packages. With names of images as arguments, only those.
 */
import process from 'node:process';
import { provideAll, provideImages } from './stand-in-images/provide.ts';

const names = process.argv.slice(2);
await (names.length > 0 ? provideImages(names, console.log) : provideAll(console.log));
