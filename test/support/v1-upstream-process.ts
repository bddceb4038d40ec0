import process from 'node:process';
import { V1Upstream } from './v1-upstream.ts';

// A process of its own, so that it can be stopped.
process.stdout.write(`${await new V1Upstream().listen()}\n`);
