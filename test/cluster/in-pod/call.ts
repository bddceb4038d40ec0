import process from 'node:process';
import { connect, type Era } from './connect.ts';

// Calls a tool once, and prints its result as JSON: `call.ts URL ERA TOOL ARGUMENTS [TOKEN]`.

const [url = '', era, name = '', args = '{}', token] = process.argv.slice(2);
const client = await connect(url, era as Era, token);
const result = await client.callTool({ name, arguments: JSON.parse(args) as Record<string, unknown> });
process.stdout.write(JSON.stringify(result));
await client.close();
